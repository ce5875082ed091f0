"""A task tweaked by hand: full heat until near the range, then look ahead."""

target = param(67.0, low=20.0, high=200.0)  # noqa: F821 - the language of tasks
observes = "temperature element"


def act(state):
    """Heat while what the walls will soon have from the element is below the target."""
    if state.temperature < 40.0:
        return "on"
    return "on" if 0.6 * state.temperature + 0.4 * state.element < target else "off"
