"""How the operator's process stays small: what it never loads, and how often Python looks for garbage in cycles.

It changes nothing of what the process does. Called by the command `serinus operator` alone.
"""

import gc
import importlib
import sys
from typing import Final

_UNWANTED: Final = "kubernetes"
_THRESHOLDS: Final = (20_000, 5, 5)
"""Of new containers until the youngest are looked through (Python's own: 700), and of looks until older ones are. What
the engine makes is freed by counting references; looks cost it a twelfth of its time, and more with each service."""


def import_kopf() -> None:
    """Import kopf without the `kubernetes` package, 19 MiB: kopf takes it, if there, to know its objects in patches.

    Our handlers hand it none. Whoever imports `kubernetes` later gets it. A None in `sys.modules` is the import
    system's own way to say that a module is not there.
    """
    if _UNWANTED in sys.modules or "kopf" in sys.modules:
        return
    sys.modules[_UNWANTED] = None  # type: ignore[assignment]
    try:
        importlib.import_module("kopf")
    finally:
        del sys.modules[_UNWANTED]


def seldom_collect() -> None:
    """Take what is loaded out of every later search for cycles, and search seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
