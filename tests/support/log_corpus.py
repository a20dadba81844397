"""The corpus of log lines with planted secrets, and services that would have written them. It judges nothing."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from serinus.core.logs import Profile
from serinus.core.model import Service
from serinus.core.parse import parse
from serinus.core.runtime import Catalogue, LogFormat
from serinus.shell.catalogue import RUNTIMES, load

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples" / "logs"
NAMES = tuple(sorted(path.stem for path in SAMPLES.glob("*.log")))
PARSERS = {"json": LogFormat.JSON, "logfmt": LogFormat.LOGFMT}


@cache
def _catalogue() -> Catalogue:
    return load(RUNTIMES, ROOT / "alert-rules").runtimes


def lines(name: str) -> list[str]:
    """The lines of one corpus."""
    return (SAMPLES / f"{name}.log").read_text(encoding="utf-8").splitlines()


def planted() -> list[str]:
    """Every text that no stored line may hold."""
    return (SAMPLES / "planted.txt").read_text(encoding="utf-8").splitlines()


def harmless(name: str) -> list[str]:
    """The lines of a corpus in which nothing is planted."""
    secrets = planted()
    return [line for line in lines(name) if not any(secret in line for secret in secrets)]


def profile(name: str, **changes: Any) -> Profile:
    """The profile by which a corpus is read."""
    return Profile(parser=PARSERS.get(name, LogFormat.TEXT), **changes)


def service(name: str, **logs: Any) -> Service:
    """A service that writes a corpus, with fields of spec.monitoring.logs."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "examples" / "vllm.yaml").read_text(encoding="utf-8"))
    body = copy.deepcopy(next(d for d in documents if d["kind"] == "LLMService"))
    body["metadata"] |= {"name": name, "namespace": "team-a"}
    monitoring = body["spec"].setdefault("monitoring", {})
    monitoring["logs"] = {"parser": str(PARSERS.get(name, LogFormat.TEXT)), **logs}
    monitoring["outputs"] = {"lokiRules": True}
    return parse(body, _catalogue())
