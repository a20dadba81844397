"""Owns what all of these tests share: a folder for one run of a program, and its end. It knows no program."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import Child

Start = Callable[..., Child]
"""Starts a program, `start("loki", arguments)`, and ends it with the module."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("consumer")


@pytest.fixture(scope="module")
def start(folder: Path) -> Iterator[Start]:
    children: list[Child] = []

    def run(name: str, arguments: list[str | Path]) -> Child:
        children.append(Child(arguments, log=folder / f"{name}.log"))
        return children[-1]

    yield run
    for child in reversed(children):
        child.stop(10)
