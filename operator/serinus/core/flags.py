"""Whether a pod template says what a runtime needs so that it has metrics. Reads text; it changes no template.

An argument may name a file of which nothing is known here: what may stand in it is neither found nor missing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from serinus.core.model import Service
from serinus.core.ports import declared_ports
from serinus.core.runtime import Requirement

METRICS_OFF = "MetricsOff"
"""Reason of MonitoringReady: the server exposes no metrics unless it is told to."""
_OFF = ("false", "0", "off", "no")


class Found(StrEnum):
    """What a template says of a requirement."""

    MET = "met"
    MISSING = "missing"
    HIDDEN = "hidden"  # it may stand where it cannot be seen


@dataclass(frozen=True, slots=True)
class Lack:
    """A requirement that a template does not meet, as far as can be seen."""

    requirement: Requirement
    found: Found


def lacks(service: Service) -> tuple[Lack, ...]:
    """What the runtime of a service needs, its components' where the template has their port, and is not there."""
    template = service.workload.template if service.workload else {}
    ports = {text for name, number in declared_ports(template) for text in (name, str(number))}
    wanted = list(service.runtime.requires)
    for component in service.runtime.components:
        if component.port in ports:
            wanted += component.requires
    judged = [Lack(r, _judge(r, template)) for r in wanted] if service.workload else []
    return tuple(lack for lack in judged if lack.found is not Found.MET)


def metrics_off(service: Service) -> tuple[str, ...]:
    """One message for each requirement without which there is no metric at all."""
    return tuple(
        _told(service, lack) for lack in lacks(service) if lack.found is Found.MISSING and not lack.requirement.signals
    )


def notes(service: Service) -> tuple[str, ...]:
    """One message for each requirement without which some signals are missing, or that cannot be seen."""
    return tuple(
        _told(service, lack) for lack in lacks(service) if lack.found is Found.HIDDEN or lack.requirement.signals
    )


def _told(service: Service, lack: Lack) -> str:
    need, title = lack.requirement, service.runtime.title
    what = ", ".join(need.signals) or "metrics"
    path = "spec.workload.template"
    if need.forbidden:
        return f"{path}: {title} has no {what} with {need.flag}: remove it"
    either = f" or the variable {need.env}" if need.env and need.env != need.flag else ""
    named = "the variable" if need.env == need.flag else "the argument"
    if need.files:
        named, either = "the setting", f", in the file of {' or '.join(need.files)}"
    if lack.found is Found.HIDDEN:
        return f"{path}: {title} has {what} only with {named} {need.flag}{either}, which cannot be seen from here"
    return f"{path}: {title} has no {what} without {named} {need.flag}{either}: add it"


def _judge(need: Requirement, template: dict[str, Any]) -> Found:
    containers = list(_containers(template))
    said = any(_says(container, need) for container in containers)
    if need.forbidden:
        return Found.MISSING if said else Found.MET
    if said:
        return Found.MET
    hidden = any(_hides(container, need) for container in containers)
    return Found.HIDDEN if hidden else Found.MISSING


def _containers(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = template.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    yield from (c for c in (containers if isinstance(containers, list) else []) if isinstance(c, dict))


def _words(container: dict[str, Any]) -> str:
    parts = [w for key in ("command", "args") for w in (container.get(key) or []) if isinstance(w, str)]
    return "\n".join(parts)


def _env(container: dict[str, Any]) -> list[dict[str, Any]]:
    return [v for v in (container.get("env") or []) if isinstance(v, dict)]


def _says(container: dict[str, Any], need: Requirement) -> bool:
    flag = r"\s*".join(re.escape(part) for part in need.flag.split())
    stands = re.search(rf"(?<![\w-]){flag}(?![\w-])(?!=(?:{'|'.join(_OFF)})\b)", _words(container))
    switched = any(
        v.get("name") == need.env and str(v.get("value", "on")).lower() not in _OFF for v in _env(container) if need.env
    )
    return bool(stands) or switched


def _hides(container: dict[str, Any], need: Requirement) -> bool:
    words = re.split(r"[\s=]+", _words(container))
    return any(file in words for file in need.files) or bool(need.env and container.get("envFrom"))
