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
    job = dataclasses.replace(one.job, pods=(ended_with(one, report),))
    drained = dataclasses.replace(one.pods[0], draining=True, deleting=True)
    lost = dataclasses.replace(one.pods[0], draining=False, deleting=True)

    kept = one.advance(job, pods=(drained, *one.pods[1:]))
    broken = one.advance(job, pods=(lost, *one.pods[1:]))
    assert kept
    assert kept["verdict"] == "Passed"
    assert broken
    assert broken["reason"] == "PodsDisrupted"


def test_a_probed_pod_that_was_seen_draining_may_be_gone_when_the_report_comes() -> None:
    one = asked()
    draining = dataclasses.replace(one.pods[0], draining=True)
    status = one.advance(pods=(draining, *one.pods[1:]))
    assert status
    gone = draining.uid
    assert status == one.run.status | {"probedPods": [p for p in one.run.status["probedPods"] if p["uid"] != gone]}

    later = dataclasses.replace(one, run=dataclasses.replace(one.run, status=status), pods=one.pods[1:])
    assert later.advance() is None
    ended = dataclasses.replace(one.job, pods=(ended_with(one, encode(answer_to(one.expected.identity))),))
    kept, broken = later.advance(ended), later.advance(ended, pods=one.pods[2:])
    assert kept
    assert kept["verdict"] == "Passed"
    assert broken
    assert broken["reason"] == "PodsDisrupted"


def test_a_run_waits_five_minutes_for_its_job() -> None:
    one = asked()
    pending = dataclasses.replace(one.run, status={}, created=one.now)

    assert advance(pending, None, one.pods, one.expected, one.now + 300) is None
    status = advance(pending, None, one.pods, one.expected, one.now + 301)
    assert status
    assert (status["verdict"], status["reason"]) == ("Broken", "JobNotCreated")
    assert "events of the namespace" in status["message"]
    assert "operator's log" in status["message"]


def test_the_pod_of_a_recorded_job_is_ours_for_an_operator_with_another_probe_image() -> None:
    one = asked()
    newer = {**one.expected.pod_spec, "containers": [{**one.expected.pod_spec["containers"][0], "image": "newer"}]}

    assert one.advance(expected=dataclasses.replace(one.expected, pod_spec=newer)) is None


def ended_with(one: Asked, message: str) -> JobPodSeen:
    """The pod of the run's Job, after it wrote a report."""
    [pod] = one.job.pods
    return dataclasses.replace(pod, exit_code=0, message=message)


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
        status = one.advance(dataclasses.replace(one.job, pods=(ended_with(one, encode(report)),)))
        assert status
        assert status["verdict"] == "Broken"
        assert status["reason"] == "ReportUnreadable"


def test_a_manifest_contains_another_with_defaults_but_not_with_other_items() -> None:
    wanted = {"a": [{"b": 1}], "c": "x"}

    assert contains({"a": [{"b": 1, "default": 2}], "c": "x", "d": 1}, wanted)
    assert not contains({"a": [{"b": 1}, {"b": 2}], "c": "x"}, wanted)
    assert not contains({"a": [{"b": 2}], "c": "x"}, wanted)
    assert not contains({"a": {"b": 1}, "c": "x"}, wanted)
    assert not contains({"c": "x"}, wanted)
    assert not contains("x", wanted)
