"""What a revision is: pod template, runtime and serving port as the user wrote them, and the hash of these.

Nothing else counts: not replicas, gates, monitoring, catalogue defaults or built output, so that an upgrade of the
operator restarts no model.
"""

import hashlib
import json
from dataclasses import dataclass, field

from serinus.core.model import InvalidSpec, Manifest
from serinus.core.naming import revision_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One version of a workload."""

    name: str
    sha256: str
    data: Manifest = field(hash=False)  # {"template", "runtime", "port"}; port is absent if the user gave none


def revision_of(body: Manifest) -> Revision:
    """Compute the revision that an LLMService's spec asks for; raises InvalidSpec without a workload template."""
    spec = body.get("spec", {})
    workload = spec.get("workload") or {}
    template = workload.get("template")
    if not isinstance(template, dict):
        raise InvalidSpec("spec.workload.template", "is required")
    data = {"template": template, "runtime": spec.get("runtime", "")}
    if workload.get("port") is not None:
        data["port"] = workload["port"]
    return from_data(data)


def from_data(data: Manifest) -> Revision:
    """Build the revision with this content, as it is kept in a ControllerRevision."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Revision(name=revision_name(sha256), sha256=sha256, data=data)
