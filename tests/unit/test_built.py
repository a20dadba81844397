"""Children from memory: always what the builders would make now, and made anew only when what they read is new."""

import dataclasses
from collections import Counter
from functools import partial
from statistics import median

import pytest

from serinus.core.child import Child, Head
from serinus.core.model import InvalidSpec, Manifest
from serinus.desk import built
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

    def __call__(self, builder: Builder, context: Context) -> list[Child]:
        def build(parts: Context) -> list[Manifest]:
            self.made[_name(builder)] += 1
            return builder.build(parts)

        counted = self._counting.setdefault(builder, dataclasses.replace(builder, build=build))
        before = self.made[_name(builder)]
        found = self.memory.build(counted, context)
        self.asked += 1
        if self.made[_name(builder)] > before:
            return found
        self.made[_name(builder)] -= bool(found)  # what the next line asks of a child is not counted as made
        manifests = [child.manifest for child in found]
        assert manifests == builder.build(context), f"{_name(builder)}: from memory it is another one"
        assert [called(Head.of(m)) for m in manifests] == [called(child.head) for child in found]
        return [Child(child.head, partial(manifests.__getitem__, place)) for place, child in enumerate(found)]

    def __post_init__(self) -> None:
        self._counting: dict[Builder, Builder] = {}


def _name(builder: Builder) -> str:
    return f"{builder.build.__module__.rpartition('.')[2]}.{builder.build.__name__}"


def called(head: Head) -> tuple[str, str, str | None, str]:
    return head.api_version, head.kind, head.namespace, head.name


def all_made() -> set[str]:
    return {_name(b) for b in BUILDERS}


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
    looks = checked.asked / len(BUILDERS)
    assert looks > 10, "there was something to compare"
    assert all_made() <= set(checked.made)
    assert median(checked.made.values()) * 3 < looks, "most children are made a few times in a rollout"
    assert max(checked.made.values()) < looks, "and none at each look"


def test_service_that_asks_for_less_gets_less_at_once() -> None:
    found, checked = remembering()
    found.rest()
    before = Counter(checked.made)
    found.look()
    assert checked.made == before
    found.body["spec"]["monitoring"] = {"labels": {"release": "other"}}
    planned = found.look()
    rules = [m for m in planned.manifests if m["kind"] == "PrometheusRule"]
    assert rules
    assert all(m["metadata"]["labels"]["release"] == "other" for m in rules)


def test_memory_is_bounded_and_forgets_the_service_that_was_not_asked_for_longest() -> None:
    runs: list[str] = []

    def build(context: Context) -> list[Manifest]:
        runs.append(context.service.name)
        return [{"apiVersion": "v1", "kind": "Thing", "metadata": {"name": context.service.name}}]

    builder = Builder(build=build, api_version="v1", kind="Thing", output=True)
    memory, base = Built(services=2), context_of(world())
    named = [
        dataclasses.replace(base, service=dataclasses.replace(base.service, name=name))
        for name in ("a", "b", "a", "c", "a", "b")
    ]
    for context in named:
        assert [child.head.name for child in memory.build(builder, context)] == [context.service.name]
    assert runs == ["a", "b", "c", "b"]


def test_child_keeps_its_head_until_a_part_that_its_builder_reads_is_new_and_is_made_when_it_is_asked_for() -> None:
    runs: list[str] = []

    def build(context: Context) -> list[Manifest]:
        runs.append(context.state.stable)
        return [
            {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": n, "step": context.state.step}} for n in "ab"
        ]

    builder, memory, base = Builder(build=build, api_version="v1", kind="Thing"), Built(), context_of(world())
    same = dataclasses.replace(base, state=dataclasses.replace(base.state), gates=())
    moved = dataclasses.replace(base, state=dataclasses.replace(base.state, step=base.state.step + 1))
    first, second, third = (memory.build(builder, context) for context in (base, same, moved))
    assert [c.head for c in first] == [c.head for c in second]
    assert not {c.head for c in second} & {c.head for c in third}
    assert len(runs) == 2, "an equal state is the same state, and gates were not read"
    assert [c.manifest for c in second] == [c.manifest for c in first], "and a head's manifest is as it was"
    assert len(runs) == 3, "both were made again by one run of the builder"
    assert third[1].manifest["metadata"]["step"] == base.state.step + 1


def test_what_is_said_of_outputs_comes_from_memory_until_a_part_of_it_is_new() -> None:
    said: list[str] = []

    def note(context: Context) -> str:
        said.append(context.service.name)
        return f"{context.service.name} of {context.settings.dashboard_base}"

    memory = Built()
    context = context_of(world())
    moved = dataclasses.replace(context, state=dataclasses.replace(context.state, attempt=7))
    other = dataclasses.replace(context, settings=dataclasses.replace(context.settings, dashboard_base="x"))
    assert [memory.say(note, c) for c in (context, moved, other)] == ["chat of ", "chat of ", "chat of x"]
    assert said == ["chat", "chat"], "the state was not read"


def test_spec_is_read_once_for_each_generation_and_again_for_another_object_of_that_name() -> None:
    memory, catalogue = Built(), surroundings().catalogue
    body = world().body
    first = memory.read(body, catalogue)
    assert memory.read({**body, "status": {"phase": "Stable"}}, catalogue) is first
    for change in ({"generation": 2}, {"uid": "uid-another"}):
        anew = memory.read({**body, "metadata": {**body["metadata"], **change}}, catalogue)
        assert anew is not first
        assert anew[0].model == first[0].model


def test_spec_that_cannot_be_acted_on_is_refused_each_time() -> None:
    memory, catalogue = Built(), surroundings().catalogue
    body = world(runtime="nothing").body
    for _ in range(2):
        with pytest.raises(InvalidSpec, match="runtime"):
            memory.read(body, catalogue)


def test_rollouts_go_as_without_a_memory() -> None:
    memory, plain = world(**FAST), world(**FAST)
    built = Built()
    memory.around = dataclasses.replace(memory.around, build=built.build, say=built.say, read=built.read)
    for found in (memory, plain):
        found.rest()
        found.change("example/model:2")
        found.rest()
    assert memory.body["status"] == plain.body["status"]
    assert memory.told == plain.told


def context_of(found: FakeWorld) -> Context:
    contexts: list[Context] = []
    found.around = dataclasses.replace(surroundings(), build=lambda b, c: contexts.append(c) or built(b, c))  # type: ignore[func-returns-value]
    found.look()
    return contexts[0]
