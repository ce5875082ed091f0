"""How to see: the codecs of a world's images, by principal components of recorded pictures."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from worldtwin.errors import TracesError
from worldtwin.exact import Key
from worldtwin.learning.holdout import chance
from worldtwin.simulation import ImageReport, Simulator
from worldtwin.traces import Traces
from worldtwin.world import COMPONENT, MEAN_BITS, Codec, Image, Spec, Transitions

ENOUGH: Final = 0.99
"""The share of the variance of pictures kept aside with which no more components are taken."""
MOST_PICTURES: Final = 4096
MOST_NUMBERS: Final = 1 << 25
"""So many pictures, and numbers in them, are learned from: 128 MiB."""
ASIDE: Final = 0.2

_LARGEST: Final = (1 << 15) - 1
_RECORDED: Final = 1 << (COMPONENT.exponent - 1)
"""No component of a picture that was learned from is larger: that of another one may be, up to twice."""

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Pictures(Struct, frozen=True, eq=False):
    """Recorded pictures (n, values), those to learn from and those kept aside to judge by."""

    learned: Pixels
    aside: Pixels


def sighted(
    spec: Spec, base: Simulator | None, traces: Traces | Transitions, key: Key
) -> tuple[Spec, tuple[ImageReport, ...]]:
    """The declared spec with the codecs of its images, and how well they tell pictures that were kept aside.

    A codec is the spec's own, or else that of `base`, so that tasks which use it go on; else it is learned, and judged.
    Nobody knows which pictures another one learned from: of the codecs of `base` its own report is kept. Raises
    `TracesError` where there are no pictures to learn from.
    """
    known = {} if base is None else {image.name: image.codec for image in base.spec.state.pictures}
    images: list[Image] = []
    reports = _reported(base)
    for image in spec.state.pictures:
        codec = known.get(image.name, UNSET) if isinstance(image.codec, UnsetType) else image.codec
        if isinstance(codec, UnsetType):
            own = key.child(image.name)
            found = _recorded(image, spec, traces, own)
            codec = codec_of(image, found, own)
            reports[image.name] = _judged(replace(image, codec=codec), found)
        images.append(replace(image, codec=codec))
    state = spec.state.seen_by(tuple(images)) if images else spec.state
    told = tuple(reports[image.name] for image in images if image.name in reports)
    return replace(spec.declared, state=state), told


def _reported(base: Simulator | None) -> dict[str, ImageReport]:
    """What `base` reports of its images, by name."""
    known = base.report.images if base is not None and base.report is not None else UNSET
    return {} if isinstance(known, UnsetType) else {report.name: report for report in known}


def codec_of(image: Image, pictures: Pictures, key: Key) -> Codec:
    """The principal components of `pictures`: as few as tell enough of those kept aside, at most as the image allows.

    Mean, axes and scales are those of the pictures to learn from. Randomised for large ones (Halko, Martinsson and
    Tropp, 2011), by scikit-learn.
    """
    numbers = pictures.learned.astype(np.float32)
    most = min(image.components, len(numbers) - 1, image.values)
    if most < 1 or not np.ptp(numbers, axis=0).any():
        return _published(numbers.mean(axis=0), np.zeros((1, image.values)), pictures.learned)
    seed = int(chance(key.child("axes")).integers(1 << 31))
    learned = PCA(n_components=most, svd_solver="auto", random_state=seed).fit(numbers)
    axes = np.asarray(learned.components_, dtype=np.float64)
    away = pictures.aside - np.asarray(learned.mean_, dtype=np.float64)
    left = np.square(away).sum() - np.cumsum(np.square(away @ axes.T).sum(axis=0))
    enough = np.flatnonzero(left <= (1 - ENOUGH) * np.square(away).sum())
    used = int(enough[0]) + 1 if len(enough) else most
    return _published(np.asarray(learned.mean_), axes[:used], pictures.learned)


def _published(mean: NDArray[np.floating], axes: Floats, pictures: Pixels) -> Codec:
    """The integers of `axes` (used, values), scaled so that the components of `pictures` fill half of their range."""
    longest = np.abs(axes).max(axis=1, keepdims=True)
    weights = np.rint(axes * (_LARGEST / np.where(longest > 0, longest, 1.0)))
    levels = np.clip(np.rint(np.asarray(mean, dtype=np.float64) * (1 << MEAN_BITS)), 0, 255 << MEAN_BITS)
    whole = Codec(mean=_bytes(levels), weights=_bytes(weights), shifts=(0,) * len(axes))
    sums = np.abs(whole.encode(pictures)).max(axis=0, initial=0)
    shifts = tuple(max(0, math.ceil(math.log2(max(1, int(each)) / _RECORDED))) for each in sums)
    return replace(whole, shifts=shifts)


def _bytes(numbers: Floats) -> bytes:
    return numbers.astype("<i2").tobytes()


def _judged(image: Image, pictures: Pictures) -> ImageReport:
    """What the published integers make of the pictures kept aside."""
    rows, _ = image.encode(pictures.aside)
    drawn = image.decode(rows).reshape(len(rows), -1).astype(np.float64)
    seen = pictures.aside.astype(np.float64)
    wrong, spread = np.square(drawn - seen).mean(), np.square(seen - pictures.learned.mean(axis=0)).mean()
    return ImageReport(
        name=image.name,
        components=len(image.known.shifts),
        share=1.0 if not spread else max(0.0, 1.0 - float(wrong / spread)),
        error=math.sqrt(float(wrong)),
        pictures=len(seen),
    )


def _recorded(image: Image, spec: Spec, traces: Traces | Transitions, key: Key) -> Pictures:
    """Some of the recorded pictures, whole episodes of them kept aside. Raises `TracesError`: there are too few."""
    most = max(2, min(MOST_PICTURES, MOST_NUMBERS // image.values))
    drawn = chance(key)
    episodes, pixels = np.zeros(0, dtype=np.int64), np.zeros((0, image.values), dtype=np.uint8)
    places = np.zeros(0)
    for numbers, pictures in () if isinstance(traces, Transitions) else traces.pictures(image.name, spec):
        places = np.concatenate([places, drawn.random(len(numbers))])
        kept = np.sort(np.argsort(places, kind="stable")[:most])
        places, episodes = places[kept], np.concatenate([episodes, numbers])[kept]
        pixels = np.concatenate([pixels, pictures])[kept]
    if len(pixels) < 2:
        raise TracesError(
            f"there are no pictures of `{image.name}` to learn from: record an environment that shows them, or "
            "give a spec that knows how to see them (`simulator.spec`)"
        )
    aside = _aside(episodes, drawn)
    return Pictures(pixels[~aside], pixels[aside])


def _aside(episodes: NDArray[np.int64], drawn: np.random.Generator) -> NDArray[np.bool_]:
    """Which pictures (n,) are kept aside: those of some episodes; of a single one, its end."""
    known = np.unique(episodes)
    if len(known) < 2:
        return np.arange(len(episodes)) >= min(len(episodes) - 1, math.ceil((1 - ASIDE) * len(episodes)))
    return np.isin(episodes, drawn.permutation(known)[: max(1, round(ASIDE * len(known)))])
