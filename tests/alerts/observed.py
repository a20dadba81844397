"""Which samples are scraped for a runtime, by which rules they become series, with which labels. It reckons nothing.

A file `tests/samples/<runtime>.prom` is its newest version, `<runtime>-<component>.prom` is scraped from the same pod,
any other `<runtime>-*.prom` is another version.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serinus.core.model import Manifest
from serinus.core.runtime import Runtime
from serinus.core.signals import RuntimeKind
from serinus.resources import service_rules, signal_rules
from serinus.resources.recording import Rule
from tests.alerts import promtool
from tests.alerts.oracle import Found, Rows
from tests.alerts.sample import FOLDER, TARGET, Sample, expectation
from tests.golden import render

POD = {"namespace": "models", "pod": "vllm-llama-7c9d-abcde"}
OTHER_POD = {**POD, "pod": "vllm-llama-7c9d-fghij"}
_FOREIGN = {"namespace": "gateways", "pod": "gateway-0"}


@dataclass(frozen=True)
class Observed:
    """One runtime, seen at a service's own pods or, `attached`, as a second observer."""

    runtime: Runtime
    attached: bool
    served: str = TARGET["model"]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules under test."""
        made = signal_rules.attached_rules if self.attached else signal_rules.rules
        return made(self.runtime)

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every series that is recorded."""
        own = {"runtime": self.runtime.name, "role": self.runtime.role, "source": self.runtime.source}
        if not self.attached:
            return TARGET | own
        if self.runtime.kind is RuntimeKind.DEVICE:
            pod = {k: v for k, v in TARGET.items() if k != "role"}
            return pod | {"namespace": POD["namespace"], "source": self.runtime.source}
        return {"namespace": "team-a", "llmservice": "chat", "model": self.served} | own

    def sample(self, file: str, **target: str) -> Sample:
        """A sample as it is scraped; `target` are labels of the target that differ."""
        if self.attached:
            return Sample.of(file, target=_FOREIGN | target, ours=False)
        return Sample.of(file, target={"runtime": self.runtime.name, "role": self.runtime.role} | target)

    def series(self) -> list[dict[str, str]]:
        """What is there besides the sample: the services, and the pods that have a device."""
        name = f'serinus_service_info{{namespace="team-a",llmservice="chat",model="{self.served}",runtime="vllm"}}'
        pods = [Sample("", target=pod).input_series()[0] for pod in (POD, OTHER_POD)]
        return [{"series": name, "values": "1x10"}, *(pods if self.attached else [])]

    def judge(self, samples: list[Sample], wanted: dict[str, Found], folder: Path) -> str:
        """Ask promtool; its complaint, or nothing. What is wanted has the labels besides those of every series."""
        test: dict[str, Any] = {
            "interval": "1m",
            "input_series": [*self.series(), *(series for sample in samples for series in sample.input_series())],
            "promql_expr_test": [
                expectation(name, [(self.labels | own, value) for own, value in found])
                for name, found in wanted.items()
            ],
        }
        return promtool.test(self.manifest(), [test], folder)

    def missing(self, samples: list[Sample], folder: Path) -> str:
        """Ask promtool whether every series is recorded of these samples, whatever its value; its complaint."""
        there = [{"labels": "{}", "value": 1}]
        names = sorted({rule.record for rule in self.rules})
        test: dict[str, Any] = {
            "interval": "1m",
            "input_series": [*self.series(), *(series for sample in samples for series in sample.input_series())],
            "promql_expr_test": [
                {"expr": f"count({name}) > bool 0", "eval_time": "10m", "exp_samples": there} for name in names
            ],
        }
        return promtool.test(self.manifest(), [test], folder)

    def manifest(self) -> Manifest:
        """The rules under test after those of the services."""
        [services] = service_rules.build(render.SETTINGS)
        build = signal_rules.build_attached if self.attached else signal_rules.build
        groups = [g for built in (services, *build(self.runtime, render.SETTINGS)) for g in built["spec"]["groups"]]
        return {**services, "spec": {"groups": groups}}


def reckoned(rows: Rows, sample: Sample) -> dict[str, Found]:
    """What each recorded series must be; nothing where the sample lacks the raw series."""
    found: dict[str, Found] = {}
    for series, row in rows.items():
        try:
            found[series] = row(sample)
        except KeyError:
            found[series] = []
    return found


def files(runtime: Runtime) -> list[str]:
    """Samples of a runtime, the newest first, those of its components left out."""
    parts = {f"{runtime.name}-{component.name}.prom" for component in runtime.components}
    named = [f"{stem}.prom" for stem in sorted(path.stem for path in FOLDER.glob(f"{runtime.name}*.prom"))]
    taken = [r for r in render.library().runtimes if r != runtime.name and r.startswith(f"{runtime.name}-")]
    return [
        name
        for name in named
        if name not in parts and not any(name == f"{t}.prom" or name.startswith(f"{t}-") for t in taken)
    ]
