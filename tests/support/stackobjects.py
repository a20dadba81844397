"""Owns the objects that the stack gives a cluster for Prometheus and Alertmanager, those of the real chart among them.

Our own templates are rendered at each call. What kube-prometheus-stack makes of our values is a record, written by
`python -m tests.support.stackobjects <folder with the real charts>` to `tests/samples/stack-objects.yaml`; a record of
other values than those of today is refused. It must not change an object.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support import stackcharts
from tests.support.helm import Manifest, template

RECORD = stackcharts.RECORD.with_name("stack-objects.yaml")
RELEASE, NAMESPACE, CHART = "serinus", "monitoring", "kube-prometheus-stack"
PROFILE, WITH_GRAFANA = "minimal", "quality"
KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Service", "Prometheus", "Alertmanager")
NAMES = ("serinus-monitoring-prometheus", "serinus-monitoring-alertmanager")
SIDECAR = "grafana-sc-dashboard"

Values = Mapping[str, Any]


class StaleRecordError(ValueError):
    """The record was made with other values than those of the chart."""


def values(profile: str) -> dict[str, Any]:
    """Return the values of a profile's file."""
    text = (stackcharts.STACK / "profiles" / f"{profile}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


@cache
def record() -> dict[str, Any]:
    """Return what the real chart made: `version`, `values` and `objects` of a profile, `sidecar` with its values."""
    return dict(yaml.safe_load(RECORD.read_text(encoding="utf-8")))


def objects(alerting: Values) -> list[Manifest]:
    """Return the stack's objects without the operator, with these values of `alerting`.

    StaleRecordError when the chart gives kube-prometheus-stack other values than those that the record was made with.
    """
    rendered = _rendered(PROFILE, alerting)
    found = record()
    _refuse_stale(found, PROFILE, found["values"], _passed(rendered))
    ours = [o for o in rendered if o["kind"] == "Secret"]
    return [*ours, *found["objects"]]


def operator_values() -> dict[str, Any]:
    """Return the values that the stack gives the operator's chart in its profile, as Helm joins them."""
    defaults = stackcharts.value_files()["values.yaml"]
    return joined(defaults["serinus"], values(PROFILE).get("serinus", {}))


def sidecar() -> dict[str, str]:
    """Return what Grafana's sidecar is told of dashboards: LABEL, LABEL_VALUE, NAMESPACE, RESOURCE."""
    found = record()["sidecar"]
    _refuse_stale(record(), WITH_GRAFANA, found["values"], _passed(_rendered(WITH_GRAFANA, {})))
    return dict(found["environment"])


def joined(below: Values, above: Values) -> dict[str, Any]:
    """Join values as Helm does: objects key by key, anything else whole."""
    made = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = joined(made[key], value) if nested else value
    return made


def _refuse_stale(found: Values, profile: str, recorded: Values, today: Values) -> None:
    pinned = stackcharts.foreign()[CHART]
    if (found["version"], recorded) != (pinned, today):
        raise StaleRecordError(
            f"{RECORD.name}: made by {CHART} {found['version']} with values that profile {profile} ({pinned}) does not "
            "have today: run `python -m tests.support.stackobjects <folder with the real charts>`"
        )


def _rendered(profile: str, alerting: Values) -> list[Manifest]:
    """Render the stack as this release without the operator, with a stub in the place of each joined chart."""
    chosen = values(profile)
    chosen["components"] = {**chosen["components"], "serinus": False}
    with tempfile.TemporaryDirectory() as folder:
        chart = stackcharts.stack(Path(folder))
        return template(chosen | {"alerting": alerting}, chart=chart, namespace=NAMESPACE, release=RELEASE)


def _passed(rendered: list[Manifest]) -> dict[str, Any]:
    """Return the values that reach kube-prometheus-stack, as its stub shows them."""
    stub = next(o for o in rendered if o["metadata"]["name"] == f"stub-{CHART}")
    return dict(json.loads(stub["data"]["values"]))


def _of_real(folder: Path, given: Values) -> list[Manifest]:
    return template(given, chart=folder / CHART, namespace=NAMESPACE, release=RELEASE)


def _kept(made: list[Manifest]) -> Iterator[Manifest]:
    for kind in KINDS:
        yield from (o for o in made if o["kind"] == kind and o["metadata"]["name"] in NAMES)


def _environment(made: list[Manifest]) -> dict[str, str]:
    pods = (o["spec"]["template"]["spec"] for o in made if o["kind"] == "Deployment")
    told = next(c["env"] for pod in pods for c in pod["containers"] if c["name"] == SIDECAR)
    return {e["name"]: e["value"] for e in told if e["name"] in ("LABEL", "LABEL_VALUE", "NAMESPACE", "RESOURCE")}


def main(folder: Path) -> None:
    """Render the real chart and write the record."""
    given, drawn = _passed(_rendered(PROFILE, {})), _passed(_rendered(WITH_GRAFANA, {}))
    found = {
        "version": yaml.safe_load((folder / CHART / "Chart.yaml").read_text(encoding="utf-8"))["version"],
        "values": given,
        "objects": list(_kept(_of_real(folder, given))),
        "sidecar": {"values": drawn, "environment": _environment(_of_real(folder, drawn))},
    }
    head = "# Written by `python -m tests.support.stackobjects <folder with the real charts>`.\n"
    RECORD.write_text(head + yaml.safe_dump(found, sort_keys=True, width=120), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
