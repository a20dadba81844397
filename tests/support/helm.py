"""Owns the calls of the real Helm that tests make.

It must not know a chart's content.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.binaries import ensure

CHART = Path(__file__).parents[2] / "charts" / "serinus"
Manifest = dict[str, Any]


class HelmError(AssertionError):
    """Helm refused; the message is what it said."""


def run(*arguments: str) -> str:
    """Run Helm with folders of its own, so that nothing of the machine's user counts; return its standard output."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home}
        command = [str(ensure("helm")), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HelmError(f"helm {arguments[0]}: {done.stderr.strip()}\n{done.stdout.strip()}")
    return done.stdout


def template(
    values: Mapping[str, Any], *, chart: Path = CHART, namespace: str = "ops", release: str = "canary"
) -> list[Manifest]:
    """Render the chart with these values as a release in a namespace; return the objects."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        text = run("template", release, str(chart), "--namespace", namespace, "--values", file.name)
    return [item for item in yaml.safe_load_all(text) if item]


def only(objects: list[Manifest], kind: str) -> Manifest:
    """Return the one object of a kind."""
    found = [item for item in objects if item["kind"] == kind]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]
