"""Networks: the same bits, quantising, what they see and what they answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidTask
from worldtwin.exact import Key
from worldtwin.tasks import Layer, Network, Scaled, Task, stack
from worldtwin.world import Category, Integer, Lattice, Space, Spec, real

CART = Spec(
    name="cart",
    state=Space(("position", "speed"), (real(-4.8, 4.8), real(-10.0, 10.0))),
    action=Space(("push",), (Category(("left", "right")),)),
)


def rows_of(spec: Spec, count: int, seed: int = 0) -> Lattice:
    """Random state rows."""
    chance = np.random.default_rng(seed)
    fields = chance.integers(spec.state.low, spec.state.high + 1, size=(count, len(spec.state)))
    return spec.start_rows(fields)


@given(st.lists(st.floats(-2000, 2000), min_size=19, max_size=19))
@settings(max_examples=60)
def test_quantising_is_close_and_done_twice_changes_nothing(values: list[float]) -> None:
    task = Task.network(CART, hidden=(4,), key=1)
    numbers = np.resize(values, len(task.parameters()))

    once = task.with_parameters(numbers)
    again = once.with_parameters(once.parameters().values)

    assert again.digest == once.digest
    clipped = np.clip(numbers, -1024, 1024)
    assert np.abs(once.parameters().values - clipped).max() <= max(1.0, np.abs(clipped).max()) * 2.0**-14


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_a_stacked_population_acts_like_its_members_one_by_one(seed: int) -> None:
    chance = np.random.default_rng(seed)
    task = Task.network(
        CART, hidden=tuple(int(size) for size in chance.integers(1, 6, size=chance.integers(0, 3))), key=seed
    )
    values = chance.normal(size=(5, len(task.parameters()))) * 10.0 ** chance.integers(-3, 3)
    states, candidate = rows_of(CART, 40, seed), chance.integers(0, 5, size=40)

    together, _ = stack(task, values).act_rows(states, np.zeros((40, 0)), None, candidate)

    for number in range(5):
        mine = candidate == number
        alone, _ = task.with_parameters(values[number]).act_rows(states[mine], np.zeros((mine.sum(), 0)), None)
        assert (together[mine] == alone).all()


def test_a_batch_and_its_rows_one_by_one_give_the_same_bits(free: Spec) -> None:
    task = Task.network(free, hidden=(16, 8), key=3)
    states = rows_of(free, 50)

    together, _ = task.act_rows(states, task.start_memory(50), None)

    alone = [task.act_rows(states[[row]], task.start_memory(1), None)[0][0] for row in range(50)]
    assert (together == np.array(alone)).all()


def test_the_linear_task_takes_the_side_that_its_weights_say() -> None:
    task = Task.network(CART, hidden=(), key=1).with_parameters([1.0, 0.0, 0.0])

    assert task.act({"position": 1.0, "speed": 0.0})[0].push == "right"
    assert task.act({"position": -1.0, "speed": 0.0})[0].push == "left"
    assert task.act({"position": 0.0, "speed": 5.0})[0].push == "left"  # equal: the first value


def test_only_possible_actions_are_taken(spec: Spec) -> None:
    task = Task.network(spec, hidden=(8,), key=2)
    states = rows_of(spec, 200)
    possible = spec.possible_actions(states)
    assert possible is not None

    actions, _ = task.act_rows(states, task.start_memory(200), possible)

    some = possible.any(axis=1)
    assert possible[np.arange(200), actions[:, 0]][some].all()


def test_every_kind_of_action_reaches_both_ends_of_its_range(free: Spec) -> None:
    task = Task.network(free, hidden=(), key=1)
    values = np.zeros(len(task.parameters()))
    outputs = 7
    low, high = values.copy(), values.copy()
    low[-outputs:], high[-outputs:] = -9.0, 9.0
    states = rows_of(free, 3)

    least, _ = task.with_parameters(low).act_rows(states, task.start_memory(3), None)
    most, _ = task.with_parameters(high).act_rows(states, task.start_memory(3), None)

    assert (least == np.where(np.arange(5) == 2, 0, free.action.low)).all()
    expected = free.action.high.copy()
    expected[2] = 1  # of equal worths the first that beats the first value's 0
    assert (most == expected).all()


def test_inputs_are_scaled_on_recorded_states() -> None:
    recorded = np.array([[1000, 0], [3000, 0], [1000, 0], [3000, 0]], dtype=np.int64)

    class Simulator:
        """As much of one as a task looks at."""

        spec = CART

        def __init__(self) -> None:
            self.recorded = recorded

    network = Task.network(Simulator(), hidden=(), key=1).program

    assert isinstance(network, Network)
    assert network.inputs[0] == Scaled(column=0, centre=2000, shift=10 - 12)
    assert (network.eye.see(recorded)[:, 0] == [-4000, 4000, -4000, 4000]).all()


def test_a_task_sees_only_what_it_observes(spec: Spec) -> None:
    task = Task.network(spec, hidden=(8,), key=5, observes="gear floor")
    states = rows_of(spec, 60)
    other = states.copy()
    other[:, [0, 1, 4]] = rows_of(spec, 60, seed=1)[:, [0, 1, 4]]

    first, _ = task.act_rows(states, task.start_memory(60), None)
    second, _ = task.act_rows(other, task.start_memory(60), None)

    assert (first == second).all()


def test_the_largest_lattices_do_not_overflow() -> None:
    wide = Spec(
        name="wide",
        state=Space(("x",), (Integer(low=-(2**52) + 1, high=2**52 - 1),)),
        action=Space(("y",), (Integer(low=-(2**52) + 1, high=2**52 - 1),)),
    )
    task = Task.network(wide, hidden=(), key=1).with_parameters([8.0, 0.0])

    high, _ = task.act_rows(np.array([[2**52 - 1]]), task.start_memory(1), None)
    low, _ = task.act_rows(np.array([[-(2**52) + 1]]), task.start_memory(1), None)

    assert high[0, 0] == 2**52 - 1
    assert low[0, 0] == -(2**52) + 1


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        ((4000, 4000), "multiply-adds a step are too many"),
        ((0,), "layer 0 gives 0 numbers"),
        ((10**9,), "1,000,000,000"),
    ],
)
def test_a_network_that_costs_too_much_is_refused_by_name(hidden: tuple[int, ...], reason: str) -> None:
    with pytest.raises(InvalidTask, match=reason):
        Task.network(CART, hidden=hidden, key=1)


def test_fuel_is_the_number_of_multiply_adds() -> None:
    assert Task.network(CART, hidden=(8, 3), key=1).fuel == 2 * 8 + 8 * 3 + 3 * 1


def test_keys_make_different_networks_and_the_same_key_the_same() -> None:
    first, second = (Task.network(CART, hidden=(8,), key=Key.of(number)) for number in (1, 2))

    assert first.digest != second.digest
    assert first.digest == Task.network(CART, hidden=(8,), key=1).digest


@pytest.mark.parametrize("values", [[1.0], [float("nan")] * 3])
def test_wrong_parameter_values_are_refused(values: list[float]) -> None:
    with pytest.raises(InvalidTask, match=r"the network has 3|not a finite number"):
        Task.network(CART, hidden=(), key=1).with_parameters(values)


def test_a_layer_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidTask, match="int16"):
        Layer(weights=np.zeros((2, 1), dtype=np.int32), biases=np.zeros(1, dtype=np.int64), shift=0)  # pyright: ignore[reportArgumentType]
