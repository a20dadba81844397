"""Regular expressions that are compiled when they are first used: a process compiles those that it needs.

It knows no pattern. A table of shapes costs a process that starts 40 ms to compile, and most texts meet few of them.
"""

import re
from typing import Any, Final, cast

_NAMES: Final = ("search", "match", "fullmatch", "sub", "split", "findall", "finditer", "pattern", "groups")


class _Lazy:
    """Stands for a pattern; once it is compiled its methods are the pattern's own, and cost no more than those."""

    __slots__ = ("_flags", "_source", *_NAMES)

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Python asks here only for what has not been set, which is everything before the first use.
        if name not in _NAMES:
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        for known in _NAMES:
            setattr(self, known, getattr(compiled, known))
        return getattr(compiled, name)


def lazy(source: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern that is compiled at its first use; an invalid one raises `re.error` only then."""
    return cast("re.Pattern[str]", _Lazy(source, flags))
