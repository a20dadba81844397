"""The demo's hands: bring up the cluster, install the chart, apply and read objects. Every wait has a deadline."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster import binaries, clusters, images, stack
from tests.cluster.kubectl import environment, kubectl, wait_available, wait_for
from tests.cluster.progress import StepError
from tests.e2e.demo import manifests, settings
from tests.support import stackobjects

ROOT = Path(__file__).parents[3]
IMAGES = ("serinus", "serinus-modelserver", "serinus-users")
RELEASE = "serinus"
_HELM_SECONDS = 180


def prepare(*, use_kubeconfig: bool) -> None:
    """Bring up the cluster with its monitoring, and give it our images; nothing is done twice."""
    clusters.ensure(use_kubeconfig=use_kubeconfig)
    stack.install()
    clusters.load(*IMAGES)


def install() -> None:
    """Install or upgrade the operator by its chart, with the values that the stack gives it."""
    _forget_interrupted()
    reference = clusters.image("serinus")
    repository, _, tag = reference.rpartition(":")
    values = stackobjects.joined(
        stackobjects.operator_values(),
        {
            "image": {"repository": repository, "tag": tag},
            "podAnnotations": {"content": f"c{images.content_key('serinus')}"},
            "prometheus": {"url": f"http://{stack.PROMETHEUS}.{stack.NAMESPACE}:9090"},
            "monitoring": {"interval": "5s"},
        },
    )
    chart = str(ROOT / "charts" / "serinus")
    wait = ("--create-namespace", "--wait", "--timeout", f"{_HELM_SECONDS}s")
    _helm("upgrade", "--install", RELEASE, chart, *wait, "--values", "-", values=json.dumps(values))


def _forget_interrupted() -> None:
    """Remove a release whose installation was cut off: helm would wait for it for ever. Its CRDs stay."""
    found = _run_helm("status", RELEASE, "--output", "json")
    status = json.loads(found.stdout)["info"]["status"] if found.returncode == 0 else ""
    if status.startswith(("pending", "uninstalling")):
        _helm("uninstall", RELEASE, "--wait", "--timeout", "60s")


def _helm(*arguments: str, values: str = "") -> None:
    done = _run_helm(*arguments, values=values)
    if done.returncode != 0:
        raise StepError(f"helm {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


def _run_helm(*arguments: str, values: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(binaries.ensure("helm")), "--namespace", settings.SYSTEM, *arguments]
    return subprocess.run(command, env=environment(), input=values, capture_output=True, text=True, check=False)


def apply(*objects: manifests.Manifest) -> None:
    """Apply objects as a user does; StepError with kubectl's words if one is refused."""
    kubectl("apply", "-f", "-", input=manifests.text(*objects))


def get(kind: str, name: str = "", *, selector: str = "") -> dict[str, Any]:
    """Read one object, or a list without a name; {} if there is no such object."""
    arguments = ["-n", settings.NAMESPACE, "get", kind, "-o", "json", "--ignore-not-found"]
    arguments += [name] if name else []
    arguments += ["-l", selector] if selector else []
    found = kubectl(*arguments)
    return dict(json.loads(found)) if found.strip() else {}


def status() -> dict[str, Any]:
    """Status of the demo's LLMService."""
    return dict(get("llmservice", settings.SERVICE).get("status") or {})


def users_summary() -> dict[str, Any]:
    """What users met so far."""
    path = f"/api/v1/namespaces/{settings.NAMESPACE}/pods/users:8080/proxy/summary"
    return dict(json.loads(kubectl("get", "--raw", path)))


def apply_team() -> None:
    """Apply what the team has before its service: the namespace, its pager, its questions."""
    apply(manifests.namespace(), manifests.pager(f"{stack.RECEIVER}/owner"), manifests.probe_set())


def start_users() -> None:
    """Start the users afresh."""
    kubectl("-n", settings.NAMESPACE, "delete", "pod", "users", "--ignore-not-found", "--wait=true")
    apply(manifests.users(clusters.image("serinus-users")))
    wait_for(users_summary, 60, "the users")


def remove() -> None:
    """Take away what an earlier demo left, so that each begins with a first revision and the first page of it."""
    if kubectl("get", "namespace", settings.NAMESPACE, "--ignore-not-found", "-o", "name"):
        kubectl("delete", "namespace", settings.NAMESPACE, "--wait=true", "--timeout=120s")
        stack.forget_pages()


__all__ = [
    "apply", "apply_team", "get", "install", "prepare", "remove", "start_users", "status", "users_summary",
    "wait_available",
]  # fmt: skip
