"""Builds what guards a service: admission, network and runtime policies, all switched on. It chooses no file."""

from dataclasses import replace

from serinus.core.installation import Network, Peer
from serinus.core.model import Manifest, Outputs
from serinus.resources import admission_policy, cilium_policy, kyverno_policy, network_policy, tracing_policy
from serinus.resources.context import Context

NETWORK = Network(
    clients=(Peer(namespace="gateways", pod_labels={"app": "envoy"}),),
    monitoring=(Peer(namespace="monitoring"),),
    egress=(Peer(cidr="192.0.2.0/24", ports=(443,)), Peer(namespace="storage", ports=(9000,))),
    hosts=("huggingface.co", "*.hf.co"),
)
USER = "system:serviceaccount:serinus-system:serinus"


def switched_on(context: Context) -> Context:
    """The context of a service whose outputs are asked for, in an installation that knows its network."""
    monitoring = replace(context.service.monitoring, outputs=Outputs(network_policy=True, cilium=True, tetragon=True))
    settings = replace(context.settings, network=NETWORK, admission_policy=True, user=USER)
    return replace(context, service=replace(context.service, monitoring=monitoring), settings=settings)


def build(context: Context) -> list[Manifest]:
    """Build every policy of a service."""
    guarded = switched_on(context)
    builders = (kyverno_policy, admission_policy, network_policy, cilium_policy, tracing_policy)
    return [manifest for builder in builders for manifest in builder.build(guarded)]
