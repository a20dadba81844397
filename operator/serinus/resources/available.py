"""Which recorded series there are of one service: what its alerts and objectives can be about. It makes no rule."""

from collections.abc import Iterator

from serinus.core.signals import (
    COST,
    COST_PER_REQUEST,
    LOG_ERRORS,
    PROBE_SCORE,
    PROBES_PASSED,
    UNPRICED_TOKENS,
    VOCABULARY,
)
from serinus.resources.context import Context
from serinus.resources.signal_rules import attached_rules, series

_ALWAYS = frozenset({PROBES_PASSED, PROBE_SCORE, LOG_ERRORS})
_TOKENS = frozenset(VOCABULARY[f"{kind}_tokens"].series for kind in ("prompt", "generated"))


def recorded(context: Context) -> frozenset[str]:
    """What the service's own pods show, and second observers that are set: they see the same requests again."""
    found = own(context) | frozenset(_observed(context))
    return found | frozenset(_costs(context, found))


def own(context: Context) -> frozenset[str]:
    """Series of the service's runtime, of its probes and logs, and of cost if there are prices."""
    found = series(context.service.runtime) | _ALWAYS
    return found | frozenset(_costs(context, found))


def _observed(context: Context) -> Iterator[str]:
    for name in context.settings.observers:
        if name in context.runtimes:
            yield from (rule.record for rule in attached_rules(context.runtimes[name]))


def _costs(context: Context, found: frozenset[str]) -> Iterator[str]:
    """Without any price nobody counts cost; with some, a model that has none is a series of its own."""
    prices = context.settings.prices
    if prices and found >= _TOKENS:
        yield UNPRICED_TOKENS
        if context.service.model in prices:
            yield COST
            if VOCABULARY["requests_finished"].series in found:
                yield COST_PER_REQUEST
