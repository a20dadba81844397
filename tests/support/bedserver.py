"""Owns the processes of the API bed: flags, certificates, tokens and order. It must not know any object of ours."""

import json
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from tests.cluster import binaries
from tests.support.auditlog import POLICY
from tests.support.processes import Child, Ended, eventually, free_ports

ADMIN = "admin"
CONTROLLER_MANAGER = "system:kube-controller-manager"
USERS: Mapping[str, tuple[str, ...]] = {
    ADMIN: ("system:masters",),
    CONTROLLER_MANAGER: ("system:masters",),
    "pod-faker": ("system:masters",),
    "serinus": ("serinus",),
    "jane@example.com": ("people",),
    "john@example.com": ("people",),
}
"""Users of the token file, with their groups."""
_START_SECONDS = 60.0
_ATTEMPTS = 3
_CONTROLLERS = "*,-node-lifecycle-controller,-taint-eviction-controller"
"""Without those that would evict pods from a node that no kubelet reports for."""


class Server:
    """A running etcd and kube-apiserver. `folder` holds every file and log of theirs."""

    def __init__(self) -> None:
        self._program = binaries.ensure("kube")
        self.folder = Path(tempfile.mkdtemp(prefix="serinus-bed-"))
        self.tokens = {user: secrets.token_hex(16) for user in USERS}
        self.audit_log = self.folder / "audit.log"
        self.ca = self.folder / "apiserver.crt"
        self.url = ""
        self._children: dict[str, Child] = {}
        try:
            self._prepare()
            self._start()
        except BaseException:
            self.close()
            raise

    def log(self, component: str) -> Path:
        """The log file of a component."""
        return self.folder / f"{component}.log"

    def start_controllers(self, kubeconfig: Path) -> bool:
        """Start the controller-manager; False when it runs already."""
        name = "kube-controller-manager"
        if name in self._children:
            return False
        flags = {
            "kubeconfig": kubeconfig,
            "controllers": _CONTROLLERS,
            "service-account-private-key-file": self.folder / "sa.key",
            "root-ca-file": self.ca,
            "use-service-account-credentials": "false",
            "leader-elect": "false",
            "secure-port": 0,
            "kube-api-qps": 500,
            "kube-api-burst": 1000,
        }
        self._run(name, flags)
        return True

    def wait(self, component: str, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds; raises Ended as soon as the component is gone."""

        def holds() -> bool:
            self._children[component].check()
            return condition()

        eventually(holds, what, seconds=_START_SECONDS)

    def close(self) -> None:
        """End every process and remove the folder."""
        for child in reversed(self._children.values()):
            child.kill()
        self._children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _prepare(self) -> None:
        lines = [f'{self.tokens[u]},{u},{u},"{",".join(groups)}"' for u, groups in USERS.items()]
        tokens = self.folder / "tokens.csv"
        tokens.write_text("\n".join(lines) + "\n")
        tokens.chmod(0o600)
        (self.folder / "audit-policy.yaml").write_text(json.dumps(POLICY))
        self.audit_log.touch()
        command = [
            "openssl",
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
            str(self.folder / "sa.key"),
        ]
        subprocess.run(command, check=True, capture_output=True)

    def _start(self) -> None:
        """Start both; a port that somebody else took meanwhile is tried again with another."""
        for attempt in range(1, _ATTEMPTS + 1):
            client, peer, secure = free_ports(3)
            self.url = f"https://127.0.0.1:{secure}"
            try:
                self._run("etcd", self._etcd_flags(client, peer))
                self._run("kube-apiserver", self._apiserver_flags(client, secure))
                self.wait("kube-apiserver", self._ready, "the API server ready")
            except Ended:
                self._stop_all()
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _stop_all(self) -> None:
        for child in reversed(self._children.values()):
            child.kill()
        self._children.clear()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def _run(self, component: str, flags: Mapping[str, object]) -> None:
        arguments: list[str | Path] = [
            self._program,
            component,
            *(f"--{name}={value}" for name, value in flags.items()),
        ]
        self._children[component] = Child(arguments, log=self.log(component))

    def _etcd_flags(self, client: int, peer: int) -> dict[str, object]:
        here, there = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        return {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": here,
            "advertise-client-urls": here,
            "listen-peer-urls": there,
            "initial-advertise-peer-urls": there,
            "initial-cluster": f"default={there}",
            "unsafe-no-fsync": "true",
            "log-level": "error",
        }

    def _apiserver_flags(self, etcd: int, secure: int) -> dict[str, object]:
        return {
            "etcd-servers": f"http://127.0.0.1:{etcd}",
            "bind-address": "127.0.0.1",
            "secure-port": secure,
            "cert-dir": self.folder,
            "endpoint-reconciler-type": "none",
            "token-auth-file": self.folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self.folder / "sa.key",
            "service-account-signing-key-file": self.folder / "sa.key",
            "audit-policy-file": self.folder / "audit-policy.yaml",
            "audit-log-path": self.audit_log,
            "audit-log-mode": "blocking",
            "shutdown-delay-duration": "0s",
        }

    def _ready(self) -> bool:
        if not self.ca.exists():
            return False
        headers = {"Authorization": f"Bearer {self.tokens[ADMIN]}"}
        try:
            return requests.get(f"{self.url}/readyz", headers=headers, verify=str(self.ca), timeout=2).ok
        except (requests.RequestException, OSError):
            return False
