"""Values whose arrays cannot be changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray


def seal(value: Struct) -> None:
    """Make the arrays of `value` read-only, while it is built: a digest must stay what it was."""
    for name in value.__struct_fields__:
        array: object = getattr(value, name)
        if isinstance(array, np.ndarray):
            own: NDArray[Any] = array  # pyright: ignore[reportUnknownVariableType] - any element type
            own = own.copy() if own.flags.writeable else own
            own.flags.writeable = False
            structs.force_setattr(value, name, own)
