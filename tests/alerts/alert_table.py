"""The table alert x (fires, silent): how many cases of each kind an alert has, and for which runtimes it is generated.

It judges nothing: that every case holds, test_alerts and test_operator_alerts prove.
"""

from dataclasses import replace
from functools import cache

from serinus.resources import prometheus_rule
from tests.alerts import cases
from tests.alerts.test_operator_alerts import FOLDER as OPERATOR_CASES
from tests.alerts.test_operator_alerts import names as operator_names
from tests.golden import render

HEAD = ("alert", "fires", "silent", "runtimes")
NONE = ""


@cache
def rows() -> list[tuple[str, str, str, str]]:
    """One row for each alert: its name, cases that fire, cases that stay silent, runtimes that have its signals."""
    stories = cases.read()
    found = [(name, *_cases(name, stories), _runtimes(name)) for name in sorted(cases.alerts())]
    own = cases.read(OPERATOR_CASES)
    return found + [(name, *_cases(name, own), "operator") for name in sorted(operator_names())]


def lines(found: list[tuple[str, str, str, str]]) -> list[str]:
    """The table as text, with a sum."""
    widths = [max(len(cell) for cell in column) for column in zip(HEAD, *found, strict=True)]
    text = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in (HEAD, *found)]
    fires, silent = (sum(int(row[i] or 0) for row in found) for i in (1, 2))
    return [*text, f"{len(found)} alerts: {fires} cases fire, {silent} stay silent"]


def _cases(name: str, found: list[cases.Case]) -> tuple[str, str]:
    counts = [sum(c.alert == name and c.fires is fires for c in found) for fires in (True, False)]
    return (str(counts[0]) if counts[0] else NONE, str(counts[1]) if counts[1] else NONE)


@cache
def _unavailable() -> dict[str, frozenset[str]]:
    """By runtime: alerts that a service of it does not have, with gateway, devices and prices."""
    plain = cases.context()
    runtimes = {n: r for n, r in render.library().runtimes.items() if r.serves}
    services = {name: replace(plain.service, runtime=runtime) for name, runtime in runtimes.items()}
    return {n: prometheus_rule.unavailable_alerts(replace(plain, service=s)) for n, s in services.items()}


def _runtimes(name: str) -> str:
    lacking = sorted(runtime for runtime, alerts in _unavailable().items() if name in alerts)
    having = len(_unavailable()) - len(lacking)
    if not having:
        return "custom signals only"
    return f"all but {', '.join(lacking)}" if lacking else "all"
