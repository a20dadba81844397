"""Faults of the API server between it and the operator: a rollout that meets them ends like one that meets none."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.apibed import ApiBed
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Answer, Cut, Delay, Fault, Reset, Stale
from tests.support.operatorproc import namespaced
from tests.support.processes import eventually
from tests.support.stories import STORIES, Left, Story
from tests.support.team import Team, a_team
from tests.support.watchfaults import BookmarksOnly, Drop, Duplicate, Hang, Reorder, StreamError

pytestmark = pytest.mark.api

PROMOTED, ROLLED_BACK = STORIES


@dataclass(frozen=True)
class Trouble:
    """A fault, the calls that it meets, and when it begins: `early`, before the operator starts, for watches."""

    name: str
    fault: Fault
    match: dict[str, Any] = field(default_factory=dict)
    early: bool = False
    story: Story = PROMOTED


def _writes(name: str, fault: Fault, *, times: int = 5, nth: int = 3, **more: Any) -> Trouble:
    return Trouble(name, fault, {"verb": "write", "nth": nth, "times": times}, **more)


def _watch(name: str, fault: Fault, path: str, **more: Any) -> Trouble:
    return Trouble(name, fault, {"verb": "watch", "path": path, "times": 1, **more}, early=True)


TROUBLES = [
    _writes("409", Answer(409)),
    _writes("422", Answer(422)),
    _writes("429-retry-after", Answer(429, retry_after=1)),
    _writes("500", Answer(500)),
    _writes("503", Answer(503), story=ROLLED_BACK),
    _writes("reset-before-the-write", Reset()),
    _writes("reset-after-the-write", Reset(after=True)),
    _writes("reset-after-the-write-of-a-rollback", Reset(after=True), story=ROLLED_BACK),
    _writes("cut-json", Cut()),
    _writes("slow-writes", Delay(2.0), times=2),
    Trouble("403-for-one-verb", Answer(403), {"verb": "create", "path": "/jobs$", "times": 3}),
    Trouble("403-for-one-patch", Answer(403), {"verb": "patch", "path": "/pods/", "times": 3}),
    # pods are listed by two selectors: each is answered thrice
    Trouble("stale-list-of-pods", Stale(), {"verb": "list", "path": "/pods$", "times": 6}),
    _watch("hung-watch-of-pods", Hang(), "/pods$"),
    _watch("hung-watch-of-services", Hang(), "/llmservices$"),
    _watch("bookmarks-only", BookmarksOnly(), "/endpointslices$"),
    _watch("error-410", StreamError(410, events=2), "/replicasets$"),
    _watch("error-500", StreamError(500, events=1), "/pods$"),
    _watch("dropped-deleted", Drop("DELETED"), "/(pods|jobs)$", nth=1),
    _watch("dropped-added", Drop("ADDED"), "/(proberuns|pods)$", nth=1),
    _watch("duplicates", Duplicate(), "/(pods|endpointslices)$"),
    _watch("reordered", Reorder(), "/(pods|endpointslices)$"),
]


@pytest.fixture(scope="module")
def clean(controlled_bed: ApiBed) -> Callable[[Story], Left]:
    """What a run without a fault leaves behind; each story is told once."""
    told: dict[str, Left] = {}

    def run(story: Story) -> Left:
        if story.name not in told:
            with _running(controlled_bed) as (team, _):
                told[story.name] = story.tell(team)
        return told[story.name]

    return run


@contextlib.contextmanager
def _running(bed: ApiBed, *, early: Trouble | None = None) -> Iterator[tuple[Team, FaultProxy]]:
    """An operator behind a fault proxy, with a quick resync, and its team."""
    namespace = bed.new_namespace()
    proxy = FaultProxy(bed)
    operator = namespaced(bed, namespace, url=proxy.url, RESYNC="3s")
    if early is not None:
        proxy.add(early.fault, **early.match)
    try:
        with a_team(bed, operator, namespace=namespace) as team:
            operator.start()
            yield team, proxy
            assert not operator.ended, operator.tail()
    finally:
        operator.close()
        proxy.close()


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_rollout_that_meets_a_fault_ends_like_one_that_meets_none(
    controlled_bed: ApiBed, clean: Callable[[Story], Left], trouble: Trouble
) -> None:
    wanted = clean(trouble.story)
    with _running(controlled_bed, early=trouble if trouble.early else None) as (team, proxy):
        rules = []

        def begin() -> None:
            if not trouble.early:
                rules.append(proxy.add(trouble.fault, **trouble.match))

        found = trouble.story.tell(team, meanwhile=begin)
        met = [c for c in proxy.calls() if c.fault]
    assert met, "the fault was never played"
    assert found.world == wanted.world
    assert found.made == wanted.made


def test_a_token_that_was_rotated_is_read_again(controlled_bed: ApiBed) -> None:
    bed = controlled_bed
    with _running(bed) as (team, proxy):
        one = team.begin()
        old, new = bed.token("admin"), bed.service_account("operator", team.namespace)
        account = f"system:serviceaccount:{team.namespace}:operator"
        bed.grant(account, [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
        config = team.operator.kubeconfig
        config.write_text(config.read_text().replace(old, new))
        proxy.add(Answer(401), path=".*", token=old, times=None)
        two = team.deploy("two")
        team.until_stable(two)
        refused = [c for c in proxy.calls() if c.fault]
        assert refused, "the old token was never used again"
        assert one != two
        team.check()


def test_a_right_that_is_taken_away_holds_nothing_but_what_needs_it_and_is_used_again(controlled_bed: ApiBed) -> None:
    with _running(controlled_bed) as (team, proxy):
        team.begin()
        rule = proxy.add(Answer(403), verb="create", path="/jobs$", times=None)
        two = team.deploy("two")
        eventually(lambda: rule.met >= 2, "two refusals", seconds=30.0)
        assert [r.get("status") for r in team.runs(two)] in ([None], [{}])
        proxy.clear()
        team.until_stable(two)
        team.check()
