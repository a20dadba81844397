"""The Tetragon policy of the pods that serve, in monitor mode: it tells what it sees, and stops nothing.

Three things that a model server has no reason to do. No action that ends a process is ever written here.
"""

from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.resources.context import Context

API_VERSION: Final = "cilium.io/v1alpha1"
KIND: Final = "TracingPolicyNamespaced"
_SHELLS: Final = ("/sh", "/bash", "/dash", "/ash", "/zsh", "/busybox", "/curl", "/wget", "/nc", "/ncat")
_MAY_WRITE: Final = "2"


def build(context: Context) -> list[Manifest]:
    """Build the policy, if it is asked for."""
    service, network = context.service, context.settings.network
    if not service.monitoring.outputs.tetragon:
        return []
    metadata = {
        "name": naming.serving_policy(service.name),
        "namespace": service.namespace,
        "labels": naming.app_labels(service.name),
    }
    spec: Manifest = {
        "podSelector": {"matchLabels": {naming.LABEL_SERVICE: service.name}},
        "options": [{"name": "policy-mode", "value": "monitor"}],
        "kprobes": [
            _kprobe(
                "security_bprm_check",
                "A shell or a download tool was started beside a model server",
                [("linux_binprm", "Postfix", _SHELLS)],
            ),
            _kprobe(
                "security_file_permission",
                "A model was written to",
                [("file", "Prefix", network.model_paths), ("int", "Equal", (_MAY_WRITE,))],
            ),
            _kprobe(
                "tcp_connect",
                "A model server connected to an address outside the cluster",
                [("sock", "NotDAddr", network.inside)],
            ),
        ],
    }
    return [{"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}]


def note(context: Context) -> str:
    """What the policy tells, if there is one: it blocks nothing."""
    if not context.service.monitoring.outputs.tetragon:
        return ""
    network = context.settings.network
    return (
        "blocks nothing (monitor mode); tells shells and download tools that are started, writes under "
        f"{', '.join(network.model_paths)}, connections outside {', '.join(network.inside)}"
    )


def _kprobe(call: str, message: str, arguments: list[tuple[str, str, tuple[str, ...]]]) -> Manifest:
    """A kernel function whose arguments, in order, have a type and match values by an operator, all of them."""
    return {
        "call": call,
        "message": message,
        "syscall": False,
        "args": [{"index": i, "type": kind} for i, (kind, _, _) in enumerate(arguments)],
        "selectors": [
            {
                "matchArgs": [
                    {"index": i, "operator": operator, "values": list(values)}
                    for i, (_, operator, values) in enumerate(arguments)
                ]
            }
        ],
    }
