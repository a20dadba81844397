"""The objects that a ProbeSet refers to: its ConfigMaps, and its judges' Services. It reads, and decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from serinus.core.judge import JudgeService
from serinus.shell.api_errors import ApiError, NotFound, Refused
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Api
from serinus.shell.world import CONFIGMAP, SERVICE

SOURCE: Final = "spec.source.configMapRef.name"
_CALIBRATION: Final = "spec.calibration.configMapRef.name"


@dataclass(frozen=True, slots=True)
class Source:
    """What was read; `version` is empty where the ProbeSet refers to nothing."""

    files: dict[str, str] = field(default_factory=dict)
    labelled: dict[str, str] = field(default_factory=dict)
    services: tuple[JudgeService, ...] = ()
    version: str = ""


class Unread(Exception):
    """Something that could not be read: the field that names it, and why. `later`: it may be there in a moment."""

    def __init__(self, where: str, message: str, *, later: bool = False) -> None:
        super().__init__(message)
        self.where = where
        self.message = message
        self.later = later


async def read_source(api: Api, namespace: str, spec: Object) -> Source:
    """Read everything that a ProbeSet refers to; raises Unread."""
    versions: list[str] = []

    async def get(kind: Kind, name: str, where: str) -> Object:
        try:
            found = await api.get(Ref(kind, namespace, name))
        except NotFound as e:
            raise Unread(where, f"found {name!r}, allowed is a {kind.kind} of this namespace") from e
        except Refused as e:
            raise Unread(where, f"found {name!r}, which the operator may not read: {e.message}") from e
        except ApiError as e:
            raise Unread(where, f"found {name!r}, which could not be read: {e.message}", later=True) from e
        versions.append(str(found["metadata"]["resourceVersion"]))
        return found

    async def files(name: str, where: str) -> dict[str, str]:
        return dict((await get(CONFIGMAP, name, where)).get("data") or {}) if name else {}

    source = await files(_name(spec, "source", "configMapRef"), SOURCE)
    labelled = await files(_name(spec, "calibration", "configMapRef"), _CALIBRATION)
    services = []
    for where, name, port in _judges(spec):
        services.append(_service(await get(SERVICE, name, where), port, where))
    return Source(source, labelled, tuple(services), ",".join(versions))


def _name(spec: Mapping[str, Any], *path: str) -> str:
    found: Any = spec
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return str(found.get("name", "")) if isinstance(found, Mapping) else ""


def _judges(spec: Mapping[str, Any]) -> list[tuple[str, str, object]]:
    """Field, Service and port of everything that is asked in this namespace."""
    raw = [(f"spec.judges[{j.get('name', '')}]", j) for j in spec.get("judges") or [] if isinstance(j, Mapping)]
    if isinstance(spec.get("embeddings"), Mapping):
        raw.append(("spec.embeddings", spec["embeddings"]))
    named = [(where, _name(judge, "serviceRef"), judge) for where, judge in raw]
    return [(f"{where}.serviceRef", name, judge["serviceRef"].get("port")) for where, name, judge in named if name]


def _service(body: Object, port: object, where: str) -> JudgeService:
    """Where the traffic of a Service goes: a NetworkPolicy speaks of pods and of their own ports."""
    spec, name = body.get("spec") or {}, str(body["metadata"]["name"])
    ports = {p["port"]: p.get("targetPort", p["port"]) for p in spec.get("ports") or []}
    if port not in ports:
        known = ", ".join(str(p) for p in sorted(ports)) or "none"
        raise Unread(f"{where}.port", f"found {port}, allowed are the ports of Service {name}: {known}")
    if not spec.get("selector"):
        allowed = "one with a selector; for another, an endpoint of the operator's settings (endpointRef)"
        raise Unread(f"{where}.name", f"found {name!r}, a Service without a selector; allowed is {allowed}")
    selector = tuple(sorted((str(k), str(v)) for k, v in spec["selector"].items()))
    return JudgeService(name=name, port=int(str(port)), selector=selector, target=str(ports[port]))
