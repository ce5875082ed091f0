"""The controller that runs in production. Worldtwin reads this file, and improves on what it does."""


def push(angle: float) -> str:
    """Push towards the lean: the pole falls after some forty steps."""
    return "right" if angle > 0 else "left"
