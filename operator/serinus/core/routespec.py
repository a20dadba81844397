"""spec.monitoring.outputs.alertmanagerConfig, and references to keys of Secrets, parsed. Raises InvalidSpec."""

import re
from typing import Final

from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.routing import Receiver, ReceiverKind
from serinus.core.secret_key import SecretKey

_CHANNEL: Final = re.compile(r"[#@]?[A-Za-z0-9._-]{1,79}")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def parse_receiver(outputs: Fields) -> Receiver | None:
    """Read the receiver of `spec.monitoring.outputs`, None where there is none."""
    if not outputs.has("alertmanagerConfig"):
        return None
    fields = outputs.child("alertmanagerConfig")
    if not fields.has("receiver"):
        raise InvalidSpec(fields.at("receiver"), f"is required, allowed are {', '.join(ReceiverKind)}")
    kind = fields.one_of("receiver", ReceiverKind, ReceiverKind.WEBHOOK)
    channel = fields.text("channel", "")
    if bool(channel) != (kind is ReceiverKind.SLACK):
        raise InvalidSpec(fields.at("channel"), f"found {channel!r}, allowed is a channel for Slack, none for others")
    if channel and not _CHANNEL.fullmatch(channel):
        raise InvalidSpec(fields.at("channel"), f"found {channel!r}, allowed is {_CHANNEL.pattern}")
    return Receiver(
        kind=kind,
        secret=parse_secret_key(fields),
        channel=channel,
        group_wait=fields.seconds("groupWait", "30s"),
        group_interval=_positive(fields, "groupInterval", "5m"),
        repeat_interval=_positive(fields, "repeatInterval", "4h"),
    )


def _positive(fields: Fields, key: str, default: str) -> int:
    """Read a duration that Alertmanager refuses to be none."""
    found = fields.seconds(key, default)
    if not found:
        raise InvalidSpec(fields.at(key), f"found {fields.text(key)!r}, allowed is a duration of 1s or more")
    return found


def parse_secret_key(fields: Fields) -> SecretKey:
    """Read `secretKeyRef` of an object: the name of a Secret of the same namespace, and a key in it."""
    found = fields.child("secretKeyRef")
    name, key = found.text("name"), found.text("key")
    for at, text, pattern in ((found.at("name"), name, _NAME), (found.at("key"), key, _KEY)):
        if not pattern.fullmatch(text):
            raise InvalidSpec(at, f"found {text!r}, allowed is {pattern.pattern}")
    return SecretKey(name=name, key=key)
