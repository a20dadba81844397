"""Owns the configuration files of the native cluster's components, as finished documents (JSON is YAML, too).

It must not start anything. Settings that look odd are explained where they stand.
"""

import base64
import json
from typing import Any

from tests.cluster import state
from tests.cluster.native import layout as fixed
from tests.cluster.native.layout import Layout

USERS = ("admin", "controller-manager", "scheduler", "proxy", "kubelet")


def write_all(layout: Layout) -> None:
    """Write every configuration file; a file whose text is the same is written again, which nobody notices."""
    layout.config.mkdir(parents=True, exist_ok=True)
    state.replace_file(layout.config / "resolv.conf", "")
    state.replace_file(layout.config / "containerd.toml", containerd(layout))
    _write_json(layout, "cni/10-serinus.conflist", network(layout))
    _write_json(layout, "kubelet.json", kubelet(layout))
    _write_json(layout, "proxy.json", proxy(layout))
    for user in USERS:
        state.replace_file(layout.kubeconfig(user), json.dumps(kubeconfig(layout, user), indent=1), 0o600)
    state.replace_file(state.kubeconfig(), json.dumps(kubeconfig(layout, "admin"), indent=1), 0o600)


def kubeconfig(layout: Layout, user: str) -> dict[str, Any]:
    """Return the kubeconfig of a user, with the certificates inside, so that the file can be copied."""

    def data(name: str) -> str:
        return base64.b64encode((layout.certificates / name).read_bytes()).decode()

    cluster = {
        "server": f"https://{fixed.NODE_IP}:{fixed.API_PORT}",
        "certificate-authority-data": data("ca.crt"),
    }
    keys = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "serinus", "cluster": cluster}],
        "users": [{"name": user, "user": keys}],
        "contexts": [{"name": "serinus", "context": {"cluster": "serinus", "user": user}}],
        "current-context": "serinus",
    }


def containerd(layout: Layout) -> str:
    """Return containerd's configuration: everything below our folder, no AppArmor, no rise of OOM scores.

    Pods' network namespaces are mounted below our folder because `ip netns add` of anybody on the host doubles
    the mounts in /run/netns, and then no pod can be removed.
    """
    top = layout.containerd
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{top}/root"
state = "{top}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "{layout.containerd_socket}"
[{cri}]
  sandbox_image = "registry.k8s.io/pause:3.10"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
[{cri}.cni]
  bin_dir = "{fixed.CNI_PLUGINS}"
  conf_dir = "{layout.config}/cni"
[{cri}.containerd]
  default_runtime_name = "runc"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = "{top}/runc"
"""


def network(layout: Layout) -> dict[str, Any]:
    """Return the pod network: the bridge that `up` has made, addresses kept below our folder."""
    addresses = {
        "type": "host-local",
        "dataDir": str(layout.root / "addresses"),
        "ranges": [[{"subnet": fixed.POD_CIDR, "gateway": fixed.NODE_IP}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": fixed.BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    # accepts the pods' traffic where the host's policy for forwarding is DROP, as Docker sets it
    firewall = {"type": "firewall"}
    return {"cniVersion": "0.4.0", "name": fixed.NETWORK_NAME, "plugins": [bridge, ports, firewall]}


def kubelet(layout: Layout) -> dict[str, Any]:
    """Return the kubelet's configuration.

    Nothing is evicted and no image collected: imported images cannot be pulled again.
    """
    folder = layout.certificates
    never = dict.fromkeys(("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"), "0%")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": fixed.NODE_IP,
        "readOnlyPort": 0,
        "authentication": {
            "x509": {"clientCAFile": str(folder / "ca.crt")},
            "webhook": {"enabled": True},
            "anonymous": {"enabled": False},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(folder / "kubelet.crt"),
        "tlsPrivateKeyFile": str(folder / "kubelet.key"),
        "clusterDNS": [fixed.DNS_IP],
        "clusterDomain": fixed.DOMAIN,
        "resolvConf": str(layout.config / "resolv.conf"),
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{fixed.CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "evictionHard": never,
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "5s",
        # how soon a changed ConfigMap (a rule, a configuration) is seen in a pod; the default is a minute
        "syncFrequency": "5s",
        "shutdownGracePeriod": "0s",
        "serializeImagePulls": False,
        "podLogsDir": str(layout.root / "pod-logs"),
        "volumePluginDir": str(layout.root / "volume-plugins"),
    }


def proxy(layout: Layout) -> dict[str, Any]:
    """Return kube-proxy's configuration: iptables, node ports on loopback and the bridge only."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": fixed.NODE_NAME,
        "clientConnection": {"kubeconfig": str(layout.kubeconfig("proxy"))},
        "clusterCIDR": fixed.POD_CIDR,
        "bindAddress": fixed.NODE_IP,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "nodePortAddresses": ["127.0.0.0/8", f"{fixed.NODE_IP}/32"],
        "oomScoreAdj": 0,
        "iptables": {"minSyncPeriod": "0s"},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _write_json(layout: Layout, name: str, document: dict[str, Any]) -> None:
    state.replace_file(layout.config / name, json.dumps(document, indent=1) + "\n")
