"""Owns the API bed as tests use it: a real API server on loopback, users, RBAC, random namespaces, a count of writes.

It must not fake anything of the API. No kubelet and no scheduler run: `podfaker` plays the node where one is wanted.
`python -m tests.support.apibed` starts one by hand and prints how to reach it.
"""

import argparse
import base64
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.support.auditlog import AuditLog, Write
from tests.support.bedclient import Access, ApiError, Client, Manifest
from tests.support.bedserver import ADMIN, CONTROLLER_MANAGER, Server

ROOT = Path(__file__).parent.parent.parent
_RBAC = "rbac.authorization.k8s.io"


class ApiBed:
    """A running bed. Users of `bedserver.USERS` have tokens of their own; any other name is impersonated."""

    def __init__(self) -> None:
        self.server = Server()
        self.url = self.server.url
        self.ca = self.server.ca
        self._clients: dict[str, Client] = {}
        self._audit = AuditLog(self.server.audit_log, self._barrier)

    @property
    def client(self) -> Client:
        """The administrator's client."""
        return self.client_of(ADMIN)

    def token(self, user: str) -> str:
        """The token of a user of the token file."""
        return self.server.tokens[user]

    def client_of(self, user: str) -> Client:
        """A client that acts as a user; its connections are closed with the bed."""
        if user not in self._clients:
            known = user in self.server.tokens
            access = Access(self.url, self.token(user if known else ADMIN), str(self.ca))
            self._clients[user] = Client(access, impersonate="" if known else user)
        return self._clients[user]

    def service_account(self, name: str, namespace: str, *, seconds: int = 3600) -> str:
        """A new token of a service account, which is made if needed; each call gives another one."""
        self.client.apply(_service_account(name, namespace))
        path = self.client.path("v1", "ServiceAccount", namespace, name)
        answer = self.client.request("POST", f"{path}/token", body={"spec": {"expirationSeconds": seconds}})
        return str(answer.json()["status"]["token"])

    def kubeconfig(self, user: str = ADMIN, *, token: str = "", url: str = "", namespace: str = "default") -> Path:
        """Write a kubeconfig file for a user (or a token), for the bed or for the `url` of a proxy before it."""
        cluster: Manifest = {"server": url or self.url}
        if cluster["server"].startswith("https"):
            cluster["certificate-authority-data"] = base64.b64encode(self.ca.read_bytes()).decode()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "bed",
            "clusters": [{"name": "bed", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token or self.token(user)}}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": user, "namespace": namespace}}],
        }
        path = self.server.folder / f"kubeconfig-{secrets.token_hex(4)}.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content))
        return path

    def grant(self, user: str, rules: list[Manifest], *, namespace: str = "") -> None:
        """Give a user (or `system:serviceaccount:<namespace>:<name>`) RBAC rules, in one namespace or everywhere."""
        kind = "Role" if namespace else "ClusterRole"
        meta = {"name": f"grant-{secrets.token_hex(4)}"} | ({"namespace": namespace} if namespace else {})
        self.client.create({"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": meta, "rules": rules})
        subject = {"kind": "User", "name": user, "apiGroup": _RBAC}
        reference = {"kind": kind, "name": meta["name"], "apiGroup": _RBAC}
        binding = {"apiVersion": f"{_RBAC}/v1", "kind": f"{kind}Binding", "metadata": meta}
        self.client.create({**binding, "roleRef": reference, "subjects": [subject]})

    def new_namespace(self) -> str:
        """Make a namespace of a random name, with the service account that pods in it need."""
        name = f"t-{secrets.token_hex(4)}"
        self.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.client.apply(_service_account("default", name))
        return name

    def remove_namespace(self, name: str) -> None:
        """Ask for the end of a namespace; only a controller-manager brings it about."""
        self.client.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def install_crds(self) -> None:
        """Install the project's own custom resources and wait until they are served."""
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            self.client.install(yaml.safe_load(path.read_text()))

    def start_controllers(self) -> None:
        """Start the controller-manager unless it runs: ReplicaSets, Jobs, EndpointSlices, garbage collection."""
        if not self.server.start_controllers(self.kubeconfig(CONTROLLER_MANAGER)):
            return
        namespace = self.new_namespace()

        def at_work() -> bool:
            return self.client.find("v1", "ConfigMap", "kube-root-ca.crt", namespace) is not None

        self.server.wait("kube-controller-manager", at_work, "the controllers at work")
        self.remove_namespace(namespace)

    def writes(self, *users: str) -> list[Write]:
        """Every write since `reset_writes` (Leases apart), from the audit log; of these users, or of all."""
        return self._audit.writes(users=users or None)

    def reset_writes(self) -> None:
        """Count from here."""
        self._audit.reset()

    def close(self) -> None:
        """End every process and remove the folder."""
        for client in self._clients.values():
            client.close()
        self.server.close()

    def _barrier(self) -> str:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self.client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review)
        return answer.headers["Audit-Id"]


def _service_account(name: str, namespace: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


@contextmanager
def a_bed() -> Iterator[ApiBed]:
    """A bed with the project's custom resources, for what would be in the way of others in the shared one."""
    running = ApiBed()
    try:
        running.install_crds()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def bed() -> Iterator[ApiBed]:
    """One bed a test run, with the project's custom resources installed."""
    with a_bed() as running:
        yield running


@pytest.fixture(scope="session")
def controlled_bed(bed: ApiBed) -> ApiBed:
    """The same bed with a controller-manager."""
    bed.start_controllers()
    return bed


@pytest.fixture
def namespace(bed: ApiBed) -> Iterator[str]:
    """A namespace of a random name."""
    name = bed.new_namespace()
    yield name
    bed.remove_namespace(name)


def main(arguments: list[str]) -> int:
    """Start a bed, print how to reach it, and end it on Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.apibed", description=main.__doc__)
    parser.add_argument("--controllers", action="store_true", help="start the controller-manager too")
    parser.add_argument("--no-crds", action="store_true", help="do not install the project's custom resources")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    running = ApiBed()
    try:
        if not options.no_crds:
            running.install_crds()
        if options.controllers:
            running.start_controllers()
        print(f"ready in {time.monotonic() - started:.1f} s at {running.url}; logs in {running.server.folder}")
        print(f"export KUBECONFIG={running.kubeconfig()}", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    except ApiError as e:
        print(e, file=sys.stderr)
        return 1
    finally:
        running.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
