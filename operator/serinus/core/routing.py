"""Who gets the alerts of a service: a receiver of its owner. Types alone; `routespec` reads them."""

from dataclasses import dataclass
from enum import StrEnum

from serinus.core.secret_key import SecretKey


class ReceiverKind(StrEnum):
    """Where alerts go."""

    WEBHOOK = "Webhook"
    SLACK = "Slack"
    PAGER_DUTY = "PagerDuty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A receiver of the owner; its address or key is in a Secret, which is referred to and never read."""

    kind: ReceiverKind
    secret: SecretKey
    channel: str = ""
