"""Whether a pod is the one that its probe Job makes: what of a pod decides which code answers, and where it differs.

It compares manifests and names the first difference; what follows from one is decided in `runs.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.text import cut

_SHOWN_BYTES: Final = 160
_CODE: Final = (
    "image",
    "command",
    "args",
    "workingDir",
    "envFrom",
    "lifecycle",
    "startupProbe",
    "livenessProbe",
    "readinessProbe",
)
"""Fields of a container that choose or run code in it."""
_KEPT: Final = ("name", "env", "volumeMounts", *_CODE)
_REACH: Final = ("hostPID", "shareProcessNamespace", "ephemeralContainers", "hostAliases")
"""Fields of a pod by which others reach into its containers, or by which names lead elsewhere."""
_CODE_VARIABLES: Final = ("LD_", "PYTHON", "SERINUS_")
_CODE_PATHS: Final = (
    "/bin",
    "/dev",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/lib",
    "/lib64",
    "/opt",
    "/sbin",
    "/usr",
)
"""Where the image keeps its code, and where the report is written: nothing may be mounted over them."""


def reduced(spec: Manifest) -> Manifest:
    """Keep what `foreign` looks at: the container `probe`, what the others mount, the volumes, who reaches it."""
    kept: Manifest = {key: spec[key] for key in _REACH if key in spec} | {
        "containers": [_kept(c) for c in spec.get("containers") or []],
        "initContainers": [_kept(c) for c in spec.get("initContainers") or []],
        "volumes": spec.get("volumes") or [],
    }
    return {k: v for k, v in kept.items() if v}


def _kept(container: Manifest) -> Manifest:
    names = _KEPT if container.get("name") == naming.PROBE_CONTAINER else ("name", "volumeMounts")
    return {k: container[k] for k in names if k in container}


def difference(found: Any, wanted: Any, path: str = "") -> str:
    """Say where `found` is not `wanted` plus defaults of the API server; empty if it is.

    Objects may have more keys, lists not more items.
    """
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        parts = (difference(found.get(k), v, f"{path}.{k}" if path else str(k)) for k, v in wanted.items())
        return next(filter(None, parts), "")
    if isinstance(wanted, list) and isinstance(found, list):
        if len(found) != len(wanted):
            return f"{path}: found {len(found)} items, Serinus makes {len(wanted)}"
        pairs = enumerate(zip(found, wanted, strict=True))
        return next(filter(None, (difference(f, w, f"{path}[{i}]") for i, (f, w) in pairs)), "")
    return "" if found == wanted else _differs(path, found, wanted)


def foreign(found: Manifest, wanted: Manifest) -> str:
    """Say where the spec of a pod is not what its Job's template makes; empty if it is.

    Admission may add containers, volumes, mounts and variables, as long as they cannot change what `probe` runs,
    reads and writes. Both specs are whole or `reduced`.
    """
    return next(filter(None, _foreign(found, wanted)), "")


def _foreign(found: Manifest, wanted: Manifest) -> Iterator[str]:
    probe, ours = _probe(found), _probe(wanted)
    if not probe:
        yield f"spec.containers: found no container {naming.PROBE_CONTAINER}"
        return
    path = f"spec.containers[{naming.PROBE_CONTAINER}]"
    for key in _CODE:
        if (probe.get(key) or None) != (ours.get(key) or None):
            yield _differs(f"{path}.{key}", probe.get(key), ours.get(key))
    yield from _changed(f"{path}.env", "name", probe.get("env") or [], ours.get("env") or [])
    yield from _added_variables(path, probe, ours)
    yield from _changed(f"{path}.volumeMounts", "mountPath", _mounts(probe), _mounts(ours))
    yield from _added_mounts(path, probe, ours)
    yield from _changed_volumes(found, wanted)
    yield from _shared_volumes(found, wanted)
    yield from _reached(found)


def _changed(path: str, key: str, found: Sequence[Manifest], wanted: Sequence[Manifest]) -> Iterator[str]:
    """Items of ours that are missing, changed, or there twice: the last one would win."""
    for one in wanted:
        same = [f for f in found if f.get(key) == one[key]]
        if same != [one]:
            shown = same[0] if len(same) == 1 else same or None
            yield _differs(f"{path}[{one[key]}]", shown, one)


def _added_variables(path: str, probe: Manifest, ours: Manifest) -> Iterator[str]:
    made = {v["name"] for v in ours.get("env") or []}
    for name in (str(v.get("name", "")) for v in probe.get("env") or []):
        if name not in made and (name == "PATH" or name.startswith(_CODE_VARIABLES)):
            yield f"{path}.env[{name}]: found a variable that chooses the code that runs, Serinus makes none"


def _added_mounts(path: str, probe: Manifest, ours: Manifest) -> Iterator[str]:
    made = {str(m["mountPath"]) for m in _mounts(ours)}
    guarded = [_segments(p) for p in (*_CODE_PATHS, *sorted(made))]
    for where in (str(m.get("mountPath", "")) for m in _mounts(probe)):
        at = _segments(where)
        if where not in made and any(at[: len(g)] == g or g[: len(at)] == at for g in guarded):
            yield f"{path}.volumeMounts[{where}]: found a mount over the files of the probe, Serinus makes none"


def _changed_volumes(found: Manifest, wanted: Manifest) -> Iterator[str]:
    volumes = {v.get("name"): v for v in found.get("volumes") or []}
    for one in wanted.get("volumes") or []:
        yield difference(volumes.get(one["name"]), one, f"spec.volumes[{one['name']}]")


def _shared_volumes(found: Manifest, wanted: Manifest) -> Iterator[str]:
    """A container beside the probe that mounts a volume of the probe can write what it runs."""
    made = {v["name"] for v in wanted.get("volumes") or []}
    for kind in ("containers", "initContainers"):
        for container in found.get(kind) or []:
            name = container.get("name", "")
            if kind == "containers" and name == naming.PROBE_CONTAINER:
                continue
            for volume in sorted({str(m.get("name", "")) for m in _mounts(container)} & made):
                yield f"spec.{kind}[{name}].volumeMounts: found the probe's volume {volume!r}, Serinus makes none"


def _reached(found: Manifest) -> Iterator[str]:
    """Who sees the processes of the probe can write its report; who renames a Service chooses who is asked."""
    for key in ("hostPID", "shareProcessNamespace"):
        if found.get(key):
            yield f"spec.{key}: found True, Serinus makes none"
    for container in found.get("ephemeralContainers") or []:
        if container.get("targetContainerName") == naming.PROBE_CONTAINER:
            yield f"spec.ephemeralContainers[{container.get('name', '')}]: found one that enters the probe"
    for alias in found.get("hostAliases") or []:
        for name in alias.get("hostnames") or []:
            if "svc" in str(name).lower().split("."):
                yield f"spec.hostAliases: found {_shown(name)}, Serinus renames no Service"


def _probe(spec: Manifest) -> Manifest:
    containers: Sequence[Manifest] = spec.get("containers") or []
    return next((c for c in containers if c.get("name") == naming.PROBE_CONTAINER), {})


def _mounts(container: Manifest) -> Sequence[Manifest]:
    return container.get("volumeMounts") or []


def _segments(path: str) -> list[str]:
    found: list[str] = []
    for part in path.split("/"):
        if part == "..":
            found = found[:-1]
        elif part not in ("", "."):
            found.append(part)
    return found


def _differs(path: str, found: object, wanted: object) -> str:
    return f"{path}: found {_shown(found)}, Serinus makes {_shown(wanted)}"


def _shown(value: object) -> str:
    return "none" if value is None else cut(repr(value), _SHOWN_BYTES)
