"""The rows of the dashboard of all services: state, verdicts, budgets, requests, spend. It owns panels."""

from typing import Final

from serinus.core.promql import Matcher, Op
from serinus.core.signals import COST, ERROR_RATIO, PROBE, SOURCE, UNPRICED_TOKENS, VOCABULARY, WINDOW
from serinus.resources.dashboard_frame import Row
from serinus.resources.dashboard_panel import BAD, FAIR, GOOD, PLAIN, Column, Link, Look, Panel, Query
from serinus.resources.dashboard_query import OWN, fleet
from serinus.resources.objectives import BUDGET, ratio

_NAME: Final = "{{namespace}}/{{llmservice}}"
_DAY: Final = 86_400
_MONTH: Final = 30 * _DAY
_FIRST_TOKEN: Final = f"{VOCABULARY['ttft'].series}:p95_{WINDOW}"
_FINISHED: Final = VOCABULARY["requests_finished"].series
_FIELDS: Final = "${__data.fields.%s}"
_FIRING: Final = fleet("ALERTS", Matcher("alertstate", "firing"))
_SERVICE: Final = Link(
    "Dashboard of the service",
    "/d/serinus-services?${__url_time_range}"
    f"&var-namespace={_FIELDS % 'namespace'}&var-service={_FIELDS % 'llmservice'}",
)
_OF_SERIES: Final = Link(
    "Dashboard of the service",
    "/d/serinus-services?${__url_time_range}"
    "&var-namespace=${__field.labels.namespace}&var-service=${__field.labels.llmservice}",
)


def rows() -> tuple[Row, ...]:
    """All rows."""
    return (
        Row("All services", (*_totals(), _table())),
        Row("Verdicts", _verdicts()),
        Row("Budgets", _budgets()),
        Row("Requests", _requests()),
        Row("Spend", _spend()),
    )


def _served(series: str) -> str:
    """What the services' own pods say: a second observer counts the same requests again."""
    return fleet(series, OWN)


def _first_token() -> str:
    """What users wait for; what a probe waited for in its newest run is no state of now."""
    return fleet(_FIRST_TOKEN, OWN, Matcher(SOURCE, PROBE, Op.NOT_EQUAL))


def _phases() -> str:
    return f"max {_each('phase')} ({fleet('serinus_rollout_phase')})"


def _each(*more: str) -> str:
    return f"by ({', '.join(('namespace', 'llmservice', *more))})"


def _stat(title: str, description: str, query: Query, unit: str, *steps: tuple[float, str]) -> Panel:
    return Panel(
        title=title,
        description=description,
        queries=(query,),
        unit=unit,
        look=Look.NUMBER,
        width=6,
        height=5,
        steps=steps or ((0, PLAIN),),
    )


def _totals() -> tuple[Panel, ...]:
    firing = f"count (group by (namespace, llmservice, alertname) ({_FIRING})) or vector(0)"
    spend = f"{_DAY} * sum ({_served(COST)})"
    return (
        _stat("Services", "LLMServices by phase.", Query(f"count by (phase) ({_phases()} == 1)", "{{phase}}"), "short"),
        _stat("Requests a second", "Of all services.", Query(f"sum ({_served(_FINISHED)})", "requests"), "reqps"),
        _stat("Alerts that fire", "Of all services.", Query(firing, "alerts"), "short", (0, GOOD), (1, BAD)),
        _stat("Spend a day", "USD a day at the rate of now, at the price book.", Query(spend, "USD"), "currencyUSD"),
    )


def _table() -> Panel:
    columns = (
        ("C", "Requests", "reqps", f"sum {_each()} ({_served(_FINISHED)})"),
        ("D", "Errors", "percentunit", f"max {_each()} ({_served(ERROR_RATIO)})"),
        ("E", "First token p95", "s", f"max {_each()} ({_first_token()})"),
        ("F", "Budget left", "percentunit", f"min {_each()} ({fleet(BUDGET)})"),
        ("G", "USD a day", "currencyUSD", f"{_DAY} * sum {_each()} ({_served(COST)})"),
    )
    info = f"max {_each('model', 'runtime', 'stable', 'canary')} ({fleet('serinus_service_info')})"
    return Panel(
        title="Every service",
        description="Phase, revisions and how it goes now; a click on a service opens its dashboard.",
        queries=(Query(info), Query(f"{_phases()} == 1"), *(Query(expr) for *_, expr in columns)),
        unit="short",
        look=Look.TABLE,
        width=24,
        height=10,
        columns=(
            Column("llmservice", "Service", link=_SERVICE),
            *(Column(f"Value #{letter}", title, unit) for letter, title, unit, _ in columns),
        ),
        hidden=("Value #A", "Value #B"),
        first=("namespace", "llmservice", "phase", "model", "runtime", "stable", "canary"),
    )


def _verdicts() -> tuple[Panel, ...]:
    verdict = f"max by (namespace, llmservice, gate, verdict) ({fleet('serinus_gate_verdict')}) == 1"
    held = f"max by (namespace, llmservice, reason) ({fleet('serinus_rollout_held')}) == 1"
    passed = f"min {_each()} ({fleet('llm:probe_pass:ratio')})"
    return (
        Panel(
            title="Verdicts of rollouts that go on",
            description="Verdict of the newest run of each gate, while a rollout goes on.",
            queries=(Query(verdict),),
            unit="none",
            look=Look.TABLE,
            hidden=("Value",),
            columns=(Column("llmservice", "Service", link=_SERVICE),),
        ),
        Panel(
            title="Rollouts that are held",
            description="Services whose rollout waits, and why.",
            queries=(Query(held),),
            unit="none",
            look=Look.TABLE,
            hidden=("Value",),
            columns=(Column("llmservice", "Service", link=_SERVICE),),
        ),
        Panel(
            title="Rollouts by outcome",
            description="Rollouts that ended within the time that is looked at.",
            queries=(
                Query(f"sum by (outcome) (increase({fleet('serinus_rollouts_total')}[$__range]))", "{{outcome}}"),
            ),
            unit="short",
            look=Look.BARS,
            steps=((0, PLAIN),),
        ),
        Panel(
            title="Services by phase",
            description="How many services are in which phase.",
            queries=(Query(f"sum by (phase) ({_phases()})", "{{phase}}"),),
            unit="short",
            width=12,
            least=0,
            stacked=True,
        ),
        Panel(
            title="Worst answers",
            description="Ten services with the smallest share of probes that pass, in the newest run of any gate.",
            queries=(Query(f"bottomk(10, {passed})", _NAME),),
            unit="percentunit",
            width=12,
            least=0,
            most=1,
            links=(_OF_SERIES,),
        ),
    )


def _budgets() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Least error budget",
            description="Twenty objectives with the least of their error budget left; below 0 it is overspent.",
            queries=(Query(f"bottomk(20, {fleet(BUDGET)})", f"{_NAME} {{{{slo}}}}"),),
            unit="percentunit",
            look=Look.BARS,
            width=12,
            most=1,
            steps=((0, BAD), (0.1, FAIR), (0.5, GOOD)),
            links=(_OF_SERIES,),
        ),
        Panel(
            title="Fastest burn",
            description="Ten objectives that spent their budget fastest in an hour; 1 spends it in its window.",
            queries=(Query(f"topk(10, {_burn()})", f"{_NAME} {{{{slo}}}}"),),
            unit="short",
            width=12,
            least=0,
            links=(_OF_SERIES,),
        ),
    )


def _burn() -> str:
    each = _each("slo")
    allowed = f"(1 - max {each} ({fleet('serinus_slo_objective')}))"
    return f"max {each} ({fleet(ratio('1h'))}) / {allowed}"


def _requests() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Busiest services",
            description="Twenty services with the most requests per second.",
            queries=(Query(f"topk(20, sum {_each()} ({_served(_FINISHED)}))", _NAME),),
            unit="reqps",
            least=0,
            links=(_OF_SERIES,),
        ),
        Panel(
            title="Most errors",
            description="Ten services with the largest share of requests that fail by a fault of the server.",
            queries=(Query(f"topk(10, max {_each()} ({_served(ERROR_RATIO)}))", _NAME),),
            unit="percentunit",
            least=0,
            links=(_OF_SERIES,),
        ),
        Panel(
            title="Slowest first tokens",
            description="Ten services with the longest time to the first token, 95th percentile.",
            queries=(Query(f"topk(10, max {_each()} ({_first_token()}))", _NAME),),
            unit="s",
            least=0,
            links=(_OF_SERIES,),
        ),
    )


def _spend() -> tuple[Panel, ...]:
    cost = _served(COST)
    return (
        Panel(
            title="Spend a day by service",
            description="USD a day at the rate of now, of the twenty dearest services.",
            queries=(Query(f"topk(20, {_DAY} * sum {_each()} ({cost}))", _NAME),),
            unit="currencyUSD",
            least=0,
            stacked=True,
            links=(_OF_SERIES,),
        ),
        Panel(
            title="Spend in 30 days by model",
            description="USD in 30 days if it goes on as in the time that is looked at.",
            queries=(Query(f"{_MONTH} * sum by (model) (avg_over_time({cost}[$__range]))", "{{model}}"),),
            unit="currencyUSD",
            look=Look.BARS,
            steps=((0, PLAIN),),
        ),
        Panel(
            title="Tokens that nobody has priced",
            description="Tokens per second by model that the price book does not know: they are in no cost.",
            queries=(Query(f"sum by (model) ({_served(UNPRICED_TOKENS)})", "{{model}}"),),
            unit="suffix: tok/s",
            least=0,
            steps=((0, GOOD), (0.001, FAIR)),
        ),
    )
