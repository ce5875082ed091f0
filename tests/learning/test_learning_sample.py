"""Which rows choose a way of learning, and which tell how good it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.learning.sample import ENOUGH_TO_PART, Sample
from worldtwin.world import Integer, Space, Spec, Transitions

SPEC = Spec(
    name="counter", state=Space(("n",), (Integer(low=0, high=9),)), action=Space(("up",), (Integer(low=0, high=1),))
)


def sample_of(lengths: list[int], kept: list[bool]) -> Sample:
    """Episodes with so many rows each, of which some are `kept` aside."""
    episodes = np.repeat(np.arange(len(lengths)), lengths)
    zeros = np.zeros((len(episodes), 1), dtype=np.int64)
    rows = Transitions(
        states=zeros,
        actions=zeros,
        nexts=zeros,
        outputs=zeros[:, :0],
        episodes=episodes,
        steps=np.concatenate([np.arange(length) for length in lengths]),
        synthetic=np.zeros(len(episodes), dtype=np.bool_),
    )
    return Sample.of(SPEC, rows, np.array(kept)[episodes])


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=60))
def test_rows_kept_aside_choose_or_tell_by_whole_episodes(parts: list[tuple[int, bool]]) -> None:
    sample = sample_of([100 * length for length, _ in parts], [kept for _, kept in parts])

    choosing, telling = (set(sample.rows.episodes[mask]) for mask in (sample.choosing, sample.telling))

    assert (sample.choosing | sample.telling == sample.aside).all()
    if sum(kept for _, kept in parts) >= ENOUGH_TO_PART:  # with at least 100 rows each
        assert not choosing & telling
        assert abs(len(choosing) - len(telling)) <= 1
    else:
        assert choosing == telling


def test_ten_episodes_with_enough_rows_part() -> None:
    few, short, enough = (
        sample_of([rows] * 50, [i < count for i in range(50)]) for count, rows in ((9, 200), (10, 99), (10, 100))
    )

    assert not few.parted
    assert not short.parted
    assert enough.parted
