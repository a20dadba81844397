"""Which revisions are kept, and the records that stay on them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serinus.core import memory
from serinus.core.history import kept_revisions
from serinus.core.revision import Revision, from_data, revision_of
from serinus.core.rollout import Stage, State
from serinus.core.seen import Outcome, RevisionSeen, SetSeen, Snapshot
from tests.support import objects
from tests.unit.fake_world import bad, good
from tests.unit.rollouts import at, served

TARGET = Revision(name="rt", sha256="t", data={"template": {}})


def seen(name: str, number: int, outcome: Outcome | None = None) -> RevisionSeen:
    return RevisionSeen(name=name, sha256="", number=number, outcome=outcome, data={})


def replica_set(revision: str, replicas: int) -> SetSeen:
    return SetSeen(
        name=revision, revision=revision, uid="", resource_version="", replicas=replicas, live=False, observed=True
    )


def kept(limit: int, *numbers: int, status: dict[str, Any] | None = None, **more: Any) -> list[str]:
    revisions = tuple(seen(f"r{n}", n) for n in numbers)
    snapshot = Snapshot(body={"status": status} if status else {}, revisions=revisions, **more)
    return [r.name for r in kept_revisions(snapshot, TARGET, limit=limit)]


def test_the_newest_are_kept_and_the_wanted_one_joins_with_the_next_number() -> None:
    assert kept(2, 1, 2, 3, 4) == ["r3", "r4", "rt"]
    assert kept(0, 1, 2) == ["rt"]
    assert kept(5) == ["rt"]
    snapshot = Snapshot(body={}, revisions=(seen("r7", 7),))
    assert [r.number for r in kept_revisions(snapshot, TARGET, limit=1)] == [7, 8]


def test_what_is_in_use_is_never_evicted() -> None:
    state = memory.dump(State(stage=Stage.PROBING, revision="r1", stable="r2"))

    assert kept(0, 1, 2, 3, 4, status={"rollout": state}) == ["r1", "r2", "rt"]
    assert kept(0, 1, 2, sets=(replica_set("r1", 1), replica_set("r2", 0))) == ["r1", "rt"]
    assert kept(0, 1, 2, stable_selector="r1") == ["r1", "rt"]


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_a_damaged_status_evicts_by_age_alone(raw: Any) -> None:
    for status in ({"rollout": raw}, {"rollout": {"stage": "Probing", "revision": raw, "intent": {"stable": raw}}}):
        assert "rt" in kept(1, 1, 2, status=status)


def test_the_same_template_is_the_same_revision_whatever_else_changes() -> None:
    one = objects.llmservice()
    other = objects.llmservice(workload={"replicas": 9}, rollout={"mode": "Advise"}, gates=None)

    assert revision_of(one) == revision_of(other)
    assert revision_of(one) == from_data(revision_of(one).data)


def test_template_runtime_and_port_make_a_revision() -> None:
    changed = [
        objects.llmservice(),
        objects.llmservice(runtime="custom"),
        objects.llmservice(workload={"port": "http"}),
        objects.llmservice(workload={"port": 8000}),
        objects.llmservice(workload={"template": objects.pod_template("other")}),
    ]

    assert len({revision_of(body).name for body in changed}) == len(changed)


def test_a_rejection_outlives_many_other_revisions_while_the_spec_asks_for_it() -> None:
    found = served(rollout={"historyLimit": 0})
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Aborting").rest()
    found.body.pop("status")
    for _ in range(5):
        found.reconcile()
        found.tick()

    assert found.stage == "Stable"
    assert [r["reason"] for r in found.status("rejected")] == ["QualityFailed"]


def test_a_rejected_revision_that_was_evicted_is_asked_again() -> None:
    found = served(rollout={"historyLimit": 0})
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Aborting").rest()
    found.answer = good
    found.change("registry.example/vllm:3")
    at(found, "FinalBake").rest()
    found.answer = bad
    found.change("registry.example/vllm:2")

    at(found, "Probing")
    at(found, "Aborting")
