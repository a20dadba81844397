"""The unit tests of alerts, read from `cases/<alert>.yaml`, and run by promtool.

It owns their form: `fires` and `silent`, each a list of series, a time and what is expected then. A case is data, so
that a new alert needs no Python. CHAT and LIVE stand for the labels of the service under test.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from serinus.core.alert import Alert, AlertGroup
from serinus.core.model import AlertOverride, Manifest, Monitoring, Owner, Service
from serinus.core.prices import Prices
from serinus.core.runtime import Signal, Source
from serinus.core.signals import Kind
from serinus.resources import prometheus_rule
from serinus.resources.context import Context
from tests.alerts import promtool
from tests.golden import render

FOLDER = Path(__file__).parent / "cases"
CHAT = 'namespace="team-a",llmservice="chat"'
LIVE = f'{CHAT},model="llama-3.1-8b",runtime="vllm",role="server"'
_CHAT = {"namespace": "team-a", "llmservice": "chat", "team": "search"}
_LIVE = {"model": "llama-3.1-8b", "runtime": "vllm", "role": "server"}


@dataclass(frozen=True)
class Case:
    """One story about an alert: the series, the time to look, and what must be seen."""

    alert: str
    fires: bool
    when: str
    data: dict[str, Any]

    @property
    def interval(self) -> str:
        """Time between two samples, and between two evaluations: a story of days needs few of them."""
        return str(self.data.get("interval", "1m"))

    @property
    def title(self) -> str:
        """The story in one line."""
        return f"{self.alert} {'fires' if self.fires else 'is silent'} when {self.when}"


def read(folder: Path = FOLDER) -> list[Case]:
    """Read every case of every alert."""
    cases = []
    for path in sorted(folder.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(data) == {"fires", "silent"}, f"{path.name}: found {sorted(data)}, allowed are fires and silent"
        hexadecimal = re.findall(r"(?m)[ :]0x\d.*$", path.read_text(encoding="utf-8"))
        assert not hexadecimal, f"{path.name}: found{hexadecimal[0]}, which promtool reads in base 16; allowed is 0+0x"
        for key in ("fires", "silent"):
            cases += [Case(path.stem, key == "fires", case["when"], case) for case in data[key]]
    return cases


def alerts() -> dict[str, Alert]:
    """All alerts by name."""
    return {alert.name: alert for group in render.library().alerts for alert in group.alerts}


def untested(names: set[str], cases: list[Case]) -> list[str]:
    """One line for each alert that lacks a case that fires or one that stays silent, and each case of no alert."""
    wanted = [(name, fires) for name in sorted(names) for fires in (True, False)]
    lines = [
        f"{name}: no case in which it {'fires' if fires else 'stays silent'}"
        for name, fires in wanted
        if not any(c.alert == name and c.fires is fires for c in cases)
    ]
    return lines + [f"{c.alert}: no such alert" for c in cases if c.alert not in names]


def context(service: Service | None = None) -> Context:
    """The example's service with every alert of its own at its defaults, as an operator of some namespaces makes them.

    It has observers, prices and probing, and asks for alerts that its objectives stand for: none is left out.
    """
    example = service or render.service("vllm")
    counted = {name: _counter(f"raw_{name}_total") for name in ("refusals", "retries")}
    runtime = replace(example.runtime, signals={**example.runtime.signals, **counted})
    gates = tuple(replace(gate, every=1800) for gate in example.gates)
    asked = {name: AlertOverride() for name, alert in alerts().items() if alert.covered_by}
    monitoring = Monitoring(interval="15s", overrides=asked)
    plain = replace(example, runtime=runtime, gates=gates, monitoring=monitoring, owner=Owner(team="search"))
    price = Prices(prompt=Decimal(1), cached=Decimal(1), generated=Decimal(2))
    settings = replace(render.SETTINGS, cluster_wide=False, observers=("litellm", "dcgm"), prices={plain.model: price})
    return replace(render.context("vllm"), service=plain, settings=settings)


def cluster(**monitoring: Any) -> Context:
    """The same service where an operator serves the whole cluster and shares alerts; `monitoring` as in Monitoring."""
    own = context()
    service = replace(own.service, monitoring=Monitoring(interval="15s", **monitoring))
    return replace(own, service=service, settings=replace(own.settings, cluster_wide=True))


def _counter(metric: str) -> Signal:
    return Signal(kind=Kind.COUNTER, classes={"": (Source(metrics=(metric,)),)})


def only(rule: Manifest, name: str) -> Manifest:
    """The rule object with a single alert, so that no other one can answer for it."""
    groups = [
        {**group, "rules": kept}
        for group in rule["spec"]["groups"]
        if (kept := [r for r in group["rules"] if r.get("alert") == name])
    ]
    return {**rule, "spec": {"groups": groups}}


def run(case: Case, folder: Path, *, rule: Manifest | None = None, expected: bool | None = None) -> str:
    """Run one case; return promtool's complaint, or nothing. `expected` overrules whether it fires."""
    [built] = prometheus_rule.build(context())
    fires = case.fires if expected is None else expected
    alone = only(rule or built, case.alert)
    return promtool.test(alone, [unit_test(case, fires=fires)], folder, interval=case.interval)


def unit_test(case: Case, *, fires: bool) -> dict[str, Any]:
    """A case as promtool's unit test."""
    series = [
        {"series": name.replace("LIVE", LIVE).replace("CHAT", CHAT), "values": str(values)}
        for name, values in case.data["series"].items()
    ]
    at = {"eval_time": case.data["at"], "alertname": case.alert, "exp_alerts": [_expected(case)] if fires else []}
    return {"interval": case.interval, "input_series": series, "alert_rule_test": [at]}


def _expected(case: Case) -> dict[str, Any]:
    alert = alerts()[case.alert]
    own = case.data.get("labels", {})
    live = _LIVE if case.data.get("live") else {}
    settings = render.SETTINGS
    annotations = {
        "summary": case.data.get("summary", ""),
        "description": case.data.get("description", ""),
        "runbook_url": f"{settings.runbook_base}#{alert.runbook}",
        "dashboard_url": f"{settings.dashboard_base}?var-namespace=team-a&var-service=chat",
    }
    labels = {**_CHAT, **live, "severity": alert.severity.value, **own}
    return {"exp_labels": labels, "exp_annotations": annotations}


def groups() -> tuple[AlertGroup, ...]:
    """All alert groups."""
    return render.library().alerts
