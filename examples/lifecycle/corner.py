"""What nobody wants to record: above 150 degrees the fuse trips, and the kiln cools whatever the task says."""


def transitions():
    """Made-up transitions of the hot corner, as (state, action, next state)."""
    for temperature in range(150, 400, 10):
        for element in range(150, 600, 25):
            for heat in ("off", "on"):
                cooled = element - 0.06 * (element - temperature)
                warmed = temperature + 0.04 * (cooled - temperature) - 0.01 * (temperature - 20.0)
                yield (
                    {"temperature": temperature, "element": element},
                    {"heat": heat},
                    {"temperature": warmed, "element": cooled},
                )
