"""One object that is wanted: what it is called, known at once, and its manifest, made when somebody asks for it.

It compares no content: whoever makes a Child says with the same Head that the content is the same as before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from serinus.core.model import Manifest


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What an object is called. One Head, by identity, stands for one content: who has seen it need not look again."""

    api_version: str
    kind: str
    namespace: str | None
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The head of this manifest alone."""
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata["name"])


@dataclass(frozen=True, slots=True)
class Child:
    """A Head, and how its manifest is made."""

    head: Head
    make: Callable[[], Manifest]

    @property
    def manifest(self) -> Manifest:
        """The finished object; nobody may change it."""
        return self.make()


def child_of(manifest: Manifest) -> Child:
    """A finished manifest as a Child of its own."""
    return Child(Head.of(manifest), lambda: manifest)
