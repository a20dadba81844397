"""Logs by way of Promtail, for those who still run it: a fragment for each service, and one file for all of them.

The same pipelines as in Alloy. Paths and addresses come from the operator's settings alone.
"""

from collections.abc import Iterable
from functools import lru_cache
from textwrap import indent
from typing import Any, Final

import yaml

from serinus.core import naming
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
from serinus.core.logs import Profile, profile_of
from serinus.core.model import Manifest
from serinus.resources.context import Context, LogSettings
from serinus.resources.log_pipeline import IDLE, MULTILINE_WAIT, problem
from serinus.resources.log_source import LogSource, source_of
from serinus.resources.yaml_text import yaml_text

END_OF_LIFE: Final = (
    "Promtail's life ended on 2026-03-02, it gets no fixes: run Alloy, which takes the PodLogs of the same name, "
    "and set spec.monitoring.outputs.promtail: false"
)
KEY: Final = "promtail.yaml"
_PREFIX: Final = "serinus/"
_NAMESPACE: Final = "__meta_kubernetes_namespace"
_SERVICE: Final = naming.pod_label_meta(naming.LABEL_SERVICE)


def build(context: Context) -> list[Manifest]:
    """Build the ConfigMap with the scrape configuration of a service, if it is asked for."""
    service, profile = context.service, context.service.monitoring.logs
    if not service.monitoring.outputs.promtail or problem(profile):
        return []
    metadata = {
        "name": naming.promtail_fragment(service.name),
        "namespace": service.namespace,
        "labels": naming.app_labels(service.name),
    }
    data = {f"{service.namespace}.{service.name}.yaml": _fragment(source_of(service), context.settings.logs)}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}]


def _fragment(source: LogSource, settings: LogSettings) -> str:
    """A list with one job. Its stages, which are long, are written once for all services of the profile."""
    only: Manifest = {"names": [source.namespace]}
    job = {
        "job_name": f"{_PREFIX}{source.namespace}/{source.name}",
        "kubernetes_sd_configs": _discovery(f"{naming.LABEL_SERVICE}={source.name}", namespaces=only),
        "relabel_configs": [
            *({"target_label": k, "replacement": v.replace("$", "$$")} for k, v in source.labels.items()),
            *_common(settings),
        ],
    }
    return yaml_text([job]) + _stages_text(source.profile, settings.max_partial_lines)


@lru_cache(maxsize=256)
def _stages_text(profile: Profile, max_partial_lines: int) -> str:
    """The stages as one more key of the only item of a list."""
    return indent(yaml_text({"pipeline_stages": _stages(profile, max_partial_lines)}), "  ")


def merged(sources: Iterable[LogSource], settings: LogSettings, last: str = "") -> str:
    """Write the whole file for these sources: a job for each profile.

    A profile that is wrong keeps the job that it has in `last`, if it has one.
    """
    groups: dict[Profile, list[LogSource]] = {}
    for source in sorted(sources, key=lambda s: s.key):
        groups.setdefault(source.profile, []).append(source)
    kept = jobs(last) if any(problem(profile) for profile in groups) else {}  # reading a long file takes a second
    found = [
        kept.get(_PREFIX + profile.name) if problem(profile) else _shared_job(profile, of, settings)
        for profile, of in sorted(groups.items(), key=lambda item: item[0].name)
    ]
    return file([job for job in found if job is not None], settings)


def file(found: list[Manifest], settings: LogSettings) -> str:
    """Write a whole file around jobs."""
    client = {"url": settings.loki_url}
    if settings.loki_tenant:
        client["tenant_id"] = settings.loki_tenant
    return yaml_text(
        {
            "server": {"http_listen_port": 3101, "grpc_listen_port": 0},
            "positions": {"filename": settings.promtail_positions},
            "clients": [client],
            "scrape_configs": found,
        }
    )


def jobs(text: str) -> dict[str, Manifest]:
    """The jobs of a file of ours by name; none of a text that is no such file."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    found = read.get("scrape_configs") if isinstance(read, dict) else None
    return {str(j["job_name"]): j for j in found or [] if isinstance(j, dict) and "job_name" in j}


def profiles_in(text: str) -> dict[str, Profile]:
    """The profile of every source in a file of ours, by the source's key."""
    found: dict[str, Profile] = {}
    for name, job in jobs(text).items():
        profile = profile_of(name.removeprefix(_PREFIX))
        rules: list[Manifest] = job.get("relabel_configs") or []
        keep = next((rule for rule in rules if rule.get("action") == "keep"), {"regex": ""})
        if profile is not None:
            found |= dict.fromkeys(str(keep["regex"]).split("|"), profile)
    return found


def build_config(text: str, namespace: str) -> Manifest:
    """Build the ConfigMap with the whole file; it belongs to no service."""
    metadata = {"name": naming.PROMTAIL_CONFIG, "namespace": namespace, "labels": naming.shared_labels(naming.LOGS)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: text}}


def _shared_job(profile: Profile, sources: list[LogSource], settings: LogSettings) -> Manifest:
    """One job for all sources of a profile: one discovery, whatever their number."""
    job: Manifest = {"job_name": _PREFIX + profile.name}
    job["pipeline_stages"] = _stages(profile, settings.max_partial_lines)
    job["kubernetes_sd_configs"] = _discovery(naming.LABEL_SERVICE)
    job["relabel_configs"] = [
        {"source_labels": [_NAMESPACE, _SERVICE], "regex": _any(sources), "action": "keep"},
        {"source_labels": [_NAMESPACE], "target_label": "namespace"},
        {"source_labels": [_SERVICE], "target_label": "llmservice"},
        *_by_value(sources),
        *_common(settings),
    ]
    return job


def _by_value(sources: list[LogSource]) -> Iterable[Manifest]:
    """One rule for each value of a label, for the sources that have it."""
    groups: dict[tuple[str, str], list[LogSource]] = {}
    for source in sources:
        for label in ("model", "runtime", "role"):
            groups.setdefault((label, source.labels[label]), []).append(source)
    for (label, value), of in sorted(groups.items()):
        yield {
            "source_labels": [_NAMESPACE, _SERVICE],
            "regex": _any(of),
            "target_label": label,
            "replacement": value.replace("$", "$$"),
        }


def _any(sources: list[LogSource]) -> str:
    """A pattern for `namespace;service`; both are DNS labels, which have no sign of a pattern."""
    return "|".join(s.key for s in sources)


def _discovery(label: str, **more: Any) -> list[Manifest]:
    return [{"role": "pod", "selectors": [{"role": "pod", "label": label}], **more}]


def _common(settings: LogSettings) -> list[Manifest]:
    path = f"{settings.pod_logs}/*$1/*.log"
    uid_and_container = ["__meta_kubernetes_pod_uid", "__meta_kubernetes_pod_container_name"]
    return [
        *({"source_labels": [meta], "target_label": label} for label, meta in naming.POD_META.items()),
        {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "__host__"},
        {"source_labels": uid_and_container, "separator": "/", "target_label": "__path__", "replacement": path},
    ]


def _stages(profile: Profile, max_partial_lines: int) -> list[Manifest]:
    """What the container runtime wrote is undone first."""
    return [{"cri": {"max_partial_lines": max_partial_lines}}, *(stage_of(s) for s in pipeline(profile))]


def stage_of(stage: Stage) -> Manifest:
    """One stage of a pipeline as Promtail writes it."""
    match stage:
        case Multiline(first=first, max_lines=lines):
            return {"multiline": {"firstline": first, "max_lines": lines, "max_wait_time": MULTILINE_WAIT}}
        case Json(fields=fields):
            return {"json": {"expressions": {name: " || ".join(paths) for name, paths in fields}}}
        case Logfmt(fields=fields):
            return {"logfmt": {"mapping": dict(fields)}}
        case Find(expression=expression):
            return {"regex": {"expression": expression}}
        case Pattern():
            return {"replace": {"expression": stage.expression, "replace": replacement(stage)}}
        case Choose():
            return {"template": {"source": stage.target, "template": choice(stage)}}
        case Count(counters=counters):
            return {"metrics": {c.name: _counter(c) for c in counters}}
        case Label(names=names):
            return {"labels": {n: n for n in names}}
        case Unlabel(names=names):
            return {"labeldrop": list(names)}
        case Metadata(names=names):
            return {"structured_metadata": {n: n for n in names}}
        case Sample(label=label, value=value, rate=rate):  # pragma: no branch - mypy proves that no other is left
            return {"match": {"selector": f'{{{label}="{value}"}}', "stages": [{"sampling": {"rate": rate}}]}}


def _counter(counter: Counter) -> Manifest:
    found: Manifest = {
        "type": "Counter",
        "description": counter.help,
        "prefix": METRIC_PREFIX,
        "max_idle_duration": IDLE,
    }
    if counter.source:
        return {**found, "source": counter.source, "config": {"action": "inc"}}
    return {**found, "config": {"action": "inc", "match_all": True}}
