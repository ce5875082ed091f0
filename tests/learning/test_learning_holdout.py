"""What is kept aside."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.exact.key import Key
from worldtwin.learning.holdout import held_out, runs
from worldtwin.world import Transitions


def rows_of(lengths: list[int], synthetic: list[bool] | None = None) -> Transitions:
    count = sum(lengths)
    column = np.zeros((count, 1), dtype=np.int64)
    marks = np.repeat(synthetic or [False] * len(lengths), lengths)
    return Transitions(
        states=column,
        actions=column,
        nexts=column,
        outputs=column[:, :0],
        episodes=np.repeat(np.arange(len(lengths)) * 7, lengths),
        steps=np.concatenate([np.arange(length) for length in lengths]),
        synthetic=marks.astype(np.bool_),
    )


@given(st.lists(st.integers(1, 30), min_size=10, max_size=40), st.integers(0, 1000))
def test_of_many_episodes_a_sixth_is_kept_aside_whole(lengths: list[int], seed: int) -> None:
    rows = rows_of(lengths)
    aside = held_out(rows, Key.of(seed))
    kept = {int(episode) for episode in rows.episodes[aside]}
    assert len(kept) == max(1, round(0.15 * len(lengths)))
    assert not kept & {int(episode) for episode in rows.episodes[~aside]}


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 1000))
def test_what_a_base_did_not_learn_from_is_kept_aside_where_there_is_enough(old: int, new: int, seed: int) -> None:
    rows = rows_of([3] * (old + new + 10))
    learned = (old + 9) * 7
    kept = {int(episode) for episode in rows.episodes[held_out(rows, Key.of(seed), learned)]}
    if new < 10:
        assert kept == {int(episode) for episode in rows.episodes[held_out(rows, Key.of(seed))]}
    else:
        assert min(kept) > learned
        assert len(kept) == min(round(0.15 * (old + new + 10)), new // 2)


def test_of_one_long_episode_blocks_of_fifty_steps_are_kept_aside() -> None:
    aside = held_out(rows_of([1000]), Key.of(1))
    assert aside.sum() == 150
    assert (aside.reshape(20, 50).all(axis=1) | ~aside.reshape(20, 50).any(axis=1)).all()


def test_a_handful_of_rows_keeps_nothing_aside() -> None:
    assert not held_out(rows_of([9]), Key.of(1)).any()


@given(st.integers(10, 60))
def test_few_rows_keep_some_aside_and_more_than_half_to_learn_from(count: int) -> None:
    aside = held_out(rows_of([count]), Key.of(3))
    assert 0 < aside.sum() < count / 2


def test_synthetic_rows_are_not_kept_aside_when_others_were_measured() -> None:
    rows = rows_of([20] * 20, [True, False] * 10)
    aside = held_out(rows, Key.of(1))
    assert aside.any()
    assert not rows.synthetic[aside].any()


def test_of_synthetic_rows_alone_some_are_kept_aside() -> None:
    assert held_out(rows_of([20] * 20, [True] * 20), Key.of(1)).any()


def test_the_same_key_keeps_the_same_rows_aside() -> None:
    rows = rows_of([20] * 20)
    assert (held_out(rows, Key.of(5)) == held_out(rows, Key.of(5))).all()
    assert (held_out(rows, Key.of(5)) != held_out(rows, Key.of(6))).any()


def test_runs_end_with_the_episode_and_at_what_is_not_kept() -> None:
    rows = rows_of([3, 2])
    assert runs(rows, np.ones(5, dtype=np.bool_)).tolist() == [3, 2, 1, 2, 1]
    assert runs(rows, np.array([True, False, True, True, True])).tolist() == [1, 0, 1, 2, 1]
