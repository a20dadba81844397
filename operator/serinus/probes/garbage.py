"""How often Python looks for garbage in cycles while a run goes on. It frees nothing itself."""

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

_THRESHOLDS: Final = (20_000, 10, 10)
"""Of new containers until the youngest are looked through (Python's own: 700), and of looks until older ones are.
What a call makes is freed by counting references: looks find little, and cost a run a twentieth of its time."""


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom within the block."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
