"""One context of the engine for many scripts: for those alone that can change nothing (`pure_script.py`).

It knows the simple results; whoever asks it runs everything else, and all that fails, in a context of its own.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import quickjs

from serinus.core.probe import Json

_MOST_CALLS: Final = 1000
_MOST_SCRIPTS: Final = 200
_RUN: Final = """
(() => {
  const { parse } = JSON, make = Function, known = new Map();
  return (source, raw) => {
    let made = known.get(source);
    if (made === undefined) known.set(source, made = make("output", "context", "process", source));
    if (raw === "") return true;
    const input = parse(raw), found = made(input.output, input.context, undefined);
    return typeof found === "boolean" || typeof found === "number" ? found : null;
  };
})()
"""
"""Compiles a script once; the empty text only compiles it."""


class SharedContext:
    """A context from `make`; a new one after 1,000 calls, after 200 scripts, and after everything that failed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._run: Any = None
        self._left = 0
        self._known: set[str] = set()

    def compiles(self, source: str) -> bool:
        """Whether the body of a function compiles; False says nothing: it may be for want of memory."""
        return self._asked(source, "") is True

    def call(self, source: str, output: Json, context: Mapping[str, Any]) -> float | None:
        """The boolean or the number that a script gives; None where it gives anything else, or fails.

        Raises JSException for one that took too long.
        """
        return self._asked(source, json.dumps({"output": output, "context": context}))

    def _asked(self, source: str, raw: str) -> float | None:
        if self._left <= 0 or len(self._known) >= _MOST_SCRIPTS:
            self._run, self._left, self._known = self._make().eval(_RUN), _MOST_CALLS, set()
        self._left -= 1
        self._known.add(source)
        try:
            found = self._run(source, raw)
        except (quickjs.JSException, quickjs.StackOverflow) as e:
            self._left = 0
            if "interrupted" in str(e):
                raise  # it has had its time
            return None
        return found if isinstance(found, bool | int | float) else None
