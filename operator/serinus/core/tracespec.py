"""spec.monitoring.outputs.traces, the table of presets and the setting traceEndpoints, parsed. It builds nothing."""

import re
from collections.abc import Mapping
from typing import Final

from serinus.core.datafile import choice, matching, only, reading, texts
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.routespec import parse_secret_key
from serinus.core.traces import Content, Preset, Protocol, Signal, TraceEndpoint, TraceExport, Traces

DEFAULT_ENDPOINT: Final = "default"
MAX_EXPORTS: Final = 4
_ENDPOINT: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._-]+)*")
_URL: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._-]+)*")
_PROJECT: Final = re.compile(r"[A-Za-z0-9._:/-]{0,128}")
_SLASHES: Final = 2  # of a scheme
_TEXTS: Final = ("auth", "headers", "set", "copy", "resource", "uuids")
_PRESET_KEYS: Final = ("name", "title", "signals", "path", "protocol", "keyRequired", "content", "legacy", "maxBytes")


def parse_traces(outputs: Fields) -> Traces | None:
    """Read `traces` of spec.monitoring.outputs; None where it is absent. Raises InvalidSpec."""
    if not outputs.has("traces"):
        return None
    fields = outputs.child("traces")
    exports = tuple(_export(item) for item in fields.items("exporters"))
    names = [e.endpoint for e in exports]
    if len(names) > MAX_EXPORTS or len(names) != len(set(names)):
        raise InvalidSpec(fields.at("exporters"), f"found {names}, allowed are up to {MAX_EXPORTS} different endpoints")
    return Traces(
        exports=exports or (TraceExport(endpoint=DEFAULT_ENDPOINT),),
        sample_percent=fields.integer("samplePercent", 100, low=1, high=100),
        content=fields.one_of("content", Content, Content.DROP),
        instrumentation=fields.boolean("instrumentation", default=False),
    )


def _export(fields: Fields) -> TraceExport:
    secret = parse_secret_key(fields) if fields.has("secretKeyRef") else None
    return TraceExport(endpoint=matching(fields.child("endpointRef"), "name", _ENDPOINT), secret=secret)


def parse_presets(data: object, file: str) -> Mapping[str, Preset]:
    """Parse the table of presets; raises InvalidCatalogue."""
    return reading(file, lambda: _presets(Fields(data, "")))


def _presets(fields: Fields) -> Mapping[str, Preset]:
    only(fields, "presets")
    found = [_preset(item) for item in fields.items("presets")]
    names = [p.name for p in found]
    if not names or len(names) != len(set(names)):
        raise InvalidSpec(fields.at("presets"), f"found {names}, allowed is each name once, at least one")
    return {p.name: p for p in found}


def _preset(fields: Fields) -> Preset:
    only(fields, *_PRESET_KEYS, *_TEXTS)
    uuids = fields.strings("uuids")
    if not set(uuids.values()) <= {"trace", "span"}:
        raise InvalidSpec(fields.at("uuids"), f"found {uuids}, allowed are trace and span")
    return Preset(
        name=matching(fields, "name", _ENDPOINT),
        title=fields.text("title"),
        signals=_signals(fields),
        path=matching(fields, "path", _PATH) if fields.has("path") else "",
        protocol=Protocol(choice(fields, "protocol", tuple(Protocol))) if fields.has("protocol") else Protocol.HTTP,
        auth=fields.strings("auth"),
        key_required=fields.boolean("keyRequired", default=False),
        headers=fields.strings("headers"),
        content=fields.boolean("content", default=False),
        legacy=fields.boolean("legacy", default=False),
        set_span=fields.strings("set"),
        copy_span=fields.strings("copy"),
        resource=fields.strings("resource"),
        uuids=uuids,
        max_bytes=fields.integer("maxBytes", 3_500_000, low=100_000, high=16_000_000),
    )


def _signals(fields: Fields) -> tuple[Signal, ...]:
    found = texts(fields, "signals")
    if not found or not set(found) <= set(Signal):
        raise InvalidSpec(fields.at("signals"), f"found {list(found)}, allowed are {', '.join(Signal)}")
    return tuple(s for s in Signal if s in found)


def parse_endpoints(data: object, presets: Mapping[str, Preset]) -> Mapping[str, TraceEndpoint]:
    """Parse the setting traceEndpoints, by name; raises InvalidSpec."""
    fields = Fields(data, "")
    return {name: _endpoint(fields.child(name), name, presets) for name in fields.raw}


def _endpoint(fields: Fields, name: str, presets: Mapping[str, Preset]) -> TraceEndpoint:
    only(fields, "preset", "url", "project")
    if not _ENDPOINT.fullmatch(name):
        raise InvalidSpec(name, f"found {name!r}, allowed is {_ENDPOINT.pattern}")
    preset, url = choice(fields, "preset", tuple(presets)), matching(fields, "url", _URL)
    if presets[preset].protocol is Protocol.GRPC and url.rstrip("/").count("/") > _SLASHES:
        raise InvalidSpec(fields.at("url"), f"found {url!r}, allowed is an address without a path: {preset} takes gRPC")
    return TraceEndpoint(
        preset=preset,
        url=url,
        project=matching(fields, "project", _PROJECT) if fields.has("project") else "",
    )
