"""From the data of `alert-rules/*.yaml` to an AlertGroup; every expression is tried on an example service.

It reads no file and knows no service; what is not known is refused.
"""

import re
from collections.abc import Mapping
from typing import Final

from serinus.core.alert import Alert, AlertGroup, Severity, Threshold, Unit, parse_threshold
from serinus.core.datafile import choice, matching, only, reading, typed
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import Matcher, parse_duration, scope
from serinus.core.template import Value, placeholders, substitute

_GROUP: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ALERT: Final = re.compile(r"LLM[A-Za-z0-9]{1,77}")
_SECTION: Final = re.compile(r"[a-z0-9-]+")
_TEXTS: Final = frozenset({"namespace", "name", "model", "team", "for"})
_PROMETHEUS: Final = frozenset({"labels", "value"})
_EXAMPLE: Final = scope("namespace", "service")


def parse_alerts(data: object, file: str) -> AlertGroup:
    """Parse a group of alerts; raises InvalidCatalogue."""
    return reading(file, lambda: _group(Fields(data, "")))


def expression(alert: Alert, threshold: Threshold | None, service: tuple[Matcher, ...]) -> str:
    """The alert's expression for one service; raises InvalidQuery."""
    values: Mapping[str, Value] = {"service": service} | ({"threshold": threshold.value} if threshold else {})
    return substitute(alert.expr, values)


def _group(fields: Fields) -> AlertGroup:
    only(fields, "group", "alerts")
    alerts = tuple(_alert(a) for a in fields.items("alerts"))
    if not alerts:
        raise InvalidSpec(fields.at("alerts"), "is required, allowed is a list of alerts")
    return AlertGroup(name=matching(fields, "group", _GROUP), alerts=alerts)


def _alert(fields: Fields) -> Alert:
    only(fields, "name", "expr", "for", "severity", "threshold", "summary", "description", "runbook")
    alert = Alert(
        name=matching(fields, "name", _ALERT),
        expr=fields.text("expr").strip(),
        hold=typed(fields.at("for"), lambda: parse_duration(fields.text("for"))),
        severity=Severity(choice(fields, "severity", tuple(Severity))),
        threshold=_threshold(fields) if fields.has("threshold") else None,
        summary=fields.text("summary").strip(),
        description=fields.text("description").strip(),
        runbook=matching(fields, "runbook", _SECTION),
    )
    _check_expression(alert, fields.at("expr"))
    for key, text in (("summary", alert.summary), ("description", alert.description)):
        _check_text(text, fields.at(key), has_threshold=alert.threshold is not None)
    return alert


def _check_expression(alert: Alert, path: str) -> None:
    used = placeholders(alert.expr)
    wanted = {"service", "threshold"} if alert.threshold else {"service"}
    if used != wanted:
        found = ", ".join(f"${p}" for p in sorted(used)) or "none"
        raise InvalidSpec(path, f"found placeholders {found}, allowed are exactly ${', $'.join(sorted(wanted))}")
    typed(path, lambda: expression(alert, alert.threshold, _EXAMPLE))


def _check_text(text: str, path: str, *, has_threshold: bool) -> None:
    allowed = _TEXTS | {"threshold"} if has_threshold else _TEXTS
    if unknown := placeholders(text) - allowed - _PROMETHEUS:
        raise InvalidSpec(path, f"found ${min(unknown)}, allowed are ${', $'.join(sorted(allowed))}")


def _threshold(fields: Fields) -> Threshold:
    found = fields.child("threshold")
    only(found, *Unit)
    if len(found.raw) != 1:
        raise InvalidSpec(found.path, f"found {len(found.raw)} units, allowed is one of {', '.join(Unit)}")
    [unit] = found.raw
    return typed(found.at(unit), lambda: parse_threshold(Unit(unit), str(found.raw[unit])))
