"""Whether a task is better in reality: evidence at any time, anything else only in the end."""

from __future__ import annotations

import numpy as np

from worldtwin.improving import Finding, compare
from worldtwin.world import Space, Spec, real

SPEC = Spec(
    name="track",
    state=Space(("x",), (real(0, 1),)),
    action=Space(("push",), (real(0, 1),)),
    reward="next.x",
    returns=(0.0, 100.0),
)


def test_evidence_for_either_side_is_proof() -> None:
    low, high = [10.0] * 20, [90.0] * 20

    better, worse = compare(low, high, SPEC), compare(high, low, SPEC)

    assert (better.finding, better.proven) == (Finding.BETTER, True)
    assert (worse.finding, worse.proven) == (Finding.NOT_BETTER, True)


def test_no_gain_over_many_pairs_is_said_but_not_proven() -> None:
    same = compare([50.0] * 20, [50.0] * 20, SPEC)

    assert same.finding is Finding.NOT_BETTER
    assert "no sign of a higher return" in same.text
    assert not same.proven


def test_looking_after_every_pair_does_not_prove_a_small_gain_to_be_none() -> None:
    chance = np.random.default_rng(1)
    wrong = lower = 0
    for _ in range(40):
        before, after = chance.normal(50, 15, 64), chance.normal(53, 15, 64)
        looks = [compare(before[:n], after[:n], SPEC) for n in range(11, 65)]
        lower += any(look.finding is Finding.NOT_BETTER for look in looks)
        wrong += any(look.finding is Finding.NOT_BETTER and look.proven for look in looks)

    assert lower >= 10, "the mean is often lower at some look"
    assert wrong == 0


def test_one_pair_is_one() -> None:
    assert "over 1 pair of episodes on the same seeds" in compare([10.0], [90.0], SPEC).text
    assert "over 2 pairs of episodes on the same seeds" in compare([10.0] * 2, [90.0] * 2, SPEC).text
