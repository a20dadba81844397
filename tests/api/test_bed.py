"""The API bed itself: users, RBAC, the count of writes, and that nothing of it outlives its owner."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from tests.support.apibed import ROOT, ApiBed
from tests.support.auditlog import Write
from tests.support.bedclient import Access, ApiError, Client, Manifest
from tests.support.processes import Child, Ended, eventually, free_ports

pytestmark = pytest.mark.api


def _config_map(namespace: str, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": data}


def _lease(namespace: str) -> Manifest:
    metadata = {"name": "l", "namespace": namespace}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}


def test_every_write_is_counted_with_its_answer_and_leases_are_not(bed: ApiBed, namespace: str) -> None:
    bed.reset_writes()
    stored = bed.client.create(_config_map(namespace, a="1"))
    bed.client.create(_lease(namespace))
    bed.client.apply(_config_map(namespace, a="2"), manager="someone")
    with pytest.raises(ApiError):
        bed.client.create(_config_map(namespace))
    bed.client.delete(stored)
    where = ("configmaps", "", namespace, "c")
    assert bed.writes("admin") == [
        Write("admin", "create", *where, 201),
        Write("admin", "patch", *where, 200, manager="someone"),
        Write("admin", "create", *where, 409),
        Write("admin", "delete", *where, 200),
    ]
    bed.reset_writes()
    assert bed.writes("admin") == []


def test_reads_and_dry_runs_are_told_from_writes(bed: ApiBed, namespace: str) -> None:
    bed.reset_writes()
    bed.client.list("v1", "ConfigMap", namespace)
    bed.client.create(_config_map(namespace), dry_run=True)
    assert [w.dry_run for w in bed.writes("admin")] == [True]


def test_user_has_no_rights_until_they_are_granted(bed: ApiBed, namespace: str) -> None:
    jane = bed.client_of("jane@example.com")
    with pytest.raises(ApiError, match=r'User "jane@example\.com" cannot list resource "configmaps"'):
        jane.list("v1", "ConfigMap", namespace)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    bed.grant("jane@example.com", [rule], namespace=namespace)
    assert eventually(lambda: _may(jane, namespace), "the role counts")
    with pytest.raises(ApiError, match="403 Forbidden"):
        jane.list("v1", "ConfigMap", "default")


def _may(user: Client, namespace: str) -> bool:
    try:
        user.list("v1", "ConfigMap", namespace)
    except ApiError:
        return False
    return True


def test_service_account_is_known_by_each_of_its_tokens(bed: ApiBed, namespace: str) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    tokens = {bed.service_account("serinus", namespace) for _ in range(2)}
    assert len(tokens) == 2
    for token in tokens:
        user = Client(Access(bed.url, token, str(bed.ca)))
        answer = user.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review).json()
        assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:serinus"
        user.close()


def test_kubeconfig_is_read_by_the_official_client(bed: ApiBed, namespace: str) -> None:
    with config.new_client_from_config(str(bed.kubeconfig())) as api:  # type: ignore[no-untyped-call]
        found: Any = client.CoreV1Api(api).read_namespace(namespace)
    assert found.metadata.name == namespace


def test_controllers_make_pods_and_collect_garbage(controlled_bed: ApiBed, namespace: str) -> None:
    bed = controlled_bed
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "registry.example/c"}]}}
    metadata = {"name": "x", "namespace": namespace}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    stored = bed.client.create({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec})
    eventually(lambda: len(bed.client.list("v1", "Pod", namespace)) == 2, "two pods")
    bed.client.delete(stored)
    eventually(lambda: not bed.client.list("v1", "Pod", namespace), "no pods", seconds=20)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_of_a_bed_outlives_its_owner(how: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.apibed", "--no-crds"]
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "operator")]), "TMPDIR": str(tmp_path)}
    owner = Child(command, log=tmp_path / "log", environment=environment)
    eventually(lambda: _ready(owner), "the bed ready", seconds=60)
    servers = _processes_with(str(tmp_path))
    assert {command[1] for command in servers.values()} == {"etcd", "kube-apiserver"}
    os.kill(owner.pid, how)
    owner.wait(20)
    eventually(lambda: not _processes_with(str(tmp_path)), "no process left")
    assert how == signal.SIGKILL or list(tmp_path.glob("serinus-bed-*")) == []


def _ready(owner: Child) -> bool:
    owner.check()
    return "KUBECONFIG" in owner.log.read_text()


def _processes_with(text: str) -> dict[int, list[str]]:
    """Command lines of running etcd and API servers that mention a folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if len(command) > 2 and command[1] in ("etcd", "kube-apiserver") and text in " ".join(command):
            found[int(entry.parent.name)] = command
    return found


def test_ended_program_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child(["/bin/sh", "-c", "echo out of order; exit 3"], log=tmp_path / "log")
    assert child.wait(5) == 3
    with pytest.raises(Ended, match=r"ended with 3; the end of log:\nout of order"):
        child.check()


def test_stubborn_program_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 60 & echo $! > pid; echo ready; wait; wait"
    child = Child(["/bin/sh", "-c", f"cd {tmp_path}; {script}"], log=tmp_path / "log")
    eventually(lambda: "ready" in child.log.read_text(), "the script at work")
    grandchild = int((tmp_path / "pid").read_text())
    assert child.stop(0.2) == -signal.SIGKILL
    eventually(lambda: not _alive(grandchild), "the grandchild gone")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_free_ports_are_different() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20


def test_condition_that_never_holds_is_named() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.1 s: rain; last: 0"):
        eventually(lambda: 0, "rain", seconds=0.1)


def test_bed_command_tells_how_to_use_it() -> None:
    command = [sys.executable, "-m", "tests.support.apibed", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "--controllers" in told
