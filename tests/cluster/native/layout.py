"""Owns every fixed name, address, port and path of the native cluster.

It must not touch the host.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.cluster import state

NODE_NAME = "serinus"
BRIDGE = "cni0"
NODE_IP = "10.244.0.1"
POD_CIDR = "10.244.0.0/24"
SERVICE_CIDR = "10.96.0.0/16"
KUBERNETES_SERVICE_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
DOMAIN = "cluster.local"
API_PORT = 6443
ETCD_PORT = 22379
ETCD_PEER_PORT = 22380
NETWORK_NAME = "serinus-pods"
CGROUP = "serinus-cluster"
MARKER = "SERINUS_CLUSTER_PROCESS"
CNI_PLUGINS = Path("/usr/lib/cni")
CNI_RESULTS = Path("/var/lib/cni/results")
CONTAINER_LOGS = Path("/var/log/containers")

SOCKET_LIMIT = 107


@dataclass(frozen=True)
class Layout:
    """The paths below the state folder."""

    root: Path

    @property
    def certificates(self) -> Path:
        """Return the folder of keys and certificates."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """Return the folder of component configuration and kubeconfigs."""
        return self.root / "config"

    @property
    def logs(self) -> Path:
        """Return the folder of the components' logs."""
        return self.root / "log"

    @property
    def containerd(self) -> Path:
        """Return the folder of containerd's root, state and socket."""
        return self.root / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Return the socket of containerd."""
        return self.containerd / "containerd.sock"

    @property
    def imported(self) -> Path:
        """Return the folder that remembers which image archives containerd has."""
        return self.root / "images"

    @property
    def saved_sysctls(self) -> Path:
        """Return the file of the kernel settings as they were before."""
        return self.root / "sysctls.json"

    def kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of a component."""
        return self.config / f"{user}.kubeconfig"


def current() -> Layout:
    """Return the layout of the state folder that the environment names; its sockets must fit into 107 bytes."""
    layout = Layout(state.folder().absolute())
    longest = f"{layout.containerd_socket}.ttrpc"
    if len(longest) > SOCKET_LIMIT:
        raise ValueError(f"SERINUS_CLUSTER_STATE: {longest} is longer than {SOCKET_LIMIT} bytes")
    return layout
