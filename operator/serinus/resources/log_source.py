"""One service as a source of log lines: its names, its labels, its profile. What the shared log outputs are made from.

Read without the rest of the spec, so that a service whose gate is wrong keeps its logs; one whose logs are wrong keeps
the profile that it had.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serinus.core.fields import Fields
from serinus.core.logs import Profile
from serinus.core.logspec import parse_logs
from serinus.core.model import InvalidSpec, Manifest, Service
from serinus.core.runtime import Catalogue, LogFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """Whose lines, by which profile; `promtail`: it is asked for in Promtail's file too."""

    namespace: str
    name: str
    model: str
    runtime: str
    role: str
    profile: Profile
    promtail: bool = True

    @property
    def key(self) -> str:
        """Namespace and name, as a relabelling joins them."""
        return f"{self.namespace};{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all its lines: those of its metrics."""
        return {
            "namespace": self.namespace,
            "llmservice": self.name,
            "model": self.model,
            "runtime": self.runtime,
            "role": self.role,
        }


def source_of(service: Service) -> LogSource:
    """The source that a parsed service is."""
    return LogSource(
        namespace=service.namespace,
        name=service.name,
        model=service.model,
        runtime=service.runtime.name,
        role=service.runtime.role,
        profile=service.monitoring.logs,
        promtail=service.monitoring.outputs.promtail,
    )


def read_source(body: Manifest, catalogue: Catalogue, last: Mapping[str, Profile]) -> LogSource | None:
    """Read an LLMService as a source; `last`: the profiles that were in force, by key. None if none is known."""
    try:
        metadata, spec = Fields(body["metadata"], "metadata"), Fields(body.get("spec") or {}, "spec")
        namespace, name = metadata.text("namespace"), metadata.text("name")
        model, runtime = spec.text("servedModelName"), spec.text("runtime")
    except InvalidSpec:
        return None
    known = catalogue.get(runtime)
    try:
        monitoring = spec.child("monitoring")
        profile: Profile | None = parse_logs(monitoring.child("logs"), known.log_format if known else LogFormat.TEXT)
        promtail = monitoring.child("outputs").boolean("promtail", default=True)
    except InvalidSpec:
        profile, promtail = last.get(f"{namespace};{name}"), True
    if profile is None:
        return None
    return LogSource(
        namespace=namespace,
        name=name,
        model=model,
        runtime=runtime,
        role=known.role if known else "server",
        profile=profile,
        promtail=promtail,
    )
