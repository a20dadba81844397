"""A collector's configuration in the making: components by section, pipelines, and signs that must be written twice.

It knows no component and no order.
"""

from collections.abc import Mapping
from typing import Any

from serinus.core.model import Manifest

Part = dict[str, Any]


class Config:
    """A configuration in the making, under today's names of components or those of before."""

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._renamed = renamed
        self.parts: dict[str, Part] = {k: {} for k in ("receivers", "processors", "exporters", "connectors")}
        self.pipelines: Part = {}

    def add(self, section: str, kind: str, name: str, content: Part) -> str:
        """Add a component once; return its id."""
        kind = self._renamed.get(f"{section}/{kind}", kind)
        component = f"{kind}/{name}" if name else kind
        self.parts[section][component] = content
        return component

    def join(self, name: str, receivers: list[str], processors: list[str], exporters: list[str]) -> None:
        """Add a pipeline."""
        self.pipelines[name] = {"receivers": receivers, "processors": processors, "exporters": exporters}

    def transform(self, signal: str, name: str, *blocks: Manifest) -> str:
        """Add a transform processor. A statement that fails on one item is logged, and the item goes on."""
        return self.add("processors", "transform", name, {"error_mode": "ignore", f"{signal}_statements": list(blocks)})


def escaped(value: Any) -> Any:
    """In a configuration `$` begins a reference to the environment; two of them are the character."""
    match value:
        case str():
            return value.replace("$", "$$")
        case dict():
            return {k: escaped(v) for k, v in value.items()}
        case list():
            return [escaped(v) for v in value]
        case _:
            return value
