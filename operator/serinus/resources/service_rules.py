"""Rules over what the operator itself and the log agents know of services: probes, prices, errors in logs.

One PrometheusRule in the operator's namespace. Prices are the operator's setting, written into the rules as numbers;
tokens without a price are a series of their own and never cost 0.
"""

from collections.abc import Iterator
from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.prices import PriceBook
from serinus.core.promql import Matcher, Op, check, number, selector
from serinus.core.signals import (
    COMMON_LABELS,
    COST,
    COST_PER_REQUEST,
    PRICE,
    PROBE,
    PROBE_SCORE,
    PROBES_PASSED,
    SERVED,
    SOURCE,
    UNPRICED_TOKENS,
    VOCABULARY,
    WINDOW,
)
from serinus.resources import log_rules
from serinus.resources.context import Settings
from serinus.resources.recording import Rule
from serinus.resources.signal_rules import shared

_BY: Final = f"by ({', '.join((*COMMON_LABELS, SOURCE))})"
_INFO: Final = "serinus_service_info"
_MILLION: Final = 1_000_000


def build(settings: Settings) -> list[Manifest]:
    """Build the object; it belongs to no service."""
    return shared(naming.service_rules(), "", rules(settings.prices), settings)


def rules(prices: PriceBook) -> tuple[Rule, ...]:
    """All rules in the order in which they are evaluated."""
    found = (_served(), *_probes(), *_prices(prices), *_costs(), log_rules.rule())
    for rule in found:
        check(rule.expr)
    return found


def _served() -> Rule:
    """Two services of one model cannot be told apart by a gateway: neither is joined."""
    of_service = f"group by (namespace, llmservice, model) ({_INFO})"
    alone = f"count by (model) (group by (namespace, llmservice, model) ({_INFO})) == 1"
    return Rule(SERVED, f"{of_service} and on (model) ({alone})")


def _probes() -> Iterator[Rule]:
    """`max by` joins what two replicas of the operator export in the moment of a hand-over."""
    yield _of_newest_run(PROBES_PASSED, "serinus_probe_pass_ratio")
    yield _of_newest_run(PROBE_SCORE, "serinus_probe_score")
    for signal in ("ttft", "itl"):
        for statistic in ("p50", "p95", "p99", "mean"):
            window = WINDOW if statistic == "mean" else f"_{WINDOW}"
            which = (Matcher("signal", signal), Matcher("statistic", statistic))
            raw = selector("serinus_probe_latency_seconds", which)
            yield _of_newest_run(f"{VOCABULARY[signal].series}:{statistic}{window}", raw)


def _of_newest_run(record: str, raw: str) -> Rule:
    whose = f"max by (namespace, llmservice, model, runtime) ({_INFO})"
    newest = f"max by (namespace, llmservice, gate, revision) ({raw})"
    expr = f"{newest} * on (namespace, llmservice) group_left (model, runtime) {whose}"
    return Rule(record, expr, ((SOURCE, PROBE),))


def _prices(prices: PriceBook) -> Iterator[Rule]:
    for model in sorted(prices):
        price = prices[model]
        for kind, usd in (("prompt", price.prompt), ("cached", price.cached), ("generated", price.generated)):
            yield Rule(PRICE, f"vector({number(usd / _MILLION)})", (("model", model), ("kind", kind)))


def _costs() -> Iterator[Rule]:
    """Tokens from a cache are part of the prompt: the rest of it has the prompt's price."""
    prompt, cached, generated = (VOCABULARY[f"{n}_tokens"].series for n in ("prompt", "cached", "generated"))
    reused = f"({cached} or 0 * {prompt})"
    tokens = (("prompt", f"clamp_min({prompt} - {reused}, 0)"), ("cached", reused), ("generated", generated))
    paid = [_labelled(f"{rate} * on (model) group_left () {_price(kind)}", kind) for kind, rate in tokens]
    yield Rule(COST, f"sum {_BY} ({' or '.join(paid)})")
    finished = f"sum {_BY} ({VOCABULARY['requests_finished'].series})"
    yield Rule(COST_PER_REQUEST, f"{COST} / ({finished} > 0)")
    counted = " or ".join(_labelled(rate, kind) for kind, rate in (("prompt", prompt), ("generated", generated)))
    yield Rule(UNPRICED_TOKENS, f"(sum {_BY} ({counted}) > 0) unless on (model) {_price('prompt')}")


def _price(kind: str) -> str:
    return selector(PRICE, (Matcher("kind", kind, Op.EQUAL),))


def _labelled(expr: str, kind: str) -> str:
    return f'label_replace({expr}, "kind", "{kind}", "", "")'
