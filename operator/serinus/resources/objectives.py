"""The rules of a service's objectives: what counts, the part that was bad over each window, the budget that is left.

It owns these expressions and decides which objectives a runtime can count. Alerts over them are data (`alert-rules/`).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from serinus.core.conditions import Problem
from serinus.core.model import Manifest, Service
from serinus.core.promql import Duration, Matcher, Op, check, number, quote, require_matchers, scope, selector
from serinus.core.signals import COST_PER_REQUEST, NOT_THE_SERVERS_FAULT, SOURCE, VOCABULARY
from serinus.core.slo import AVAILABILITY, COST, LATENCIES, QUALITY, STEP, Burn, Slo, is_edge, nearest, sets_edges
from serinus.resources.available import own
from serinus.resources.context import Context

REQUESTS: Final = "llm:slo_requests:rate5m"
ERRORS: Final = "llm:slo_errors:rate5m"
LIMIT: Final = "llm:slo_error:limit"
"""The part of bad requests from which a budget burns too fast over a burn rate's long window; over the objective's own
window it is the budget. Recorded constants: what rests on them does not need the operator."""
BUDGET: Final = "llm:slo_error_budget:remaining"
FAST_WINDOWS: Final = ("5m", "30m", "1h", "6h")
SLOW_WINDOWS: Final = ("2h", "1d", "3d")
FAST_GROUP: Final = "objectives"
SLOW_GROUP: Final = "objectives-slow"
FAST_INTERVAL: Final = Duration(STEP * 1000).text
SLOW_INTERVAL: Final = "5m"
"""Windows of hours and days move slowly, and reading them is what costs."""

_BY: Final = "by (namespace, llmservice)"
_ON: Final = "on (namespace, llmservice, slo)"
_ANSWERS: Final = "serinus_probe_answers_total"


def ratio(window: str) -> str:
    """Name of the series with the part that was bad over a window, 0 to 1."""
    return f"llm:slo_error:ratio{window}"


def countable(context: Context) -> tuple[Slo, ...]:
    """The objectives that can be counted for the service."""
    return tuple(slo for slo in context.service.slos if problem(context, slo) is None)


def problems(context: Context) -> tuple[Problem, ...]:
    """Why objectives are missing, in the order of the spec."""
    found = (problem(context, slo) for slo in context.service.slos)
    return tuple(p for p in found if p is not None)


def problem(context: Context, slo: Slo) -> Problem | None:
    """Why one objective cannot be generated, if so."""
    service = context.service
    missing = sorted(_inputs(service, slo) - own(context))
    if missing:
        title, names = service.runtime.title, ", ".join(missing)
        allowed = "allowed is a signal that is recorded for this service"
        message = f"{slo.path}.signal: found {slo.signal}, for which {title} has no {names}; {allowed}"
        return Problem("SignalNotAvailable", message)
    if slo.signal == QUALITY and slo.threshold is not None:
        found = f"{slo.path}.thresholdPercent: found {number(slo.threshold)}"
        return Problem("ThresholdNotSupported", f"{found}, allowed is none: probe answers are counted as passed or not")
    return _edge_problem(service, slo) if slo.signal in LATENCIES else None


def _edge_problem(service: Service, slo: Slo) -> Problem | None:
    """A histogram can tell only whether a request was below one of its edges."""
    signal, threshold = service.runtime.signals[slo.signal], slo.threshold or Decimal(0)
    template = service.workload.template if service.workload else {}
    if is_edge(threshold, signal.buckets) or sets_edges(template, signal.buckets_flag):
        return None
    edges = " and ".join(f"{edge:g}s" for edge in nearest(threshold, signal.buckets)) or "not known"
    flag = signal.buckets_flag
    change = f"; {flag} of {service.runtime.title} sets others" if flag else f"; {service.runtime.title} has no others"
    message = (
        f"{slo.path}.thresholdDuration: found {number(threshold)}s, allowed is an edge of the runtime's histogram of "
        f"{slo.signal}, the nearest are {edges}{change}"
    )
    return Problem("ThresholdNotABucketEdge", message)


def _inputs(service: Service, slo: Slo) -> frozenset[str]:
    """The recorded series that an objective is counted from."""
    if slo.signal in LATENCIES:
        return frozenset({_buckets(slo)})
    if slo.signal == AVAILABILITY:
        return frozenset({VOCABULARY["request_errors"].series, _requests_series(service)})
    if slo.signal == COST:
        return frozenset({COST_PER_REQUEST, _requests_series(service)})
    return frozenset()


def _requests_series(service: Service) -> str:
    arrived = VOCABULARY["requests_arrived"].series
    return arrived if "requests_arrived" in service.runtime.signals else VOCABULARY["requests_finished"].series


def fast_rules(service: Service, slos: Sequence[Slo], burns: Iterable[Burn]) -> list[Manifest]:
    """Recording rules that are evaluated every STEP seconds; `slos` is not empty."""
    counts = [rule for slo in slos for rule in _counts(service, slo)]
    return [_limits(service, slos, tuple(burns)), *counts, *(_ratio(service, window) for window in FAST_WINDOWS)]


def slow_rules(service: Service, slos: Iterable[Slo]) -> list[Manifest]:
    """Recording rules over long windows, and what is left of each budget: 1 all of it, 0 nothing, below 0 overspent."""
    windows = sorted({slo.window for slo in slos})
    return [*(_ratio(service, window) for window in SLOW_WINDOWS), _budget(service, windows)]


def _limits(service: Service, slos: Iterable[Slo], burns: Iterable[Burn]) -> Manifest:
    """All constants in one rule: one for each objective and window would be most of a service's rules."""
    found = {(slo.name, burn.long): burn.limit(slo) for slo in slos for burn in burns}
    found |= {(slo.name, str(slo.window)): slo.budget for slo in slos}
    expr = " or ".join(
        _labelled(_labelled(f"vector({number(limit)})", "slo", name), "window", window)
        for (name, window), limit in found.items()
    )
    check(expr)
    labels = {"namespace": service.namespace, "llmservice": service.name}
    return {"record": LIMIT, "expr": expr, "labels": labels}


def _labelled(expr: str, label: str, value: str) -> str:
    """`$` would begin the name of a group in label_replace."""
    return f'label_replace({expr}, "{label}", {quote(value.replace("$", "$$"))}, "", "")'


def _counts(service: Service, slo: Slo) -> list[Manifest]:
    if slo.signal in LATENCIES:
        requests, errors = _latency(service, slo)
    elif slo.signal == AVAILABILITY:
        requests, errors = _availability(service)
    elif slo.signal == COST:
        requests, errors = _cost(service, slo)
    else:
        requests, errors = _quality(service)
    labels = {"slo": slo.name}
    return [_rule(service, REQUESTS, requests, labels), _rule(service, ERRORS, errors, labels)]


def _rule(service: Service, record: str, expr: str, labels: dict[str, str]) -> Manifest:
    require_matchers(check(expr), scope(service.namespace, service.name))
    return {"record": record, "expr": expr} | ({"labels": labels} if labels else {})


def _own(service: Service, name: str, *matchers: Matcher) -> str:
    """What the service's own pods say: a second observer counts the same requests again."""
    own = Matcher(SOURCE, service.runtime.source), Matcher("revision", "", Op.NOT_EQUAL)
    return selector(name, (*scope(service.namespace, service.name), *own, *matchers))


def _buckets(slo: Slo) -> str:
    return f"{VOCABULARY[slo.signal].series}_bucket:rate5m"


def _latency(service: Service, slo: Slo) -> tuple[str, str]:
    total = f"sum {_BY} ({_own(service, _buckets(slo), Matcher('le', '+Inf'))})"
    good = f"sum {_BY} ({_own(service, _buckets(slo), _le(slo.threshold or Decimal(0)))})"
    return total, f"{total} - {good}"


def _le(threshold: Decimal) -> Matcher:
    """An edge as any client library writes it: a whole number with `.0` or without."""
    text = number(threshold)
    return Matcher("le", text) if "." in text else Matcher("le", rf"{text}(\.0)?", Op.REGEX)


def _requests(service: Service, by: str) -> str:
    return f"sum {by} ({_own(service, _requests_series(service))})"


def _availability(service: Service) -> tuple[str, str]:
    others = Matcher("error_class", "|".join(NOT_THE_SERVERS_FAULT), Op.NOT_REGEX)
    return _requests(service, _BY), f"sum {_BY} ({_own(service, VOCABULARY['request_errors'].series, others)})"


def _cost(service: Service, slo: Slo) -> tuple[str, str]:
    """A request is as dear as the mean of its revision in these five minutes; unpriced ones do not count."""
    each = "by (namespace, llmservice, revision)"
    requests, cost = _requests(service, each), f"max {each} ({_own(service, COST_PER_REQUEST)})"
    limit = number(slo.threshold or Decimal(0))
    return f"sum {_BY} ({requests} and {cost})", f"sum {_BY} ({requests} * ({cost} > bool {limit}))"


def _quality(service: Service) -> tuple[str, str]:
    every = selector(_ANSWERS, scope(service.namespace, service.name))
    failed = selector(_ANSWERS, (*scope(service.namespace, service.name), Matcher("pass", "false")))
    answers = f"sum {_BY} (rate({every}[5m]))"
    return answers, f"sum {_BY} (rate({failed}[5m])) or 0 * {answers}"


def _ratio(service: Service, window: str) -> Manifest:
    """Of all objectives at once: sums over the samples of a rate are in proportion to counts, at any time of day."""
    errors, requests = (selector(n, scope(service.namespace, service.name)) for n in (ERRORS, REQUESTS))
    if window == "5m":
        return _rule(service, ratio(window), f"clamp_max({errors} / ({requests} > 0), 1)", {})
    over = f"sum_over_time({errors}[{window}]) / (sum_over_time({requests}[{window}]) > 0)"
    return _rule(service, ratio(window), f"clamp_max({over}, 1)", {})


def _budget(service: Service, windows: Iterable[str]) -> Manifest:
    """Of all objectives: the limit over their own window is their budget, and none has one over another's."""
    own = scope(service.namespace, service.name)
    left = []
    for window in windows:
        errors, requests = (f"sum_over_time({selector(n, own)}[{window}])" for n in (ERRORS, REQUESTS))
        budget = selector(LIMIT, (*own, Matcher("window", window)))
        left.append(f"1 - {errors} / ({requests} > 0) / {_ON} {budget}")
    return _rule(service, BUDGET, " or ".join(left), {})
