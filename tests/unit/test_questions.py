"""The questions of all gates together, and what a damaged record or spec reads as."""

import dataclasses

import pytest

from serinus.core.gates import evidenced, recorded_policy
from serinus.core.model import InvalidSpec
from serinus.core.parse import parse
from serinus.core.questions import questions_of
from serinus.core.revision import revision_of
from serinus.core.seen import ProbeSetSeen
from tests.support import objects
from tests.unit.fake_world import surroundings, world
from tests.unit.rollouts import served


def test_the_first_problem_of_several_gates_is_the_one_that_is_said() -> None:
    gates = [objects.gate("a"), objects.gate("b"), objects.gate("support"), objects.gate("c", budget={"pairs": 10})]
    service = parse(objects.llmservice(gates={"quality": gates}), surroundings().catalogue)
    good = world().probe_sets["support"]
    assert good.questions is not None
    many = dataclasses.replace(good, questions=dataclasses.replace(good.questions, weighted=11))
    broken = ProbeSetSeen(name="b", reason="ProbeSetInvalid", problem="line 3")
    seen = {"support": good, "b": broken, "c": many}

    found, problem = questions_of(service.gates, seen)
    assert found == {"support": good.questions}
    assert problem is not None
    assert (problem.reason, "spec.gates.quality[a]" in problem.message) == ("ProbeSetNotFound", True)
    _, problem = questions_of(service.gates[1:], seen)
    assert problem is not None
    assert (problem.reason, problem.message) == (
        "ProbeSetInvalid",
        "spec.gates.quality[b].probeSetRef: ProbeSet b: line 3",
    )
    _, problem = questions_of(service.gates[2:], seen)
    assert problem is not None
    assert (
        problem.reason,
        problem.message.endswith("found 10, allowed is one round of ProbeSet support or more: 11"),
    ) == (
        "BudgetTooSmall",
        True,
    )


def test_a_spec_without_a_template_is_no_revision() -> None:
    for workload in ({}, None, {"template": "text"}):
        with pytest.raises(InvalidSpec, match=r"^spec\.workload\.template: is required"):
            revision_of({"spec": {"workload": workload}})


def test_parameters_that_nobody_can_read_are_no_evidence() -> None:
    found = served()
    [run] = found.snapshot().runs
    assert evidenced([run], run.revision)

    for damaged in ({}, {"floorPercent": "80"}, run.spec["parameters"] | {"pairs": None, "marginPoints": None}):
        assert recorded_policy(damaged) is None
        assert not evidenced([dataclasses.replace(run, spec=run.spec | {"parameters": damaged})], run.revision)
