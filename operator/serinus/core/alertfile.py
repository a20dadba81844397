"""From the data of `alert-rules/*.yaml` to an AlertGroup; every expression is tried on an example service.

It reads no file and knows no service; what is not known is refused.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from serinus.core.alert import Alert, AlertGroup, Needs, Severity, Threshold, Unit, parse_threshold
from serinus.core.datafile import choice, matching, only, reading, texts, typed
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import Matcher, Op, parse_duration, parse_number, scope
from serinus.core.slo import MIN_EVENTS, SLO_SIGNALS, SPAN, STEP, Burn
from serinus.core.template import Value, placeholders, substitute

_GROUP: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ALERT: Final = re.compile(r"LLM[A-Za-z0-9]{1,77}")
_SECTION: Final = re.compile(r"[a-z0-9-]+")
_KEYS: Final = ("burn", "needs", "gates", "shared", "coveredBy")
_WORDS: Final = ("summary", "description", "runbook")
_TEXTS: Final = frozenset({"namespace", "name", "model", "team", "for"})
_BURN_TEXTS: Final = frozenset({"slo", "objective", "long"})
_PROMETHEUS: Final = frozenset({"labels", "value"})
_EXAMPLE: Final = scope("namespace", "service")
EVERY_SERVICE: Final = (Matcher("llmservice", "", Op.NOT_EQUAL),)
"""What takes the place of one service in a rule for all."""


def parse_alerts(data: object, file: str) -> AlertGroup:
    """Parse a group of alerts; raises InvalidCatalogue."""
    return reading(file, lambda: _group(Fields(data, "")))


def expression(alert: Alert, threshold: Threshold | None, service: tuple[Matcher, ...]) -> str:
    """The alert's expression for one service; raises InvalidQuery."""
    values: Mapping[str, Value] = {"service": service} | ({"threshold": threshold.value} if threshold else {})
    return substitute(alert.expr, values)


def burn_expression(alert: Alert, service: tuple[Matcher, ...]) -> str:
    """The expression of a burn-rate alert for all objectives of one service; raises InvalidQuery."""
    values: Mapping[str, Value] = {"service": service, "least": Decimal(MIN_EVENTS), "step": Decimal(STEP)}
    return substitute(alert.expr, values)


def _group(fields: Fields) -> AlertGroup:
    only(fields, "group", "interval", "alerts")
    alerts = tuple(_alert(a) for a in fields.items("alerts"))
    if not alerts:
        raise InvalidSpec(fields.at("alerts"), "is required, allowed is a list of alerts")
    interval = typed(fields.at("interval"), lambda: parse_duration(fields.text("interval", "0s")))
    return AlertGroup(
        name=matching(fields, "group", _GROUP), alerts=alerts, interval=interval if interval.milliseconds else None
    )


def _alert(fields: Fields) -> Alert:
    only(fields, "name", "expr", "for", "severity", "threshold", *_KEYS, *_WORDS)
    alert = Alert(
        name=matching(fields, "name", _ALERT),
        expr=fields.text("expr").strip(),
        hold=typed(fields.at("for"), lambda: parse_duration(fields.text("for"))),
        severity=Severity(choice(fields, "severity", tuple(Severity))),
        threshold=_threshold(fields) if fields.has("threshold") else None,
        summary=fields.text("summary").strip(),
        description=fields.text("description").strip(),
        runbook=matching(fields, "runbook", _SECTION),
        burn=_burn(fields.child("burn")) if fields.has("burn") else None,
        needs=Needs(choice(fields, "needs", tuple(Needs))) if fields.has("needs") else None,
        gates=fields.boolean("gates", default=False),
        shared=fields.boolean("shared", default=False),
        covered_by=texts(fields, "coveredBy"),
    )
    _check_kind(alert, fields)
    _check_expression(alert, fields.at("expr"))
    for key, text in (("summary", alert.summary), ("description", alert.description)):
        _check_text(text, fields.at(key), alert)
    return alert


def _burn(fields: Fields) -> Burn:
    only(fields, "short", "long", "budgetPercent")
    percent = typed(fields.at("budgetPercent"), lambda: parse_number(str(fields.raw.get("budgetPercent"))))
    return Burn(short=matching(fields, "short", SPAN), long=matching(fields, "long", SPAN), budget_percent=percent)


def _check_kind(alert: Alert, fields: Fields) -> None:
    if alert.burn and alert.threshold:
        raise InvalidSpec(fields.at("threshold"), "found with burn, allowed is one of both: an objective has the limit")
    if alert.burn and alert.shared:
        raise InvalidSpec(
            fields.at("shared"), "found with burn, allowed is one of both: objectives are a service's own"
        )
    if alert.burn and f'window="{alert.burn.long}"' not in alert.expr:
        raise InvalidSpec(fields.at("expr"), f'found no window="{alert.burn.long}", allowed is the limit of burn.long')
    for i, signal in enumerate(alert.covered_by):
        if signal not in SLO_SIGNALS:
            path = f"{fields.at('coveredBy')}[{i}]"
            raise InvalidSpec(path, f"found {signal!r}, allowed are {', '.join(SLO_SIGNALS)}")


def _check_expression(alert: Alert, path: str) -> None:
    used, wanted = placeholders(alert.expr), _wanted(alert)
    if used != wanted:
        found = ", ".join(f"${p}" for p in sorted(used)) or "none"
        raise InvalidSpec(path, f"found placeholders {found}, allowed are exactly ${', $'.join(sorted(wanted))}")
    if alert.burn:
        typed(path, lambda: burn_expression(alert, _EXAMPLE))
        return
    typed(path, lambda: expression(alert, alert.threshold, _EXAMPLE))
    if alert.shared:
        typed(path, lambda: expression(alert, alert.threshold, EVERY_SERVICE))


def _wanted(alert: Alert) -> set[str]:
    if alert.burn:
        return {"service", "least", "step"}
    return {"service", "threshold"} if alert.threshold else {"service"}


def _check_text(text: str, path: str, alert: Alert) -> None:
    allowed = _TEXTS | ({"threshold"} if alert.threshold else set()) | (_BURN_TEXTS if alert.burn else set())
    allowed -= {"model"} if alert.shared else set()
    if unknown := placeholders(text) - allowed - _PROMETHEUS:
        raise InvalidSpec(path, f"found ${min(unknown)}, allowed are ${', $'.join(sorted(allowed))}")


def _threshold(fields: Fields) -> Threshold:
    found = fields.child("threshold")
    only(found, *Unit)
    if len(found.raw) != 1:
        raise InvalidSpec(found.path, f"found {len(found.raw)} units, allowed is one of {', '.join(Unit)}")
    [unit] = found.raw
    return typed(found.at(unit), lambda: parse_threshold(Unit(unit), str(found.raw[unit])))
