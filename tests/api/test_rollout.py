"""Whole rollouts by the real operator on a real API server; pods and probe reports are played, nothing else is.

In each test nobody reaches a revision that has not passed, at any instant, and capacity never falls below the promise.
"""

import pytest

from tests.support import probeplay, promises
from tests.support.team import Team, with_gate

pytestmark = pytest.mark.api


def test_the_first_revision_is_judged_before_any_user_reaches_it(team: Team) -> None:
    name = team.begin()
    assert [r["spec"].get("baseline") for r in team.runs(name)] == [None]
    assert promises.outcomes(team.history.events()) == {name: "Proven"}
    team.check()


def test_a_bad_first_revision_never_reaches_users(team: Team) -> None:
    team.script.use(probeplay.bad)
    team.ask()
    name = team.deploy("one")
    status = team.until_rejected(name)
    assert (status["phase"], status.get("stable")) == ("RolledBack", None)
    assert not any(now.live() for now in promises.instants(team.history.events(), team.script))


def test_a_good_change_is_promoted_without_losing_a_replica(team: Team) -> None:
    one = team.begin()
    since = team.history.now()
    two = team.deploy("two")
    status = team.until_stable(two)
    assert (status["phase"], status["verdict"]) == ("Stable", "Passed")
    assert team.least(since) >= team.replicas
    assert promises.most_pods(team.history.events(), team.script) <= team.replicas + 1
    assert promises.outcomes(team.history.events()) == {one: "Proven", two: "Proven"}
    team.check()


def test_a_bad_change_is_rolled_back_and_remembered(team: Team) -> None:
    one = team.begin()
    since = team.history.now()
    team.script.use(probeplay.bad)
    two = team.deploy("two")
    status = team.until_rejected(two, stable=one)
    assert status["phase"] == "RolledBack"
    runs = len(team.runs())
    assert team.deploy("two") == two
    assert team.client.apply({**team.body(), "metadata": _named(team, {"gitops": "again"})})
    team.until(lambda s: s["observedGeneration"] == team.body()["metadata"]["generation"], "the spec seen")
    three = team.deploy("three")
    team.until_rejected(three, stable=one)
    assert team.least(since) >= team.replicas
    assert len(team.runs()) == runs + 1, "the same spec started no run; the new one did"
    assert promises.outcomes(team.history.events()) == {one: "Proven", two: "Rejected", three: "Rejected"}
    team.check()


def _named(team: Team, labels: dict[str, str]) -> dict[str, object]:
    return {"name": "chat", "namespace": team.namespace, "labels": labels}


def test_a_decision_to_retry_starts_a_rejected_revision_again(team: Team) -> None:
    team.begin()
    team.script.use(probeplay.bad)
    two = team.deploy("two")
    team.until_rejected(two)
    team.script.use(probeplay.good)
    retry = team.decide("Retry", two)
    team.until_stable(two)
    team.until_decided(retry)
    assert [r["status"]["verdict"] for r in team.runs(two)] == ["Failed", "Passed"]
    assert promises.outcomes(team.history.events())[two] == "Proven"
    team.check()


def test_an_inconclusive_gate_holds_until_a_person_decides(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.inconclusive)
    two = team.deploy("two")
    status = team.until_held("Inconclusive")
    assert (status["phase"], status["stable"]["revision"]) == ("Held", one)
    team.check()
    team.script.use(probeplay.good)
    team.decide("Retry", two)
    team.until_stable(two)
    team.check()


def test_an_inconclusive_gate_rolls_back_when_the_spec_says_so(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.inconclusive)
    two = team.deploy("two", rollout={"onInconclusive": "RollBack"})
    status = team.until_rejected(two, stable=one)
    assert [r["reason"] for r in status["rejected"]] == ["QualityInconclusive"]
    team.check()


@pytest.mark.parametrize(
    "answer",
    [probeplay.broken, probeplay.crashed, probeplay.garbage, probeplay.empty, probeplay.of_another, probeplay.evicted],
    ids=lambda answer: answer.__name__,
)
def test_a_broken_probe_is_asked_again_and_is_no_verdict(team: Team, answer: probeplay.Answer) -> None:
    team.begin()
    team.script.sequence(answer, probeplay.good)
    two = team.deploy("two")
    team.until_retry_waits()
    team.turn_clock(10)
    team.until_stable(two)
    assert [r["status"]["verdict"] for r in team.runs(two)] == ["Broken", "Passed"]
    team.check()


def test_a_probe_that_stays_broken_holds_the_rollout_until_a_person_says_retry(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.broken)
    two = team.deploy("two")
    for retries, delay in enumerate((10, 60, 300)):
        team.until_retry_waits(retries)
        team.turn_clock(delay)
    status = team.until_held("ProbeBroken")
    assert (status["stable"]["revision"], len(team.runs(two))) == (one, 4)
    team.check()
    team.script.use(probeplay.good)
    team.decide("Retry", two)
    team.until_stable(two)
    assert [r["status"]["verdict"] for r in team.runs(two)] == ["Broken"] * 4 + ["Passed"]
    team.check()


def test_advise_judges_and_reports_and_stops_nothing(team: Team) -> None:
    team.begin(rollout={"mode": "Advise"})
    team.script.use(probeplay.bad)
    two = team.deploy("two")
    status = team.until_stable(two)
    assert status["scorecard"] == {"rollouts": 2, "wouldHaveRolledBack": 1}
    assert [r["status"]["verdict"] for r in team.runs(two)] == ["Failed"]
    team.check(free=(two,))


def test_ungated_asks_nothing_and_says_so(team: Team) -> None:
    one = team.deploy("one", rollout={"mode": "Ungated"})
    status = team.until_stable(one)
    assert (status["phase"], team.runs()) == ("Ungated", [])
    two = team.deploy("two")
    team.until_stable(two)
    assert team.runs() == []
    team.check(free=(one, two))


def test_a_gate_of_each_step_rolls_back_what_passed_before_traffic(team: Team) -> None:
    one = team.begin(gates=with_gate(when=["BeforeTraffic", "EachStep", "Bake"]))
    team.script.use(lambda i: probeplay.good(i) if i.purpose == "BeforeTraffic" else probeplay.bad(i))
    since = team.history.now()
    two = team.deploy("two")
    status = team.until_rejected(two, stable=one)
    assert [r["reason"] for r in status["rejected"]] == ["QualityFailed"]
    assert [r["spec"]["purpose"] for r in team.runs(two)] == ["BeforeTraffic", "EachStep"]
    assert team.least(since) >= 2, "half of the replicas at least, for the moment in which a bad canary goes"
    team.check()


def test_the_final_bake_can_still_bring_the_old_revision_back(team: Team) -> None:
    one = team.begin(gates=with_gate(when=["BeforeTraffic", "EachStep", "Bake"]))
    team.script.use(lambda i: probeplay.bad(i) if i.purpose == "Bake" else probeplay.good(i))
    since = team.history.now()
    two = team.deploy("two")
    status = team.until_rejected(two, stable=one)
    assert [r["reason"] for r in status["rejected"]] == ["QualityFailed"]
    assert [r["spec"]["purpose"] for r in team.runs(two)] == ["BeforeTraffic", "EachStep", "Bake"]
    assert team.least(since) >= team.replicas, "from Promoting on traffic goes back pod by pod"
    team.check()
