"""Renders every example through the builders, as the text of the golden files.

It owns which file has what. A new kind is a row in KINDS; a new example is a file in manifests/examples.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from serinus.cli.context import probe_sets, surroundings
from serinus.cli.documents import read
from serinus.core.catalogue import Library
from serinus.core.model import Manifest, Service
from serinus.core.parse import parse
from serinus.core.prices import parse_prices
from serinus.resources import prometheus_rule, service_monitor, service_rules, shared_alerts, signal_rules
from serinus.resources.context import Context, Settings
from serinus.shell.catalogue import RUNTIMES, load
from serinus.steady import plan_steady
from tests.golden import guards, outputs

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "manifests" / "examples"
EXPECTED = Path(__file__).parent / "expected"
SHARED = "shared"
"""Folder of the goldens that belong to no example."""
SETTINGS = Settings(
    probe_image="ghcr.io/serinus-dev/serinus@sha256:" + "0" * 64,
    monitor_labels={"release": "monitoring"},
    runbook_base="https://serinus.dev/docs/runbooks",
    dashboard_base="https://grafana.example.com/d/serinus-services",
)


@cache
def library() -> Library:
    """Read the catalogue of this tree."""
    return load(RUNTIMES, ROOT / "alert-rules")


def documents(name: str) -> list[Manifest]:
    """Read every object of an example."""
    return list(yaml.safe_load_all((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")))


def service(name: str) -> Service:
    """Parse the LLMService of an example."""
    return parse(body(name), library().runtimes)


def body(name: str) -> Manifest:
    """Find the LLMService of an example."""
    return next(d for d in documents(name) if d["kind"] == "LLMService")


def context(name: str) -> Context:
    """Make the context of an example's service, before any revision exists."""
    return Context(service=service(name), settings=SETTINGS, runtimes=library().runtimes, alerts=library().alerts)


def examples() -> list[str]:
    """Names of all examples."""
    return sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


def manifests(name: str, kind: str) -> list[Manifest]:
    """Build one kind for one example."""
    return KINDS[kind](name)


def whole(name: str) -> list[Manifest]:
    """Build everything of an example in steady state: what `serinus render` prints."""
    found = read([str(EXAMPLES / f"{name}.yaml")])
    around = surroundings(probe_image=SETTINGS.probe_image, monitor_labels=dict(SETTINGS.monitor_labels))
    service = next(d for d in found if d.kind == "LLMService")
    return list(plan_steady(service.body, around, probe_sets(found, service.namespace)).manifests)


KINDS: dict[str, Callable[[str], list[Manifest]]] = {
    "service-monitor": lambda name: service_monitor.build(context(name)),
    "prometheus-rule": lambda name: prometheus_rule.build(context(name)),
    "signal-rules": lambda name: signal_rules.build(library().runtimes[context(name).service.runtime.name], SETTINGS),
    "steady": whole,
}
"""Golden file name -> what renders it."""


def text(objects: Iterable[Manifest]) -> str:
    """Write manifests with sorted keys, each document headed by `---`."""
    plain = [json.loads(json.dumps(o)) for o in objects]  # without shared parts, which YAML would write as aliases
    return yaml.safe_dump_all(plain, sort_keys=True, explicit_start=True, width=200, allow_unicode=True)


def goldens() -> dict[Path, str]:
    """Render all golden files: path and wanted content."""
    of_services = {
        EXPECTED / name / f"{kind}.yaml": text(built)
        for name in examples()
        for kind in KINDS
        if (built := manifests(name, kind))
    }
    return of_services | {EXPECTED / SHARED / f"{name}.yaml": text(built) for name, built in shared().items()}


def shared() -> dict[str, list[Manifest]]:
    """Build what belongs to no service and no runtime of one: second observers, the operator's own series, alerts."""
    prices = parse_prices({"llama-3.1-8b": {"prompt": 0.2, "cached": 0.05, "generated": 0.8}})
    attached = [runtime for runtime in library().runtimes.values() if runtime.attaches]
    return {
        "alerts": shared_alerts.build(library().alerts, SETTINGS),
        "guards": guards.build(context("vllm")),
        **outputs.build(body("vllm"), context("vllm"), library().inhibitions),
        "services": service_rules.build(replace(SETTINGS, prices=prices)),
        **{f"observer-{r.name}": signal_rules.build_attached(r, SETTINGS) for r in attached},
    }


def differences(wanted: dict[Path, str], folder: Path) -> list[str]:
    """One line for each golden that is missing, stale, or rendered by nothing any more."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml"))}
    lines = [f"{path.relative_to(folder)}: missing" for path in wanted if path not in found]
    lines += [f"{path.relative_to(folder)}: stale" for path in wanted if path in found and found[path] != wanted[path]]
    return lines + [f"{path.relative_to(folder)}: rendered by nothing" for path in found if path not in wanted]
