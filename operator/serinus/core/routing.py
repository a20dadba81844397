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
    """A receiver of the owner; its address or key is in a Secret, which is referred to and never read.

    How long a group of alerts is gathered, and how soon it is told again after a change and without one, is in seconds.
    """

    kind: ReceiverKind
    secret: SecretKey
    channel: str = ""
    group_wait: int
    group_interval: int
    repeat_interval: int
