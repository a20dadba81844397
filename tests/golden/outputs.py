"""What goldens of outputs that no example asks for are built from: a receiver of the owner, and traces.

It owns the examples. What they are compared with, `render` knows.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

from serinus.core.inhibition import Inhibitions
from serinus.core.model import Manifest
from serinus.core.parse import parse
from serinus.core.traces import TraceEndpoint, TraceSettings
from serinus.resources import alertmanager_config, collector
from serinus.resources.context import Context
from serinus.shell.catalogue import trace_presets

_KEY = {"name": "backends", "key": "token"}
_ENDPOINTS = {
    "langfuse": TraceEndpoint(preset="langfuse", url="https://cloud.langfuse.com"),
    "tempo": TraceEndpoint(preset="tempo", url="http://tempo.monitoring:4317"),
    "loki": TraceEndpoint(preset="loki", url="http://loki-gateway.monitoring"),
}
OUTPUTS: Mapping[str, object] = {
    "alertmanagerConfig": {
        "receiver": "Slack",
        "channel": "#llm-search",
        "secretKeyRef": {"name": "slack", "key": "url"},
    },
    "traces": {
        "exporters": [
            {"endpointRef": {"name": "langfuse"}, "secretKeyRef": _KEY},
            {"endpointRef": {"name": "tempo"}},
            {"endpointRef": {"name": "loki"}},
        ],
        "samplePercent": 10,
        "content": "Redact",
        "instrumentation": True,
    },
}


def build(body: Manifest, context: Context, inhibitions: Inhibitions) -> dict[str, list[Manifest]]:
    """Build both for the service of a context, whose body is `body`."""
    asked = deepcopy(body)
    asked["spec"].setdefault("monitoring", {})["outputs"] = dict(OUTPUTS)
    traces = TraceSettings(endpoints=_ENDPOINTS, presets=trace_presets())
    settings = replace(context.settings, traces=traces, inhibitions=inhibitions)
    found = replace(context, service=parse(asked, context.runtimes), settings=settings)
    return {
        "routing": alertmanager_config.build(found),
        "traces": [*collector.build(found), *collector.build_instrumentation(found)],
    }
