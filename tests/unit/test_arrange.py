"""Single moves of `arrange`: drains whose beginning is unknown, and patches that meet on one pod."""

import dataclasses
from typing import Any

from serinus.core.arrange import PodPatch, World, arrange
from serinus.core.seen import PodSeen, SetSeen
from serinus.core.traffic import Goal, Side, split

NOW = 10_000.0


def pod(name: str, **facts: Any) -> PodSeen:
    usual = PodSeen(
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        revision="ra",
        live=True,
        draining=False,
        drain_since=0.0,
        ready=True,
        deleting=False,
        address="",
        unready_since=0.0,
        created=0.0,
        restarts=0,
        trouble="",
    )
    return dataclasses.replace(usual, **facts)


def lower(
    *pods: PodSeen, replicas: int = 1, timeout: float = 30.0, live: bool = True, routed: frozenset[str] = frozenset()
) -> Any:
    """Go down to so many replicas of one revision."""
    found = SetSeen(
        name="s", revision="ra", uid="u", resource_version="1", replicas=len(pods), live=live, observed=True
    )
    world = World(sets={"ra": found}, pods=pods, routed=routed, now=NOW, drain_timeout=timeout)
    side = Side(revision="ra", replicas=replicas, live=live)
    return arrange(Goal(sides=(side,), ceiling=len(pods), floor=replicas), world)


def test_a_drain_whose_beginning_nobody_knows_has_just_begun() -> None:
    found = lower(pod("a", draining=True), pod("b"))

    assert found.sets["ra"].replicas == 2, "it is not removed yet"
    assert found.patches == (PodPatch(pod="a", uid="uid-a", resource_version="1", drain=True),)
    assert found.wake == 30.0


def test_a_drain_with_its_beginning_is_waited_for_without_a_patch() -> None:
    found = lower(pod("a", draining=True, drain_since=NOW - 10), pod("b"))
    over = lower(pod("a", draining=True, drain_since=NOW - 30), pod("b"))

    assert (found.sets["ra"].replicas, found.patches, found.wake) == (2, (), 20.0)
    assert (over.sets["ra"].replicas, over.patches, over.wake) == (1, (), None)


def test_a_drained_pod_that_serves_nobody_goes_at_once() -> None:
    found = lower(pod("a", draining=True, ready=False), pod("b"))

    assert (found.sets["ra"].replicas, found.patches) == (1, ())


def test_a_change_of_both_labels_is_one_patch() -> None:
    found = lower(pod("a", live=False), pod("b"), pod("c", draining=True, drain_since=1.0, live=False), replicas=2)
    merged = {p.pod: (p.live, p.drain) for p in found.patches}

    assert merged == {"a": (True, None), "c": (True, None)}
    kept = lower(pod("c", draining=True, drain_since=1.0, live=False), replicas=1)
    assert kept.patches == (PodPatch(pod="c", uid="uid-c", resource_version="1", live=True, drain=False),)


def test_a_drained_pod_waits_until_it_is_out_of_the_endpoints() -> None:
    for timeout, wake in ((30.0, 30.0), (0.0, 1.0)):
        gone = pod("a", draining=True, drain_since=NOW - 500)
        found = lower(gone, pod("b"), timeout=timeout, routed=frozenset({"a"}))
        assert (found.sets["ra"].replicas, found.wake) == (2, wake)


def test_a_share_is_the_largest_that_is_not_above_what_is_asked() -> None:
    assert [split(10, 1, percent) for percent in (1, 10, 20, 50, 99)] == [(1, 10), (1, 10), (2, 9), (5, 6), (10, 1)]
    assert split(1, 1, 99) == (1, 1)
    assert split(4, 0, 50) == (2, 2)
