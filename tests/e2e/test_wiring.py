"""The wiring of the stack's objects, after rollouts: what Prometheus, Alertmanager and Grafana's sidecar were given."""

from collections.abc import Sequence

import pytest

from tests.cluster import consumers, stack
from tests.e2e.demo import cluster, monitoring, settings, story

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
_SLOWEST = 400.0
"""Seconds after which every rule has been evaluated: some groups are every 5 minutes."""


@pytest.fixture(scope="module", autouse=True)
def served(first_revision: story.Row) -> story.Row:
    """A service whose first revision serves."""
    return first_revision


def test_every_rule_is_loaded_and_evaluated_without_an_error() -> None:
    def not_evaluated(queries: Sequence[consumers.Query]) -> list[consumers.Answer]:
        return [consumers.Answer(query, 0, "not evaluated yet") for query in queries]

    def whole() -> monitoring.Counted:
        return monitoring.rules(monitoring.listed("prometheusrules"), consumers.rule_groups(), not_evaluated)

    found = monitoring.settled(whole, "every rule to be evaluated", _SLOWEST)
    assert found.problems == ()
    assert found.count > 50


def test_every_target_is_up() -> None:
    found = monitoring.settled(monitoring.scraped, "every target to be up", 120.0)
    assert found.problems == ()
    assert found.count >= settings.REPLICAS + 2


def test_alertmanager_took_the_owner_s_route_beside_those_of_the_stack() -> None:
    assert monitoring.settled(monitoring.routed, "the owner's route", 120.0).problems == ()
    [config] = [o for o in cluster.status()["outputs"] if o["kind"] == "AlertmanagerConfig"]
    assert config["state"] == "Applied"
    ours, *_ = (r for r in consumers.routing()["route"]["routes"] if r["receiver"] == settings.OWNER)
    assert ours["continue"] is True
    assert ours["group_wait"] == "1s"


def test_every_query_of_every_dashboard_is_answered_and_most_find_data() -> None:
    shown = monitoring.shown()
    assert monitoring.dashboards(shown, monitoring.answers).problems == ()
    own = shown[settings.NAMESPACE, f"{settings.SERVICE}-dashboard"]
    found = monitoring.answers(list(monitoring.queries(own)))
    assert sum(answer.series > 0 for answer in found) > len(found) / 2


def test_a_query_that_prometheus_refuses_is_told_in_its_words() -> None:
    [answer] = monitoring.answers([consumers.Query("max by (", instant=False)])
    assert "parse error" in answer.error
    assert stack.query("vector(1)")
