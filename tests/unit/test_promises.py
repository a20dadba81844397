"""The oracle of the rollouts' tests can fail: each broken promise is told, each kept one is not."""

import dataclasses
from typing import Any

import pytest

from serinus.core.naming import LABEL_DRAIN, LABEL_PROBE_FOR, LABEL_REVISION, LABEL_SERVICE, LABEL_TRAFFIC
from tests.support import probeplay, promises
from tests.support.history import Event
from tests.support.probeplay import Script
from tests.support.reports import PAIRED

RUN = "chat-r1-support-before-traffic-0"
IDENTITY = dataclasses.replace(PAIRED, namespace="team-a", revision="r1", baseline="")
REPORT = probeplay.good(IDENTITY).message


SCRIPT = Script()
SCRIPT.gave(REPORT)


def event(version: int, kind: str, name: str, body: dict[str, Any], *, deleted: bool = False) -> Event:
    metadata = {"name": name, "uid": name, "resourceVersion": str(version), **body.pop("metadata", {})}
    return Event(version, kind, name, {"metadata": metadata, **body}, deleted)


def pod(version: int, *, traffic: str = "idle", drain: str = "false", ready: bool = True, name: str = "a") -> Event:
    labels = {LABEL_SERVICE: "chat", LABEL_REVISION: "r1", LABEL_TRAFFIC: traffic, LABEL_DRAIN: drain}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return event(version, "Pod", name, {"metadata": {"labels": labels}, "status": {"conditions": conditions}})


def reported(version: int, message: str = REPORT) -> Event:
    owners = [{"kind": "Job", "name": RUN}]
    ended = {"containerStatuses": [{"state": {"terminated": {"message": message}}}]}
    metadata = {"labels": {LABEL_PROBE_FOR: "chat"}, "ownerReferences": owners}
    return event(version, "Pod", "probe", {"metadata": metadata, "status": ended})


def passed(version: int, purpose: str = "BeforeTraffic") -> Event:
    body = {"spec": {"purpose": purpose, "revision": "r1"}, "status": {"verdict": "Passed"}}
    return event(version, "ProbeRun", RUN, body)


def reached(version: int) -> Event:
    endpoints = [{"targetRef": {"name": "a"}, "conditions": {"ready": True}}]
    labels = {"kubernetes.io/service-name": "chat"}
    return event(version, "EndpointSlice", "chat-x", {"metadata": {"labels": labels}, "endpoints": endpoints})


BROKEN = {
    "live before anything": [pod(1, traffic="live")],
    "a verdict without a report": [passed(1), pod(2, traffic="live")],
    "a report without a verdict": [reported(1), pod(2, traffic="live")],
    "a verdict before its report": [passed(1), reported(2), pod(3, traffic="live")],
    "a bad report and a verdict": [reported(1, "bad"), passed(2), pod(3, traffic="live")],
    "a verdict of another purpose": [reported(1), passed(2, "Bake"), pod(3, traffic="live")],
    "live for one moment": [pod(1), pod(2, traffic="live"), pod(3)],
    "an endpoint of the users' Service": [pod(1), reached(2)],
}


@pytest.mark.parametrize("events", BROKEN.values(), ids=BROKEN)
def test_a_user_who_reaches_a_revision_that_has_not_passed_is_told(events: list[Event]) -> None:
    with pytest.raises(AssertionError, match="r1"):
        promises.check_users(events, SCRIPT)


def test_a_revision_that_has_passed_may_be_reached() -> None:
    events = [pod(1), reported(2), passed(3), pod(4, traffic="live"), reached(5)]

    assert promises.check_users(events, SCRIPT) == 4
    assert promises.check_users([pod(1, traffic="live")], SCRIPT, free=frozenset({"r1"})) == 1


def test_the_smallest_number_of_serving_pods_is_counted_at_every_instant() -> None:
    events = [
        pod(1, traffic="live"),
        pod(2, traffic="live", name="b"),
        pod(3, traffic="live", drain="true"),
        pod(4, traffic="live"),
        pod(5, traffic="live", ready=False, name="b"),
    ]

    assert promises.least_serving(events, SCRIPT, since=2, until=2) == 2
    assert promises.least_serving(events, SCRIPT, since=2, until=4) == 1
    assert promises.least_serving(events, SCRIPT, since=5) == 1
    assert promises.least_serving(events, SCRIPT, since=9) == 1
    assert promises.most_pods(events, SCRIPT) == 2


def test_objects_are_counted_once_however_often_they_change() -> None:
    events = [pod(1), pod(2), event(3, "Pod", "a", {"metadata": {"labels": {}}}, deleted=True), reported(4)]

    assert promises.made(events) == {"create Pod": 1, "delete Pod": 1, "create probe Pod": 1}
