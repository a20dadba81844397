"""Owns how tests read a dashboard's JSON: its panels, and its queries with the variables filled in as Grafana does.

It must not know what a panel is about.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from serinus.resources import dashboard
from serinus.resources.dashboard_frame import Identity
from tests.golden import render

Json = dict[str, Any]
INTERVAL = "2m"
"""What `$__rate_interval` is with samples every 30 s: four of them."""
MACROS = {"$__rate_interval": INTERVAL, "$__auto": INTERVAL, "$__range": "1h"}
CHOSEN = {"$namespace": "team-a", "$service": "chat", "$revision": ".*", "$model": ".*"}
EVERYWHERE = {**CHOSEN, "$namespace": ".*"}


@dataclass(frozen=True)
class Asked:
    """One query of one panel."""

    panel: str
    expr: str
    legend: str
    logs: bool
    target: Json


@cache
def boards() -> dict[str, Json]:
    """The shared dashboards, and one of a service's own, by uid."""
    runtimes = render.library().runtimes
    own = dashboard.services(runtimes, Identity("team-a", "chat"))
    return {board["uid"]: board for board in (dashboard.services(runtimes), dashboard.fleet(), own)}


def panels(board: Json) -> Iterator[Json]:
    """Every panel that asks something, those of folded rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def rows(board: Json) -> Iterator[tuple[str, list[Json]]]:
    """Rows by title, with their panels."""
    found: list[Json] = []
    title = ""
    for panel in board["panels"]:
        if panel["type"] == "row":
            if found:
                yield title, found
            title, found = panel["title"], list(panel["panels"])
        else:
            found.append(panel)
    yield title, found


def queries(board: Json) -> Iterator[Asked]:
    """Every query as it is asked, panel after panel."""
    for panel in panels(board):
        for target in panel["targets"]:
            logs = target["datasource"]["type"] == "loki"
            expr = filled(target["expr"], variables(board))
            yield Asked(panel["title"], expr, target["legendFormat"], logs, target)


def variables(board: Json) -> Mapping[str, str]:
    """Values for the variables of a dashboard; one without a service is of all namespaces."""
    of_one = any(v["name"] == "service" for v in board["templating"]["list"])
    return CHOSEN if of_one else EVERYWHERE


def filled(expr: str, values: Mapping[str, str]) -> str:
    """Put values in the place of variables and macros, the longest names first."""
    for name, value in sorted({**MACROS, **values}.items(), key=lambda item: -len(item[0])):
        expr = expr.replace(name, value)
    return expr
