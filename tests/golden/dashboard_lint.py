"""What is asked of every dashboard, as rules that name the panel: ours, and those of Grafana's dashboard-linter.

It owns the rules. It must not make a dashboard; `problems` is asked of broken ones too.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

import jsonschema

from serinus.core.log_pipeline import METADATA, METRIC_PREFIX, STREAM_LABELS
from serinus.core.promql import InvalidQuery, check
from serinus.core.signals import VOCABULARY, Form
from tests.alerts import test_used
from tests.golden import render
from tests.golden.dashboard_schema import SCHEMA
from tests.support.dashboards.boards import filled, panels, variables
from tests.support.generate import metrics

Json = dict[str, Any]
UNITS: Final = frozenset(["none", "short", "s", "bytes", "percentunit", "reqps", "cps", "currencyUSD"])
_SUFFIX: Final = re.compile(r"suffix: [a-z/]+")
_LOG_COUNTERS: Final = frozenset(
    f"{METRIC_PREFIX}{n}_total" for n in ("lines", "errors", "redacted_lines", "flagged_lines")
)
_VARIABLE: Final = re.compile(r"\$\{?([a-z]+)\b")
_NAMED: Final = re.compile(r"{{(\w+)}}")
_STREAM: Final = re.compile(r"\{([^{}]*)\}")
_LOG_LABEL: Final = re.compile(r'(\w+) ?(?:=~|!=|=|!~) ?"')
_COUNTED: Final = re.compile(r"_(?:total|bucket|sum|count)$")


@cache
def known_series() -> frozenset[str]:
    """Every series that there can be: recorded, exported by the operator, counted by log agents, Prometheus' own."""
    exported = set()
    for name, kind in re.findall(r"\| `(serinus_\w+)` \| (\w+) \|", metrics.page()):
        exported |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    # A signal that no runtime has by itself is one that a service of runtime `custom` may name.
    custom = {entry.series for entry in VOCABULARY.values() if entry.form is Form.RATE}
    return frozenset({*test_used.recorded(), *custom, *exported, *_LOG_COUNTERS, *_raw(), "ALERTS"})


def _raw() -> Iterator[str]:
    """Raw histograms of the catalogue: the only raw series that a dashboard reads, for their exemplars."""
    for runtime in render.library().runtimes.values():
        for name in ("ttft", "e2e_latency"):
            if name in runtime.signals:
                yield from (f"{metric}_bucket" for metric in runtime.signals[name].source.metrics)


def problems(board: Json) -> list[str]:
    """One line for each rule that a dashboard breaks; what cannot be read is not asked about its meaning."""
    errors = jsonschema.Draft202012Validator(SCHEMA).iter_errors(board)
    found = [f"form: {e.json_path}: {e.message[:200]}" for e in errors]
    for rules in STAGES:
        found = found or [f"{rule.__name__.strip('_')}: {text}" for rule in rules for text in rule(board)]
    return found


def _targets(board: Json) -> Iterator[tuple[Json, Json]]:
    yield from ((panel, target) for panel in panels(board) for target in panel["targets"])


def _loki(target: Json) -> bool:
    return bool(target["datasource"]["type"] == "loki")


def _query_parses(board: Json) -> Iterator[str]:
    for panel, target in _targets(board):
        expr = filled(target["expr"], variables(board))
        try:
            yield from (f"{panel['title']}: {text}" for text in (_log_problems(expr) if _loki(target) else ()))
            if not _loki(target):
                check(expr)
        except InvalidQuery as error:
            yield f"{panel['title']}: {error}"
    for note in board["annotations"]["list"]:
        try:
            check(filled(note["expr"], variables(board)))
        except InvalidQuery as error:
            yield f"annotation {note['name']}: {error}"


def _log_problems(expr: str) -> Iterator[str]:
    """LogQL as far as we write it: balanced, a stream of known labels that names the service, known metadata."""
    if any(expr.count(a) != expr.count(b) for a, b in ("()", "{}", "[]")) or expr.count('"') % 2:
        yield f"{expr}: a bracket or a quote is not closed"
        return
    streams = _STREAM.findall(expr)
    if len(streams) != 1 or not {"namespace", "llmservice"} <= set(_LOG_LABEL.findall(streams[0])):
        yield f"{expr}: not one stream that names namespace and llmservice"
        return
    unknown = set(_LOG_LABEL.findall(streams[0])) - set(STREAM_LABELS)
    after = expr.partition("}")[2]
    unknown |= set(_LOG_LABEL.findall(after)) - {*METADATA, *STREAM_LABELS}
    grouped = {w for group in re.findall(r"by \(([^)]*)\)", expr) for w in group.split(", ")}
    for label in sorted(unknown | (grouped - set(STREAM_LABELS))):
        yield f"{expr}: no line has {label}"


def _series_exist(board: Json) -> Iterator[str]:
    asked = [(p["title"], t["expr"]) for p, t in _targets(board) if not _loki(t)]
    asked += [(f"annotation {n['name']}", n["expr"]) for n in board["annotations"]["list"]]
    for title, expr in asked:
        for selected in check(filled(expr, variables(board))):
            if selected.metric not in known_series():
                yield f"{title}: nobody records or exports {selected.metric}"


def _unit(board: Json) -> Iterator[str]:
    for panel in panels(board):
        unit = panel["fieldConfig"]["defaults"]["unit"]
        if unit not in UNITS and not _SUFFIX.fullmatch(unit):
            yield f"{panel['title']}: found unit {unit!r}, allowed are {', '.join(sorted(UNITS))}, suffix: …"
        elif unit == "none" and panel["type"] in ("timeseries", "heatmap"):
            yield f"{panel['title']}: a curve without a unit"


def _rate_interval(board: Json) -> Iterator[str]:
    """Counters are rated over `$__rate_interval` (Prometheus) or `$__auto` (Loki), never over a time of our own."""
    for panel, target in _targets(board):
        wanted = {"$__auto"} if _loki(target) else {"$__rate_interval", "$__range"}
        for window in re.findall(r"\[([^\]]*)\]", target["expr"]):
            if window not in wanted:
                yield f"{panel['title']}: found [{window}], allowed is [{' or '.join(sorted(wanted))}]"
        if _loki(target):
            continue
        for selected in check(filled(target["expr"], variables(board))):
            counts = _COUNTED.search(selected.metric) and ":" not in selected.metric.removeprefix("vllm:")
            rated = re.search(rf"(?:rate|increase)\({re.escape(selected.metric)}\b", target["expr"])
            if counts and not rated and selected.metric != "serinus_rollouts_total":
                yield f"{panel['title']}: {selected.metric} counts, and nothing rates it"


def _identity(board: Json) -> Iterator[str]:
    everything = [*board["panels"], *(p for row in board["panels"] for p in row.get("panels", []))]
    for number, count in Counter(p["id"] for p in everything).items():
        if count > 1:
            yield f"{count} panels have the id {number}"
    for title, count in Counter(p["title"] for p in panels(board)).items():
        if count > 1:
            yield f"{count} panels are called {title}"


def _copies(board: Json) -> Iterator[str]:
    asked = Counter((t["expr"], p["type"]) for p, t in _targets(board))
    yield from (f"{count} times {expr}" for (expr, _), count in asked.items() if count > 1)


def _grid(board: Json) -> Iterator[str]:
    for stack in [board["panels"], *(p["panels"] for p in board["panels"] if p["type"] == "row")]:
        taken: dict[tuple[int, int], str] = {}
        for panel in stack:
            at = panel["gridPos"]
            if at["x"] + at["w"] > 24:
                yield f"{panel['title']}: stands out of the 24 columns"
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            over = {taken[cell] for cell in cells if cell in taken}
            yield from (f"{panel['title']} lies over {other}" for other in sorted(over))
            taken |= dict.fromkeys(cells, panel["title"])


def _legend(board: Json) -> Iterator[str]:
    """Several curves need names, of labels that the query leaves."""
    for panel, target in _targets(board):
        expr, legend = target["expr"], target["legendFormat"]
        if panel["type"] not in ("table", "logs") and not legend:
            yield f"{panel['title']}: a query without a legend"
        if len({t["legendFormat"] for t in panel["targets"]}) < len(panel["targets"]) and panel["type"] != "table":
            yield f"{panel['title']}: two queries of one legend"
        groups = re.findall(r"by \(([^)]*)\)", expr)
        kept = {label for group in groups for label in group.split(", ")}
        for label in _NAMED.findall(legend) if groups else ():
            if label not in kept:
                yield f"{panel['title']}: the legend names {label}, the query keeps {', '.join(sorted(kept))}"


def _sources(board: Json) -> Iterator[str]:
    """No datasource but those of the variables, which are there, first, and of their kind."""
    kinds = {v["name"]: v["query"] for v in board["templating"]["list"] if v["type"] == "datasource"}
    for panel, target in _targets(board):
        for found in (panel["datasource"], target["datasource"]):
            name = found["uid"].strip("${}")
            if kinds.get(name) != found["type"]:
                yield f"{panel['title']}: found datasource {found}, of the variables {kinds}"
        if panel["datasource"] != target["datasource"]:
            yield f"{panel['title']}: a panel of one datasource, a query of another"


def _variables(board: Json) -> Iterator[str]:
    """Every variable that a query or link reads is there, and every one that is there is read."""
    there = {v["name"]: v for v in board["templating"]["list"]}
    text = [str(board["panels"]), str(board["annotations"]), str(board["templating"])]
    read = {name for part in text for name in _VARIABLE.findall(unquote(part))}
    yield from (f"nothing reads ${name}" for name in sorted(there.keys() - read))
    asked = {name for _, t in _targets(board) for name in _VARIABLE.findall(t["expr"]) if name not in ("__", "")}
    yield from (f"nobody sets ${name}" for name in sorted(asked - there.keys()))
    for name, variable in there.items():
        if variable["type"] == "query":
            inner = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
            expr = filled(inner[1], variables(board)) if inner else ""
            if not inner or not {s.metric for s in check(expr)} <= known_series():
                yield f"${name}: found {variable['definition']}, allowed is label_values(<known series>, <label>)"


def _scope(board: Json) -> Iterator[str]:
    """A query about services is kept to the namespaces that are looked at, and to the service if there is one."""
    of_one = "$service" in {f"${v['name']}" for v in board["templating"]["list"]}
    wanted = {"llmservice", "namespace"} if of_one else {"namespace"}
    engine = {name for name in known_series() if name.startswith("serinus_") and "llmservice" not in _labels(name)}
    for panel, target in _targets(board):
        for selected in () if _loki(target) else check(filled(target["expr"], variables(board))):
            found = {m.label.removeprefix("exported_") for m in selected.matchers}
            if selected.metric not in engine and not wanted <= found:
                yield f"{panel['title']}: {selected.metric} is not kept to {', '.join(sorted(wanted))}"


@cache
def _labels(name: str) -> frozenset[str]:
    """Labels of a metric of the operator by its page: those of services have two more than the table says."""
    services, _, _ = metrics.page().partition("## Of the engine")
    return frozenset({"llmservice"} if f"`{name}`" in services else ())


def _links(board: Json) -> Iterator[str]:
    for panel in panels(board):
        overridden = [p for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "links"]
        found = [*panel["fieldConfig"]["defaults"].get("links", []), *(link for p in overridden for link in p["value"])]
        for link in found:
            if not re.match(r"/(?:d/serinus-(?:services|fleet)\?|explore\?schemaVersion=1&panes=\{)", link["url"]):
                yield f"{panel['title']}: found link {link['url'][:60]}, allowed is one of our dashboards or Explore"


Rule = Callable[[Json], Iterator[str]]
STAGES: Final[tuple[tuple[Rule, ...], ...]] = (
    (_sources,),
    (_query_parses,),
    (_series_exist, _unit, _rate_interval, _identity, _copies, _grid, _legend, _variables, _scope, _links),
)
