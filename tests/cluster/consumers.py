"""Owns what the stack's Prometheus and Alertmanager say of what they were given: rules, targets, routes, queries.

It must not judge it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests
import yaml

from tests.cluster import stack
from tests.cluster.kubectl import proxy

Json = dict[str, Any]
SPAN, STEP = 300, 15
"""Seconds that a range query looks back, and between two of its points."""


@dataclass(frozen=True)
class Query:
    """A query as a dashboard asks it: at one moment, or over the last minutes."""

    expr: str
    instant: bool


@dataclass(frozen=True)
class Answer:
    """How many series answered a query, or Prometheus' words for why none could."""

    query: Query
    series: int
    error: str


def rule_groups() -> list[Json]:
    """Return the groups of rules that Prometheus has loaded."""
    found: list[Json] = stack.answer(stack.PROMETHEUS_SERVICE, "api/v1/rules")["data"]["groups"]
    return found


def targets() -> list[Json]:
    """Return what Prometheus scrapes."""
    found: list[Json] = stack.answer(stack.PROMETHEUS_SERVICE, "api/v1/targets?state=active")["data"]["activeTargets"]
    return found


def routing() -> Json:
    """Return the configuration that Alertmanager runs with, secrets hidden."""
    text = stack.answer(stack.ALERTMANAGER_SERVICE, "api/v2/status")["config"]["original"]
    return dict(yaml.safe_load(text))


def answers(queries: Sequence[Query]) -> Iterator[Answer]:
    """Ask Prometheus one query after the other by one connection."""
    path = f"api/v1/namespaces/{stack.NAMESPACE}/services/{stack.PROMETHEUS_SERVICE}/proxy/api/v1"
    with proxy() as address, requests.Session() as session:
        for query in queries:
            yield _answer(session, f"{address}/{path}", query)


def _answer(session: requests.Session, address: str, query: Query) -> Answer:
    now = int(time.time())
    asked: dict[str, str | int] = {"query": query.expr}
    if not query.instant:
        asked |= {"start": now - SPAN, "end": now, "step": STEP}
    kind = "query" if query.instant else "query_range"
    try:
        found = session.get(f"{address}/{kind}", params=asked, timeout=30).json()
    except requests.RequestException as problem:
        return Answer(query, 0, f"{type(problem).__name__}: {problem}")
    if found.get("status") != "success":
        return Answer(query, 0, str(found.get("error") or found.get("message") or found))
    return Answer(query, len(found["data"]["result"]), "")
