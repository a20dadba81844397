"""A reference to a key of a Secret. It knows nothing of what is in it: the operator reads no Secret."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A key of a Secret of the same namespace; it is mounted or referred to, never read."""

    name: str
    key: str
