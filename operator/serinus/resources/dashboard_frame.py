"""What a dashboard is besides its panels: variables, annotations, links, the grid of rows, its identity.

It owns the top level of the JSON. It knows no series but those that variables and annotations are read from.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from serinus.core.model import Manifest
from serinus.core.promql import Matcher
from serinus.resources.dashboard_panel import PROMETHEUS, Panel, panel_json
from serinus.resources.dashboard_query import ONE, one

SERVICES_UID: Final = "serinus-services"
FLEET_UID: Final = "serinus-fleet"
TAG: Final = "serinus"
SCHEMA_VERSION: Final = 42
"""Of Grafana 12; an older one loads it too, a newer one has nothing to migrate."""
_COLUMNS: Final = 24
_ROW_HEIGHT: Final = 1
_INFO: Final = "serinus_service_info"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of panels, from left to right; what is folded is asked only when it is opened."""

    title: str
    panels: tuple[Panel, ...]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """The one service that a dashboard is of; empty: it is chosen by variables."""

    namespace: str = ""
    service: str = ""

    @property
    def uid(self) -> str:
        """A uid of at most 40 characters; of two services never the same, though both names may hold dashes."""
        if not self.service:
            return SERVICES_UID
        return f"serinus-{hashlib.sha256(f'{self.namespace}/{self.service}'.encode()).hexdigest()[:20]}"


def frame(uid: str, title: str, rows: Iterable[Row], variables: list[Manifest], *, of_one: bool) -> Manifest:
    """Write a whole dashboard; `of_one`: it is about one service, so that its rollouts are marked in it."""
    return {
        "uid": uid,
        "title": title,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "annotations": {"list": list(_annotations()) if of_one else []},
        "links": [_dashboards()],
        "templating": {"list": variables},
        "panels": list(place(rows)),
    }


def place(rows: Iterable[Row]) -> Iterator[Manifest]:
    """Give every panel its id and its place; a panel that does not fit beside the others begins a new line."""
    number, y = 1, 0
    for row in rows:
        head: Manifest = {"id": number, "type": "row", "title": row.title, "collapsed": row.folded, "panels": []}
        head["gridPos"] = {"x": 0, "y": y, "w": _COLUMNS, "h": _ROW_HEIGHT}
        panels, bottom = _line_up(row.panels, number + 1, y + _ROW_HEIGHT)
        number += 1 + len(panels)
        if row.folded:
            yield {**head, "panels": panels}
            y += _ROW_HEIGHT
        else:
            yield head
            yield from panels
            y = bottom


def _line_up(panels: tuple[Panel, ...], number: int, top: int) -> tuple[list[Manifest], int]:
    """Panels with their places, and the line below them."""
    found, x, y, height = [], 0, top, 0
    for i, panel in enumerate(panels):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        found.append(panel_json(panel, number + i, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, height = x + panel.width, max(height, panel.height)
    return found, y + height


def service_variables(identity: Identity) -> list[Manifest]:
    """Variables of a dashboard of services, in the order in which they depend on each other."""
    sources = [_datasource("datasource", "Metrics", "prometheus"), _datasource("logs", "Logs", "loki")]
    sources.append(_datasource("traces", "Traces", "tempo"))
    revision = _query("revision", "Revision", f"label_values({one('serinus_traffic_ratio')}, revision)", several=True)
    if identity.service:
        fixed = {"namespace": identity.namespace, "service": identity.service}
        return [*sources, *(_constant(name, value) for name, value in fixed.items()), revision]
    in_namespace = f'{_INFO}{{namespace="$namespace"}}'
    of_model = f'{_INFO}{{namespace="$namespace",model=~"$model"}}'
    return [
        *sources,
        _query("namespace", "Namespace", f"label_values({_INFO}, namespace)"),
        _query("model", "Model", f"label_values({in_namespace}, model)", several=True),
        _query("service", "Service", f"label_values({of_model}, llmservice)"),
        revision,
    ]


def fleet_variables() -> list[Manifest]:
    """Variables of the dashboard of all services."""
    namespaces = _query("namespace", "Namespace", f"label_values({_INFO}, namespace)", several=True)
    return [_datasource("datasource", "Metrics", "prometheus"), namespaces]


def _datasource(name: str, label: str, kind: str) -> Manifest:
    return {"name": name, "label": label, "type": "datasource", "query": kind, "refresh": 1, "hide": 0}


def _query(name: str, label: str, query: str, *, several: bool = False) -> Manifest:
    found: Manifest = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": PROMETHEUS,
        "query": {"query": query, "refId": "A"},
        "definition": query,
        "refresh": 2,  # when the time range changes: revisions come and go
        "sort": 1,
        "hide": 0,
        "multi": several,
        "includeAll": several,
    }
    return found | {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}} if several else found


def _constant(name: str, value: str) -> Manifest:
    return {"name": name, "type": "constant", "query": value, "hide": 2, "current": {"text": value, "value": value}}


def _annotations() -> Iterator[Manifest]:
    stage = f"max by (stage, revision) ({one('serinus_rollout_stage')}) == 1"
    before = f"max by (stage, revision) ({one('serinus_rollout_stage')} offset 1m) == 1"
    yield _annotation("Rollout", f"{stage} unless {before}", ("{{stage}}", "{{revision}}"), "blue")
    info = f"group by (stable) ({one(_INFO)})"
    promoted = f"{info} unless group by (stable) ({one(_INFO)} offset 1m)"
    yield _annotation("Promotion", promoted, ("{{stable}} serves", "the revision that users get"), "green")
    firing = f"ALERTS{{{','.join(m.text for m in (*ONE, Matcher('alertstate', 'firing')))}}}"
    yield _annotation("Alert", firing, ("{{alertname}}", "{{severity}}"), "red")


def _annotation(name: str, expr: str, texts: tuple[str, str], color: str) -> Manifest:
    title, text = texts
    return {
        "name": name,
        "datasource": PROMETHEUS,
        "enable": True,
        "expr": expr,
        "step": "30s",
        "titleFormat": title,
        "textFormat": text,
        "iconColor": color,
    }


def _dashboards() -> Manifest:
    return {
        "title": "Serinus",
        "type": "dashboards",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
    }
