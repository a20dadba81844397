"""What admission may add to the pod of a probe Job, and what makes it somebody else's."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from serinus.core.model import Manifest
from serinus.core.probepod import difference, foreign, reduced

MADE: Manifest = {
    "containers": [
        {
            "name": "probe",
            "image": "example/serinus:1",
            "command": ["python3", "-m", "serinus.probes"],
            "env": [{"name": "SERINUS_RUN", "value": "{}"}],
            "volumeMounts": [
                {"name": "probes", "mountPath": "/probes", "readOnly": True},
                {"name": "scratch", "mountPath": "/tmp"},
            ],
        }
    ],
    "volumes": [{"name": "probes", "configMap": {"name": "p"}}, {"name": "scratch", "emptyDir": {"medium": "Memory"}}],
}
ON_SCRATCH = {"name": "other", "image": "x", "volumeMounts": [{"name": "scratch", "mountPath": "/s"}]}

Change = Callable[[Manifest], object]


def after(change: Change) -> str:
    """What is said of a pod with this change, which is the same of the whole spec and of the reduced one."""
    found = copy.deepcopy(MADE)
    change(found)
    said = foreign(found, MADE)
    assert foreign(reduced(found), MADE) == said
    return said


def probe(spec: Manifest) -> dict[str, Any]:
    container: dict[str, Any] = next(c for c in spec["containers"] if c["name"] == "probe")
    return container


def mount(path: str) -> Change:
    return lambda s: probe(s)["volumeMounts"].append({"name": "added", "mountPath": path})


def variable(name: str) -> Change:
    return lambda s: probe(s)["env"].append({"name": name, "value": "x"})


ALLOWED: dict[str, Change] = {
    "nothing": lambda _: None,
    "a sidecar before the probe": lambda s: s["containers"].insert(0, {"name": "proxy", "image": "x"}),
    "an init container": lambda s: s.update(initContainers=[{"name": "init", "image": "x"}]),
    "a volume": lambda s: s["volumes"].insert(0, {"name": "added", "emptyDir": {}}),
    "a mount of it": mount("/var/run/secrets/identity"),
    "certificates": mount("/etc/ssl/certs"),
    "a name that only begins like ours": mount("/probes-of-others"),
    "a variable": variable("HTTP_PROXY"),
    "resources": lambda s: probe(s).update(resources={"limits": {"cpu": "1"}}),
    "a default of a volume": lambda s: s["volumes"][0]["configMap"].update(defaultMode=420),
    "empty arguments": lambda s: probe(s).update(args=[]),
    "a shell beside the probe": lambda s: s.update(ephemeralContainers=[{"name": "debug", "image": "x"}]),
    "a name of something outside": lambda s: s.update(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["svcs.example"]}]),
    "a node": lambda s: s.update(nodeName="n", tolerations=[{"key": "added"}]),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_admission_adds_beside_the_probe_is_allowed(name: str) -> None:
    assert after(ALLOWED[name]) == ""


PROBE = "spec.containers[probe]"
FORGED: dict[str, tuple[Change, str]] = {
    "image": (
        lambda s: probe(s).update(image="mirror.example/serinus:1"),
        f"{PROBE}.image: found 'mirror.example/serinus:1', Serinus makes 'example/serinus:1'",
    ),
    "command": (lambda s: probe(s).update(command=["true"]), f"{PROBE}.command: found ['true'], "),
    "no command": (lambda s: probe(s).pop("command"), f"{PROBE}.command: found none, "),
    "arguments": (lambda s: probe(s).update(args=["x"]), f"{PROBE}.args: found ['x'], Serinus makes none"),
    "directory": (lambda s: probe(s).update(workingDir="/x"), f"{PROBE}.workingDir: "),
    "hook": (lambda s: probe(s).update(lifecycle={"postStart": {}}), f"{PROBE}.lifecycle: "),
    "health check": (lambda s: probe(s).update(livenessProbe={"exec": {}}), f"{PROBE}.livenessProbe: "),
    "variables of a Secret": (lambda s: probe(s).update(envFrom=[{"secretRef": {}}]), f"{PROBE}.envFrom: "),
    "changed variable": (lambda s: probe(s)["env"][0].update(value="[]"), f"{PROBE}.env[SERINUS_RUN]: found {{"),
    "variable twice": (variable("SERINUS_RUN"), f"{PROBE}.env[SERINUS_RUN]: found [{{"),
    "no variables": (lambda s: probe(s).pop("env"), f"{PROBE}.env[SERINUS_RUN]: found none, "),
    "variable that we do not set": (variable("SERINUS_REPORT"), f"{PROBE}.env[SERINUS_REPORT]: "),
    "Python's path": (variable("PYTHONPATH"), f"{PROBE}.env[PYTHONPATH]: "),
    "the linker's": (variable("LD_PRELOAD"), f"{PROBE}.env[LD_PRELOAD]: "),
    "the shell's": (variable("PATH"), f"{PROBE}.env[PATH]: "),
    "changed mount": (
        lambda s: probe(s)["volumeMounts"][0].update(subPath="x"),
        f"{PROBE}.volumeMounts[/probes]: found {{",
    ),
    "other questions": (
        lambda s: probe(s)["volumeMounts"][0].update(name="added"),
        f"{PROBE}.volumeMounts[/probes]: found {{",
    ),
    "no mounts": (lambda s: probe(s).pop("volumeMounts"), f"{PROBE}.volumeMounts[/probes]: found none, "),
    "mount over the code": (mount("/opt/serinus/lib"), f"{PROBE}.volumeMounts[/opt/serinus/lib]: "),
    "mount over everything": (mount("/"), f"{PROBE}.volumeMounts[/]: "),
    "mount in a roundabout way": (mount("/x/.././opt//serinus"), f"{PROBE}.volumeMounts[/x/.././opt//serinus]: "),
    "mount over the report": (mount("/dev"), f"{PROBE}.volumeMounts[/dev]: "),
    "mount in our directory": (mount("/tmp/serinus"), f"{PROBE}.volumeMounts[/tmp/serinus]: "),
    "other volume": (
        lambda s: s["volumes"][0].update(configMap={"name": "forged"}),
        "spec.volumes[probes].configMap.name: found 'forged', Serinus makes 'p'",
    ),
    "volume of another kind": (
        lambda s: s["volumes"].__setitem__(0, {"name": "probes", "hostPath": {"path": "/x"}}),
        "spec.volumes[probes].configMap: found none, ",
    ),
    "no volumes": (lambda s: s.pop("volumes"), "spec.volumes[probes]: found none, "),
    "sidecar on our volume": (
        lambda s: s["containers"].append(ON_SCRATCH),
        "spec.containers[other].volumeMounts: found the probe's volume 'scratch'",
    ),
    "init container on our volume": (
        lambda s: s.update(initContainers=[ON_SCRATCH]),
        "spec.initContainers[other].volumeMounts: found the probe's volume 'scratch'",
    ),
    "shared processes": (lambda s: s.update(shareProcessNamespace=True), "spec.shareProcessNamespace: found True, "),
    "the node's processes": (lambda s: s.update(hostPID=True), "spec.hostPID: found True, "),
    "a shell in the probe": (
        lambda s: s.update(ephemeralContainers=[{"name": "debug", "targetContainerName": "probe"}]),
        "spec.ephemeralContainers[debug]: found one that enters the probe",
    ),
    "another canary under its name": (
        lambda s: s.update(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["a.example", "chat-canary.team-a.svc"]}]),
        "spec.hostAliases: found 'chat-canary.team-a.svc', Serinus renames no Service",
    ),
    "no probe": (lambda s: probe(s).update(name="other"), "spec.containers: found no container probe"),
    "nothing at all": (lambda s: s.clear(), "spec.containers: found no container probe"),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_changes_the_probe_is_named_with_its_path(name: str) -> None:
    change, said = FORGED[name]

    assert after(change).startswith(said)


def test_a_long_value_is_shown_by_its_ends() -> None:
    said = after(lambda s: probe(s).update(image="a" * 5000))

    assert "…" in said
    assert len(said) < 400


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": [{"b": 1, "more": 2}], "more": 3}, ""),
        ({"a": [{"b": 2}]}, "a[0].b: found 2, Serinus makes 1"),
        ({"a": [{"b": 1}, {}]}, "a: found 2 items, Serinus makes 1"),
        ({"a": {"b": 1}}, "a: found {'b': 1}, Serinus makes [{'b': 1}]"),
        ({}, "a: found none, Serinus makes [{'b': 1}]"),
    ],
)
def test_the_first_difference_is_named_by_its_path(found: Manifest, said: str) -> None:
    assert difference(found, {"a": [{"b": 1}]}) == said
