"""Services with traces, for tests: settings with an endpoint for each preset, and the collector of a spec."""

from functools import cache
from pathlib import Path
from typing import Any

from serinus.core.catalogue import Library
from serinus.core.model import Manifest
from serinus.core.parse import parse
from serinus.core.traces import Protocol, TraceEndpoint, TraceSettings
from serinus.resources import collector
from serinus.resources.context import Context, Settings
from serinus.shell.catalogue import RUNTIMES, load, trace_presets
from tests.support import objects

ROOT = Path(__file__).parents[2]
SECRET = {"name": "backends", "key": "token"}


@cache
def library() -> Library:
    return load(RUNTIMES, ROOT / "alert-rules")


def settings(base: str = "https://backend.example.com", version: str = "0.155.0") -> TraceSettings:
    """An endpoint for each preset, by the name of the preset, at `<base>/<name>`."""
    presets = trace_presets()
    endpoints = {
        name: TraceEndpoint(preset=name, url=base if p.protocol is Protocol.GRPC else f"{base}/{name}")
        for name, p in presets.items()
    }
    return TraceSettings(endpoints=endpoints, presets=presets, version=version)


def context(*names: str, found: TraceSettings | None = None, **traces: Any) -> Context:
    """The context of a service whose traces go to these endpoints, with a key for each."""
    exporters = [{"endpointRef": {"name": name}, "secretKeyRef": SECRET} for name in names]
    body = objects.llmservice(monitoring={"outputs": {"traces": {"exporters": exporters, **traces}}})
    return Context(
        service=parse(body, library().runtimes),
        settings=Settings(probe_image="unused", traces=found or settings(), inhibitions=library().inhibitions),
    )


def config(*names: str, found: TraceSettings | None = None, **traces: Any) -> Manifest:
    """The configuration of the one collector of such a service."""
    [made] = collector.build(context(*names, found=found, **traces))
    wanted: Manifest = made["spec"]["config"]
    return wanted
