"""Outputs from memory: always what the builders would make now, and made anew only when what they read is new."""

import dataclasses
from collections import Counter

import pytest

from serinus.core.model import Manifest
from serinus.plan import Surroundings
from serinus.resources import BUILDERS, Builder
from serinus.resources.context import Context
from serinus.shell.built import Built
from tests.unit.fake_world import FAST, FakeWorld, bad, good, surroundings, world


@dataclasses.dataclass
class Checked:
    """Compares whatever comes from memory with what is made anew, and counts what was really made."""

    memory: Built = dataclasses.field(default_factory=Built)
    asked: int = 0
    made: Counter[str] = dataclasses.field(default_factory=Counter)

    def __call__(self, builder: Builder, context: Context) -> list[Manifest]:
        def build(parts: Context) -> list[Manifest]:
            self.made[_name(builder)] += 1
            return builder.build(parts)

        counted = self._counting.setdefault(builder, dataclasses.replace(builder, build=build))
        before = self.made[_name(builder)]
        found = self.memory(counted, context)
        self.asked += 1
        if self.made[_name(builder)] == before:
            assert found == builder.build(context), f"{_name(builder)}: from memory it is another one"
        return found

    def __post_init__(self) -> None:
        self._counting: dict[Builder, Builder] = {}


def _name(builder: Builder) -> str:
    return f"{builder.build.__module__.rpartition('.')[2]}.{builder.build.__name__}"


def outputs() -> set[str]:
    return {_name(b) for b in BUILDERS if b.output}


def remembering() -> tuple[FakeWorld, Checked]:
    checked = Checked()
    around: Surroundings = dataclasses.replace(surroundings(), build=checked)
    return dataclasses.replace(world(**FAST), around=around), checked


@pytest.mark.parametrize("answer", [good, bad])
def test_outputs_from_memory_are_those_made_anew_through_whole_rollouts(answer: object) -> None:
    found, checked = remembering()
    found.rest()
    found.answer = answer  # type: ignore[assignment]
    found.change("example/model:2")
    found.rest()
    assert checked.asked > 100, "there was something to compare"
    assert outputs() <= set(checked.made)
    made = sum(checked.made[name] for name in outputs())
    rest = sum(number for name, number in checked.made.items() if name not in outputs())
    assert made * 5 < rest, "outputs are made a few times, everything else each time"


def test_service_that_asks_for_less_gets_less_at_once() -> None:
    found, checked = remembering()
    found.rest()
    before = Counter(checked.made)
    found.look()
    assert {n: checked.made[n] - before[n] for n in outputs()} == dict.fromkeys(outputs(), 0)
    found.body["spec"]["monitoring"] = {"labels": {"release": "other"}}
    planned = found.look()
    rules = [m for m in planned.manifests if m["kind"] == "PrometheusRule"]
    assert rules
    assert all(m["metadata"]["labels"]["release"] == "other" for m in rules)


def test_memory_is_bounded_and_forgets_the_service_that_was_not_asked_for_longest() -> None:
    runs: list[str] = []

    def build(context: Context) -> list[Manifest]:
        runs.append(context.service.name)
        return [{"kind": "Thing", "metadata": {"name": context.service.name}}]

    builder = Builder(build=build, api_version="v1", kind="Thing", output=True)
    memory, contexts = Built(services=2), []
    found = world()
    found.around = dataclasses.replace(surroundings(), build=lambda b, c: contexts.append(c) or b.build(c))  # type: ignore[func-returns-value]
    found.look()
    base = contexts[0]
    named = [
        dataclasses.replace(base, service=dataclasses.replace(base.service, name=name))
        for name in ("a", "b", "a", "c", "a", "b")
    ]
    for context in named:
        assert memory(builder, context) == [{"kind": "Thing", "metadata": {"name": context.service.name}}]
    assert runs == ["a", "b", "c", "b"]
