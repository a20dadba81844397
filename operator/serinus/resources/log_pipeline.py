"""Logs by way of Alloy: a PodLogs for each service, and the text of one pipeline for each profile in use.

A service's PodLogs carries its profile as a label; the pipeline of the profile takes the PodLogs that have it. So a new
service changes no text, and no agent reloads. Paths, addresses and stages are fixed: nothing of a spec but a profile's
few words, and names that are DNS labels, gets into a configuration.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from serinus.core import naming
from serinus.core.alloy import Block, Reference, write_expression
from serinus.core.alloy_check import problems
from serinus.core.log_pipeline import (
    METRIC_PREFIX,
    Choose,
    Count,
    Counter,
    Find,
    Json,
    Label,
    Logfmt,
    Metadata,
    Multiline,
    Sample,
    Stage,
    Unlabel,
    pipeline,
)
from serinus.core.log_redaction import Pattern
from serinus.core.log_templates import choice, replacement
from serinus.core.logs import Profile
from serinus.core.model import Manifest
from serinus.resources.context import Context, LogSettings
from serinus.resources.log_source import source_of

API_VERSION: Final = "monitoring.grafana.com/v1alpha2"
IDLE: Final = "24h"
"""How long a metric of a silent service stays: one that goes and comes again hides the first event from `rate`."""
MULTILINE_WAIT: Final = "3s"
_WRITE: Final = "serinus"
_FORWARD: Final = {"forward_to": [Reference(f"loki.write.{_WRITE}.receiver")]}
_SECTION: Final = re.compile(r"// begin (?P<name>[a-z0-9-]+)\n(?P<text>.*?)// end (?P=name)\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A text for all profiles, and what is wrong with some of them: name -> problem."""

    text: str
    wrong: Mapping[str, str]


def build(context: Context) -> list[Manifest]:
    """Build the PodLogs of a service."""
    service = context.service
    profile = service.monitoring.logs
    labels = {**naming.app_labels(service.name), naming.LABEL_LOG_PROFILE: profile.name}
    spec = {
        "selector": {"matchLabels": {naming.LABEL_SERVICE: service.name}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": service.namespace}},
        "relabelings": [
            *({"targetLabel": k, "replacement": v.replace("$", "$$")} for k, v in source_of(service).labels.items()),
            *({"sourceLabels": [meta], "targetLabel": label} for label, meta in naming.POD_META.items()),
        ],
    }
    metadata = {"name": service.name, "namespace": service.namespace, "labels": labels}
    return [{"apiVersion": API_VERSION, "kind": "PodLogs", "metadata": metadata, "spec": spec}]


def problem(profile: Profile) -> str:
    """What is wrong with the pipeline of a profile; empty: nothing."""
    return _section(profile, per_node=True)[1]


def problems_of(context: Context) -> tuple[str, ...]:
    """What is wrong with the log pipeline of a service; it keeps the one that it had."""
    found = problem(context.service.monitoring.logs)
    return (f"spec.monitoring.logs: profile {context.service.monitoring.logs.name}: {found}",) if found else ()


def configuration(profiles: Iterable[Profile], settings: LogSettings, last: str = "") -> Configuration:
    """Write `config.alloy`; a profile that is wrong keeps the text that it has in `last`, if it has one."""
    kept = sections(last)
    wrong, texts = {}, []
    for profile in sorted(set(profiles), key=lambda p: p.name):
        text, found = _section(profile, per_node=settings.alloy_per_node)
        if found:
            wrong[profile.name] = found
            text = kept.get(profile.name, "")
        texts.append(_marked(profile.name, text) if text else "")
    head = "// Written by Serinus for all LLMServices of this installation; changes are overwritten.\n"
    return Configuration(head + _render(_common(settings)) + "".join(texts), wrong)


def sections(text: str) -> dict[str, str]:
    """The part of each profile in a `config.alloy` of ours, by the profile's name."""
    return {match["name"]: match["text"] for match in _SECTION.finditer(text)}


def build_config(text: str, namespace: str) -> Manifest:
    """Build the ConfigMap with `config.alloy`; it belongs to no service."""
    metadata = {"name": naming.ALLOY_CONFIG, "namespace": namespace, "labels": naming.shared_labels(naming.LOGS)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config.alloy": text}}


def _marked(name: str, text: str) -> str:
    return f"// begin {name}\n{text}// end {name}\n"


@lru_cache(maxsize=256)
def _section(profile: Profile, *, per_node: bool) -> tuple[str, str]:
    """The text of a profile, and what is wrong with it."""
    text = _render(_profile_blocks(profile, per_node=per_node))
    found = problems(_render(_common(LogSettings(loki_url="http://loki"))) + text)
    return text, "; ".join(found)[:500]


def _render(blocks: Iterable[Block]) -> str:
    return _environment().get_template("config.alloy.j2").render(blocks=tuple(blocks))


@lru_cache(maxsize=1)
def _environment() -> SandboxedEnvironment:
    loader = PackageLoader("serinus", "logs")
    found = SandboxedEnvironment(loader=loader, undefined=StrictUndefined, autoescape=False)
    found.filters["expression"] = write_expression
    return found


def _common(settings: LogSettings) -> Iterator[Block]:
    """Where lines go, and where those come in that another agent has processed."""
    endpoint: dict[str, Any] = {"url": settings.loki_url}
    if settings.loki_tenant:
        endpoint["tenant_id"] = settings.loki_tenant
    yield Block("loki.write", _WRITE, {}, (Block("endpoint", "", endpoint),))
    if settings.push_port:
        listen = {"listen_address": "0.0.0.0", "listen_port": settings.push_port}  # noqa: S104 - for other pods
        yield Block("loki.source.api", "push", _FORWARD, (Block("http", "", listen),))


def _profile_blocks(profile: Profile, *, per_node: bool) -> tuple[Block, ...]:
    name = profile.name.replace("-", "_")
    node = Block("node_filter", "", {"enabled": True, "node_name": Reference("sys.env", ("K8S_NODE_NAME",))})
    source = Block(
        "loki.source.podlogs",
        name,
        {"forward_to": [Reference(f"loki.process.{name}.receiver")]},
        (
            Block("selector", "", {"match_labels": {naming.LABEL_LOG_PROFILE: profile.name}}),
            *((node,) if per_node else ()),
        ),
    )
    return source, Block("loki.process", name, _FORWARD, tuple(stage_block(s) for s in pipeline(profile)))


def stage_block(stage: Stage) -> Block:
    """One stage of a pipeline as Alloy writes it."""
    match stage:
        case Multiline(first=first, max_lines=lines):
            return _stage("multiline", firstline=first, max_lines=lines, max_wait_time=MULTILINE_WAIT)
        case Json(fields=fields):
            return _stage("json", expressions={name: " || ".join(paths) for name, paths in fields})
        case Logfmt(fields=fields):
            return _stage("logfmt", mapping=dict(fields))
        case Find(expression=expression):
            return _stage("regex", expression=expression)
        case Pattern():
            return _stage("replace", expression=stage.expression, replace=replacement(stage))
        case Choose():
            return _stage("template", source=stage.target, template=choice(stage))
        case Count(counters=counters):
            return Block("stage.metrics", "", {}, tuple(_counter(c) for c in counters))
        case Label(names=names):
            return _stage("labels", values={n: n for n in names})
        case Unlabel(names=names):
            return _stage("label_drop", values=list(names))
        case Metadata(names=names):
            return _stage("structured_metadata", values={n: n for n in names})
        case Sample(label=label, value=value, rate=rate):  # pragma: no branch - mypy proves that no other is left
            selector = {"selector": f'{{{label}="{value}"}}'}
            return Block("stage.match", "", selector, (_stage("sampling", rate=rate),))


def _stage(name: str, **attributes: Any) -> Block:
    return Block(f"stage.{name}", "", attributes)


def _counter(counter: Counter) -> Block:
    attributes: dict[str, Any] = {
        "name": counter.name,
        "description": counter.help,
        "prefix": METRIC_PREFIX,
        "max_idle_duration": IDLE,
        "action": "inc",
    }
    attributes |= {"source": counter.source} if counter.source else {"match_all": True}
    return Block("metric.counter", "", attributes)
