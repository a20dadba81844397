"""Who reaches the pods that serve, and what they reach: the one description that both forms of network policy follow.

It makes no object. Teams may add policies of their own: what any of them lets through is let through.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from serinus.core.installation import Peer
from serinus.core.ports import container_port, declared_ports
from serinus.resources.context import Context
from serinus.resources.service import metrics_ports

_CLUSTER_IP = "ClusterIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Ports of containers, and peers. `clients` and `monitoring` empty: every pod of the cluster."""

    serving: tuple[int, ...]
    metrics: tuple[int, ...]
    outside: bool  # the users' Service has an address outside: anybody may ask
    clients: tuple[Peer, ...]
    monitoring: tuple[Peer, ...]
    dns: tuple[Peer, ...]
    egress: tuple[Peer, ...]
    hosts: tuple[str, ...]


def reach(context: Context) -> Reach:
    """Describe what the pods of a service need; raises InvalidSpec for a port that no container declares."""
    network = context.settings.network
    return Reach(
        serving=tuple(sorted(set(serving_ports(context)))),
        metrics=tuple(sorted(set(_scraped(context)))),
        outside=context.service.service.type != _CLUSTER_IP,
        clients=network.clients,
        monitoring=network.monitoring or _prometheus(context),
        dns=context.settings.dns,
        egress=network.egress,
        hosts=network.hosts,
    )


def serving_ports(context: Context) -> list[int]:
    """The serving port of every revision that has pods or will have, as a number."""
    names = [context.state.stable, context.state.revision, ""]
    found = []
    for name in names:
        template = context.data_of(name).get("template") if name else context.workload.template
        if template:
            port = str(context.port_of(name)) if name else context.workload.port
            found.append(container_port(template, port, "spec.workload.port"))
    return found


def told(context: Context, *, names: bool) -> str:
    """What the policy of a service lets through, in words, and so what it blocks; `names`: it can follow names."""
    found = reach(context)
    who = "anybody" if found.outside else _names(found.clients) or "every pod of the cluster"
    monitoring = _names(found.monitoring) or "every pod of the cluster"
    where = [*(_name(p) for p in found.egress), *(found.hosts if names else ())]
    text = (
        f"in: {who} and probes on {_numbers(found.serving)}; {monitoring} on {_numbers(found.metrics)} (metrics); "
        f"out: DNS{''.join(f', {w}' for w in where)}; pods of the service reach each other; anything else is blocked"
    )
    if not where:
        text += ", models that pods fetch as they start among it"
    if found.hosts and not names:
        text += f"; {', '.join(found.hosts)} too: a NetworkPolicy cannot follow names"
    return f"{text}. A cluster whose network ignores policies says nothing"


def _scraped(context: Context) -> list[int]:
    template = context.workload.template
    named = dict(declared_ports(template))
    ports = metrics_ports(context).values()
    return [named[p] if p in named else container_port(template, p, "spec.workload.metricsPort") for p in ports]


def _prometheus(context: Context) -> tuple[Peer, ...]:
    """The namespaces of the Prometheus objects, where they can be read."""
    return tuple(Peer(namespace=name) for name in sorted({s.namespace for s in context.scrapers}))


def _numbers(ports: Iterable[int]) -> str:
    return f"TCP {', '.join(map(str, ports))}" if ports else "no port"


def _names(peers: Iterable[Peer]) -> str:
    return ", ".join(_name(peer) for peer in peers)


def _name(peer: Peer) -> str:
    labels = "".join(f" {key}={value}" for key, value in sorted(peer.pod_labels.items()))
    ports = f" on {', '.join(map(str, peer.ports))}" if peer.ports else ""
    return f"{peer.cidr or f'namespace {peer.namespace}'}{labels}{ports}"
