"""Owns the bridge that is the node's address and the pods' gateway, and the links that hang on it.

It must not touch any other link: a foreign veth stays where it is.
"""

import ipaddress
import json

from tests.cluster import host
from tests.cluster.native.layout import BRIDGE, NODE_IP, POD_CIDR
from tests.cluster.progress import StepError
from tests.cluster.waiting import wait_for

ADDRESS = f"{NODE_IP}/{ipaddress.ip_network(POD_CIDR).prefixlen}"


def ensure_bridge() -> None:
    """Make the bridge with exactly the node's address; StepError when another link has a route into the network."""
    _refuse_overlap()
    if not _links_named(BRIDGE):
        host.output("ip", "link", "add", BRIDGE, "type", "bridge")
    for address in addresses():
        if address != ADDRESS:
            host.output("ip", "address", "del", address, "dev", BRIDGE)
    if ADDRESS not in addresses():
        host.output("ip", "address", "add", ADDRESS, "dev", BRIDGE)
    host.output("ip", "link", "set", BRIDGE, "up")


def remove() -> None:
    """Remove the links that hang on the bridge, then the bridge; a pod's link may go by itself meanwhile."""
    wait_for(_remove_once, 20.0, f"the removal of {BRIDGE} and its links")


def _remove_once() -> bool:
    for name in leftovers():
        host.succeeds("ip", "link", "del", name)
    return not leftovers()


def leftovers() -> list[str]:
    """Return the bridge's ports and the bridge, as far as they are there; the bridge is last."""
    bridge = _links_named(BRIDGE)
    if not bridge:
        return []
    ports = json.loads(host.output("ip", "-json", "link", "show", "master", BRIDGE) or "[]")
    return [*sorted(str(link["ifname"]) for link in ports if link), BRIDGE]


def _links_named(name: str) -> list[str]:
    links = json.loads(host.output("ip", "-json", "link", "show"))
    return [str(link["ifname"]) for link in links if link["ifname"] == name]


def addresses() -> list[str]:
    """Return the bridge's IPv4 addresses with their prefix lengths."""
    shown = json.loads(host.output("ip", "-json", "-4", "address", "show", "dev", BRIDGE))
    return [f"{a['local']}/{a['prefixlen']}" for link in shown if link for a in link["addr_info"]]


def _refuse_overlap() -> None:
    network = ipaddress.ip_network(POD_CIDR)
    for route in json.loads(host.output("ip", "-json", "-4", "route", "show")):
        destination = str(route["dst"])
        if destination == "default" or route.get("dev") == BRIDGE:
            continue
        if ipaddress.ip_network(destination).overlaps(network):
            raise StepError(f"link {route.get('dev')} has a route to {destination}, the cluster needs {POD_CIDR}")
