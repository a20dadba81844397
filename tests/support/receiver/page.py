"""One alert as a person reads it, read from Alertmanager's webhook body (version 4).

It owns the reading of a notification and the line; it must not open sockets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "-"


class InvalidNotification(ValueError):
    """The body is not a notification of Alertmanager; the message names the field."""


@dataclass(frozen=True)
class Page:
    """One alert of a notification; `received` and the times are as given, in RFC 3339.

    `receiver` is Alertmanager's name of the receiver that the alert was routed to.
    """

    received: str
    receiver: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: str
    ends: str
    fingerprint: str

    def line(self) -> str:
        """Time, status, severity, alert name, namespace/service, summary; always a single line."""
        label = self.labels.get
        service = f"{label('namespace', UNKNOWN)}/{label('llmservice', UNKNOWN)}"
        text = self.annotations.get("summary") or self.annotations.get("description") or "(no summary)"
        words = [
            self.received,
            self.status.upper(),
            label("severity", UNKNOWN),
            label("alertname", UNKNOWN),
            service,
            text,
        ]
        return " ".join("".join(c if c.isprintable() else " " for c in word).strip() for word in words)

    def as_dict(self) -> dict[str, Any]:
        """The page as JSON-ready data, with Alertmanager's own field names."""
        return {
            "receivedAt": self.received,
            "receiver": self.receiver,
            "status": self.status,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": self.starts,
            "endsAt": self.ends,
            "fingerprint": self.fingerprint,
        }


def read_pages(body: Any, received: str) -> list[Page]:
    """The alerts of one notification, in its order; raises InvalidNotification when it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("alerts"), list):
        raise InvalidNotification("alerts: found none, a list of alerts is needed")
    receiver = body.get("receiver", "")
    if not isinstance(receiver, str):
        raise InvalidNotification(f"receiver: found {receiver!r}, a text is needed")
    return [_read_page(index, raw, received, receiver) for index, raw in enumerate(body["alerts"])]


def _read_page(index: int, raw: Any, received: str, receiver: str) -> Page:
    where = f"alerts[{index}]"
    if not isinstance(raw, dict):
        raise InvalidNotification(f"{where}: found {type(raw).__name__}, an object is needed")
    if raw.get("status") not in {"firing", "resolved"}:
        raise InvalidNotification(f"{where}.status: found {raw.get('status')!r}, allowed: firing, resolved")
    return Page(
        received=received,
        receiver=receiver,
        status=raw["status"],
        labels=_texts(f"{where}.labels", raw.get("labels")),
        annotations=_texts(f"{where}.annotations", raw.get("annotations", {})),
        starts=str(raw.get("startsAt", "")),
        ends=str(raw.get("endsAt", "")),
        fingerprint=str(raw.get("fingerprint", "")),
    )


def _texts(where: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise InvalidNotification(f"{where}: found {value!r}, an object of texts is needed")
    return dict(value)
