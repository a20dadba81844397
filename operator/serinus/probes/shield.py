"""Keeps a process of the probe Job from being read by the scripts that it starts. It limits nothing else."""

import ctypes
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def shield() -> None:
    """Make memory and environment of this process unreadable to others of the same user, where Linux can."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
