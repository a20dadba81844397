"""The rows of the tables of accepted and refused objects."""

from dataclasses import dataclass, field
from typing import Any

from tests.support import objects
from tests.support.objects import Manifest, merged

_BUILDERS = {
    "LLMService": objects.llmservice,
    "ProbeSet": objects.probeset,
    "ProbeRun": objects.proberun,
    "Decision": objects.decision,
}


@dataclass(frozen=True)
class Row:
    """A valid object of a kind, changed by a merge patch of its spec (and perhaps its name); what the server says."""

    name: str
    spec: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    kind: str = "LLMService"
    called: str = "sample"

    def manifest(self, namespace: str) -> Manifest:
        """The whole object."""
        base = _BUILDERS[self.kind](self.called, namespace)
        return merged(base, {"spec": self.spec})


def quality(**fields: Any) -> dict[str, Any]:
    """A spec patch with one quality gate."""
    return {"gates": {"quality": [objects.gate(**fields)]}}


def metric(**fields: Any) -> dict[str, Any]:
    """A spec patch with one metric gate."""
    return {"gates": {"metrics": [{"name": "m", **fields}]}}


def slo(**fields: Any) -> dict[str, Any]:
    """A spec patch with one objective."""
    return {"slos": [{"name": "s", "objectivePercent": 99, **fields}]}


def override(**fields: Any) -> dict[str, Any]:
    """A spec patch with one changed alert."""
    return {"alerts": {"overrides": [{"alert": "LLMErrorRatioHigh", **fields}]}}


def judges(*names: str) -> dict[str, Any]:
    """A spec patch of a ProbeSet with judges."""
    service = {"name": "judge", "port": 80}
    return {"judges": [{"name": n, "model": "qwen2.5-32b", "serviceRef": service} for n in names]}
