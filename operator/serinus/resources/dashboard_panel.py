"""What a panel of a dashboard is, and how Grafana reads it (classic JSON).

It owns the form: targets, units, legends, thresholds. It knows no series, and not where a panel stands.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from serinus.core.model import Manifest

PROMETHEUS: Final[Manifest] = {"type": "prometheus", "uid": "${datasource}"}
LOKI: Final[Manifest] = {"type": "loki", "uid": "${logs}"}
GOOD, FAIR, BAD, PLAIN = "green", "orange", "red", "text"


class Look(StrEnum):
    """How a panel shows its answers: the names are Grafana's."""

    LINES = "timeseries"
    NUMBER = "stat"
    BARS = "bargauge"
    STATES = "state-timeline"
    HEAT = "heatmap"
    TABLE = "table"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Query:
    """One query and the name of its series. `exemplars`: dots that lead from a metric to a trace."""

    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads to."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that is shown otherwise than its field says."""

    field: str
    title: str
    unit: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `unit` is one of Grafana's; `steps`: (from which value, colour), the first from the lowest on."""

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str
    look: Look = Look.LINES
    width: int = 8
    height: int = 8
    logs: bool = False  # asked of Loki
    least: float | None = None
    most: float | None = None
    stacked: bool = False
    steps: tuple[tuple[float, str], ...] = ((0, GOOD),)
    words: tuple[tuple[str, str], ...] = ()  # value -> the word that stands for it
    links: tuple[Link, ...] = ()
    columns: tuple[Column, ...] = ()
    hidden: tuple[str, ...] = ()  # fields that a table does not show
    first: tuple[str, ...] = ()  # fields that stand first in a table, in this order
    logarithmic: bool = False
    extract: bool = False  # a table of log lines: their labels become fields


def panel_json(panel: Panel, number: int, place: Manifest) -> Manifest:
    """Write a panel with its id and its place in the grid."""
    found: Manifest = {
        "id": number,
        "type": panel.look.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": LOKI if panel.logs else PROMETHEUS,
        "gridPos": place,
        "targets": [_target(panel, i, query) for i, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [_override(c) for c in panel.columns]},
        "options": _options(panel),
    }
    changes = _transformations(panel)
    return found | {"transformations": changes} if changes else found


def _target(panel: Panel, index: int, query: Query) -> Manifest:
    found: Manifest = {"refId": chr(ord("A") + index), "expr": query.expr, "editorMode": "code"}
    instant = panel.look in (Look.NUMBER, Look.BARS, Look.TABLE) and not panel.logs
    if panel.logs:
        return {**found, "datasource": LOKI, "queryType": "range", "legendFormat": query.legend}
    found |= {"datasource": PROMETHEUS, "instant": instant, "range": not instant, "legendFormat": query.legend}
    if panel.look in (Look.TABLE, Look.HEAT):
        found["format"] = panel.look.value
    return found | {"exemplar": True} if query.exemplars else found


def _defaults(panel: Panel) -> Manifest:
    first, *others = panel.steps
    steps = [{"color": first[1], "value": None}, *({"color": color, "value": value} for value, color in others)]
    found: Manifest = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    bounds = {"min": panel.least, "max": panel.most}
    found |= {key: value for key, value in bounds.items() if value is not None}
    if panel.words:
        options = {value: {"text": word, "index": i} for i, (value, word) in enumerate(panel.words)}
        found["mappings"] = [{"type": "value", "options": options}]
    if panel.links:
        found["links"] = [_link(link) for link in panel.links]
    if panel.look is Look.LINES:
        found["custom"] = _drawing(panel)
    return found


def _drawing(panel: Panel) -> Manifest:
    scale: Manifest = {"type": "log", "log": 10} if panel.logarithmic else {"type": "linear"}
    stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
    marked = {"mode": "dashed" if len(panel.steps) > 1 else "off"}
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 20 if panel.stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "scaleDistribution": scale,
        "stacking": stacking,
        "thresholdsStyle": marked,
    }


def _link(link: Link) -> Manifest:
    return {"title": link.title, "url": link.url, "targetBlank": True}


def _override(column: Column) -> Manifest:
    changes: list[Manifest] = [{"id": "displayName", "value": column.title}]
    if column.unit:
        changes.append({"id": "unit", "value": column.unit})
    if column.link:
        changes.append({"id": "links", "value": [_link(column.link)]})
    return {"matcher": {"id": "byName", "options": column.field}, "properties": changes}


def _transformations(panel: Panel) -> list[Manifest]:
    if panel.look is not Look.TABLE:
        return []
    found: list[Manifest] = []
    if panel.extract:
        found.append({"id": "extractFields", "options": {"source": "labels", "format": "json", "replace": False}})
    if len(panel.queries) > 1:
        found.append({"id": "merge", "options": {}})
    hidden = dict.fromkeys(("Time", *panel.hidden), True)
    order = {name: i for i, name in enumerate(panel.first)}
    return [*found, {"id": "organize", "options": {"excludeByName": hidden, "indexByName": order}}]


_LAST: Final[Manifest] = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: Final[dict[Look, Manifest]] = {
    Look.LINES: {
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Look.NUMBER: {"reduceOptions": _LAST, "colorMode": "value", "graphMode": "none", "justifyMode": "auto"},
    Look.BARS: {"reduceOptions": _LAST, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True},
    Look.STATES: {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": {"mode": "single"},
    },
    Look.HEAT: {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
        "legend": {"show": True},
    },
    Look.TABLE: {"cellHeight": "sm", "showHeader": True, "footer": {"show": False}},
    Look.LOGS: {"showTime": True, "wrapLogMessage": True, "enableLogDetails": True, "sortOrder": "Descending"},
}


def _options(panel: Panel) -> Manifest:
    """Options of the look; a number that stands for a word shows its name alone."""
    options = _OPTIONS[panel.look]
    if panel.look is Look.NUMBER:
        return options | {"textMode": "name" if panel.unit == "none" else "value_and_name"}
    return options | {"yAxis": {"unit": panel.unit}} if panel.look is Look.HEAT else options
