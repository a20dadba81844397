"""What the demo installs and changes: names, times and the four changes with what is promised of each. Data only."""

from dataclasses import dataclass

NAMESPACE = "team-a"
SYSTEM = "serinus-system"
SERVICE = "chat"
OWNER = f"{NAMESPACE}/{SERVICE}/owner"
"""The receiver of the service's owner, as prometheus-operator names it: namespace, AlertmanagerConfig, receiver."""
MODEL = "llama-3.1-8b"
REPLICAS = 4
USERS_PER_SECOND = 10
USERS_SECONDS = 3600


@dataclass(frozen=True)
class Change:
    """One change of the model server, and what must become of it."""

    name: str
    arguments: tuple[str, ...]
    verdict: str  # of the gate before traffic
    promoted: bool
    decided_within: float  # seconds from Ready to the decision


CHANGES = (
    Change("first revision", ("--mode=good", "--noise-percent=1"), "Passed", promoted=True, decided_within=90),
    Change("good change", ("--mode=good", "--noise-percent=1", "--max-queued=256"), "Passed", True, 90),
    Change("15 points worse", ("--mode=wrong", "--wrong-percent=15"), "Failed", False, 90),
    Change("garbage", ("--mode=garbage",), "Failed", False, 90),
)
"""In this order; the second differs from the first in nothing that its answers show."""
