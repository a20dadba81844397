"""`advance` by itself: what a run keeps, when it is overdue, which pods it lost, and what contains what."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from serinus.core.model import Manifest
from serinus.core.report import Identity, Pairs, Report, Side, encode
from serinus.core.runs import Expected, advance, contains, job_deadline, supersede
from serinus.core.seen import JobPodSeen, JobSeen, PodSeen, RunSeen
from serinus.core.views import seconds
from tests.unit.rollouts import served, silent


@dataclass(frozen=True)
class Asked:
    """A run whose Job was recorded, and what it is waited for with."""

    run: RunSeen
    job: JobSeen
    pods: tuple[PodSeen, ...]
    expected: Expected
    now: float

    def advance(self, job: JobSeen | None = None, *, later: float = 0.0, **changes: Any) -> Manifest | None:
        me = dataclasses.replace(self, **changes)
        return advance(me.run, job or me.job, me.pods, me.expected, me.now + later)


def asked() -> Asked:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(lambda w: any(r.status.get("phase") == "Running" for r in w.snapshot().runs))
    snapshot, planned = found.snapshot(), found.look()
    [view] = planned.view.gates
    assert view.run
    assert view.questions
    job = next(j for j in snapshot.jobs if j.name == view.run.name)
    expected = Expected(
        identity=view.identity,
        policy=view.gate.policy,
        probes=view.questions.probes,
        owner_uid="uid-service",
        pod_spec=job.pod_spec,
    )
    return Asked(view.run, job, snapshot.pods, expected, found.now)


def test_a_run_that_goes_on_keeps_its_status() -> None:
    assert asked().advance() is None


def test_a_run_that_neither_reports_nor_ends_is_overdue() -> None:
    one = asked()
    limit = job_deadline(one.expected.policy.budget.duration) + 60

    assert one.advance(later=limit - 10) is None
    status = one.advance(later=limit + 60)
    assert status
    assert (status["verdict"], status["reason"]) == ("Broken", "Overdue")


def test_what_was_recorded_at_the_start_is_kept_to_the_end() -> None:
    one = asked()
    status = supersede(one.run, one.now)

    assert {k: status[k] for k in ("jobUID", "startedAt", "probedPods")} == {
        k: one.run.status[k] for k in ("jobUID", "startedAt", "probedPods")
    }
    assert sorted(p["side"] for p in status["probedPods"]) == ["canary", "stable", "stable", "stable", "stable"]
    assert seconds(status["finishedAt"]) == one.now


def test_a_pod_that_serinus_drained_is_not_a_lost_one_while_it_ends() -> None:
    one = asked()
    report = encode(answer_to(one.expected.identity))
    pod = JobPodSeen(name="p", uid="p", created=one.now, exit_code=0, message=report, waiting="", disrupted="")
    job = dataclasses.replace(one.job, pods=(pod,))
    drained = dataclasses.replace(one.pods[0], draining=True, deleting=True)
    lost = dataclasses.replace(one.pods[0], draining=False, deleting=True)

    kept = one.advance(job, pods=(drained, *one.pods[1:]))
    broken = one.advance(job, pods=(lost, *one.pods[1:]))
    assert kept
    assert kept["verdict"] == "Passed"
    assert broken
    assert broken["reason"] == "PodsDisrupted"


def answer_to(identity: Identity) -> Report:
    both = Side(passed=100)
    return Report(identity=identity, pairs=Pairs(tied=100), canary=both, stable=both, probes_seen=2, end="Decided")


def test_pairs_without_their_answers_are_refused() -> None:
    one = asked()
    whole = answer_to(one.expected.identity)
    wrong = [
        dataclasses.replace(whole, canary=Side(passed=101)),
        dataclasses.replace(whole, canary=Side(passed=90, failed=10), pairs=Pairs(tied=100)),
    ]
    for report in wrong:
        pod = JobPodSeen(name="p", uid="p", created=0, exit_code=0, message=encode(report), waiting="", disrupted="")
        status = one.advance(dataclasses.replace(one.job, pods=(pod,)))
        assert status
        assert status["verdict"] == "Broken"
        assert status["reason"] in ("ReportImpossible", "ReportUnreadable")


def test_a_manifest_contains_another_with_defaults_but_not_with_other_items() -> None:
    wanted = {"a": [{"b": 1}], "c": "x"}

    assert contains({"a": [{"b": 1, "default": 2}], "c": "x", "d": 1}, wanted)
    assert not contains({"a": [{"b": 1}, {"b": 2}], "c": "x"}, wanted)
    assert not contains({"a": [{"b": 2}], "c": "x"}, wanted)
    assert not contains({"a": {"b": 1}, "c": "x"}, wanted)
    assert not contains({"c": "x"}, wanted)
    assert not contains("x", wanted)
