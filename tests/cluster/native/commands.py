"""Owns the command line of every daemon of the native cluster.

It must not start them.
"""

from pathlib import Path

from tests.cluster.native import layout as fixed
from tests.cluster.native.layout import Layout
from tests.cluster.native.processes import Daemon

NAMES = ("etcd", "kube-apiserver", "containerd", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")


def etcd(layout: Layout, kube: Path) -> Daemon:
    """Return etcd: on loopback, without fsync, because a test cluster's data may be lost."""
    client = f"http://127.0.0.1:{fixed.ETCD_PORT}"
    peer = f"http://127.0.0.1:{fixed.ETCD_PEER_PORT}"
    return _component(
        kube,
        "etcd",
        f"--data-dir={layout.root / 'etcd'}",
        "--name=serinus",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=serinus={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def apiserver(layout: Layout, kube: Path) -> Daemon:
    """Return kube-apiserver: on the bridge's address only; Node and RBAC authorisation."""
    keys = layout.certificates
    return _component(
        kube,
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{fixed.ETCD_PORT}",
        f"--bind-address={fixed.NODE_IP}",
        f"--advertise-address={fixed.NODE_IP}",
        f"--secure-port={fixed.API_PORT}",
        "--endpoint-reconciler-type=lease",
        f"--service-cluster-ip-range={fixed.SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
        f"--client-ca-file={keys / 'ca.crt'}",
        f"--tls-cert-file={keys / 'apiserver.crt'}",
        f"--tls-private-key-file={keys / 'apiserver.key'}",
        f"--kubelet-certificate-authority={keys / 'ca.crt'}",
        f"--kubelet-client-certificate={keys / 'apiserver-kubelet-client.crt'}",
        f"--kubelet-client-key={keys / 'apiserver-kubelet-client.key'}",
        f"--service-account-issuer=https://kubernetes.default.svc.{fixed.DOMAIN}",
        f"--service-account-key-file={keys / 'service-account.pub'}",
        f"--service-account-signing-key-file={keys / 'service-account.key'}",
        f"--requestheader-client-ca-file={keys / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={keys / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={keys / 'front-proxy-client.key'}",
    )


def controller_manager(layout: Layout, kube: Path) -> Daemon:
    """Return kube-controller-manager: with the default of 20 requests a second it takes 5 s to start."""
    keys, kubeconfig = layout.certificates, layout.kubeconfig("controller-manager")
    return _component(
        kube,
        "kube-controller-manager",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--service-account-private-key-file={keys / 'service-account.key'}",
        f"--root-ca-file={keys / 'ca.crt'}",
        f"--cluster-signing-cert-file={keys / 'ca.crt'}",
        f"--cluster-signing-key-file={keys / 'ca.key'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    )


def scheduler(layout: Layout, kube: Path) -> Daemon:
    """Return kube-scheduler."""
    kubeconfig = layout.kubeconfig("scheduler")
    return _component(
        kube,
        "kube-scheduler",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    )


def containerd(layout: Layout, program: Path) -> Daemon:
    """Return containerd with a configuration, root and socket of its own."""
    config = layout.config / "containerd.toml"
    return Daemon("containerd", (str(program), "--config", str(config)), (config,))


def kubelet(layout: Layout, kube: Path) -> Daemon:
    """Return the kubelet of the one node."""
    config = layout.config / "kubelet.json"
    return _component(
        kube,
        "kubelet",
        f"--config={config}",
        f"--kubeconfig={layout.kubeconfig('kubelet')}",
        f"--hostname-override={fixed.NODE_NAME}",
        f"--node-ip={fixed.NODE_IP}",
        f"--root-dir={layout.root / 'kubelet'}",
        f"--cert-dir={layout.certificates}",
        reads=(config,),
    )


def proxy(layout: Layout, kube: Path) -> Daemon:
    """Return kube-proxy."""
    config = layout.config / "proxy.json"
    return _component(kube, "kube-proxy", f"--config={config}", reads=(config,))


def _component(kube: Path, name: str, *flags: str, reads: tuple[Path, ...] = ()) -> Daemon:
    return Daemon(name, (str(kube), name, *flags), reads)
