"""How the text of one setting becomes a value. Each parser raises ValueError whose text is what is allowed."""

import json
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from serinus.core.installation import DNS_TARGETS, Peer
from serinus.core.model import InvalidSpec
from serinus.core.prices import PriceBook, parse_prices
from serinus.core.traces import Preset, TraceEndpoint
from serinus.core.tracespec import parse_endpoints

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_PREFIX: Final = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/]{0,252}")
_LAST_PORT: Final = 65535
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_HOST: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]{2,63}")
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class InvalidSetting(ValueError):
    """A setting that cannot be used: the variable, what was found, what is allowed."""

    def __init__(self, variable: str, found: str, allowed: str) -> None:
        super().__init__(f"{variable}: found {found!r}; allowed: {allowed}")


def text(found: str) -> str:
    """Any text but none."""
    if not found.strip():
        raise ValueError("a text that is not empty")
    return found.strip()


def flag(found: str) -> bool:
    """`true` or `false`."""
    if found.lower() not in {"true", "false"}:
        raise ValueError("true, false")
    return found.lower() == "true"


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words, in any case."""

    def parse(found: str) -> str:
        if found.lower() not in words:
            raise ValueError(", ".join(words))
        return found.lower()

    return parse


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number in a closed range."""

    def parse(found: str) -> int:
        if not found.isdecimal() or not least <= int(found) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(found)

    return parse


def number(least: float, most: float) -> Callable[[str], float]:
    """A number in a closed range."""

    def parse(found: str) -> float:
        if not re.fullmatch(r"\d+(\.\d+)?", found) or not least <= float(found) <= most:
            raise ValueError(f"a number from {least} to {most}")
        return float(found)

    return parse


def duration(least: float, most: float) -> Callable[[str], float]:
    """Seconds: `15`, `15s`, `500ms`, `10m`, `2h`, `90d`, in a closed range."""

    def parse(found: str) -> float:
        match = _DURATION.fullmatch(found)
        seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else -1.0
        if not least <= seconds <= most:
            raise ValueError(f"a duration like 30s, 500ms, 10m, 2h, 90d from {least:g}s to {most:g}s")
        return seconds

    return parse


def dns_label(found: str) -> str:
    """A name of at most 63 small letters, digits and dashes."""
    if not _LABEL.fullmatch(found):
        raise ValueError("a name of at most 63 small letters, digits and dashes")
    return found


def names(found: str) -> tuple[str, ...]:
    """Names with commas between them, in order, once each; empty: none."""
    parts = [part.strip() for part in found.split(",") if part.strip()]
    if not all(_LABEL.fullmatch(part) for part in parts):
        raise ValueError("names with commas between them, empty for all")
    return tuple(dict.fromkeys(parts))


def word_or_none(found: str) -> str:
    """At most 150 letters, digits, dashes, dots and underscores; or empty."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,150}", found):
        raise ValueError("at most 150 letters, digits, dashes, dots and underscores, or empty")
    return found


def user_or_none(found: str) -> str:
    """The name of a user as the API server writes it, or empty."""
    if not re.fullmatch(r"[A-Za-z0-9._:@/-]{0,253}", found):
        raise ValueError("a user name such as system:serviceaccount:serinus-system:serinus, or empty")
    return found


def hosts(found: str) -> tuple[str, ...]:
    """Names of hosts with commas between them, each may begin with `*.`; empty: none."""
    parts = tuple(dict.fromkeys(part.strip().lower() for part in found.split(",") if part.strip()))
    if not all(_HOST.fullmatch(part) for part in parts):
        raise ValueError("names of hosts such as huggingface.co or *.hf.co, with commas between them")
    return parts


def networks(found: str) -> tuple[str, ...]:
    """Address blocks with commas between them, at least one."""
    allowed = "address blocks such as 10.0.0.0/8, with commas between them"
    try:
        parts = tuple(dict.fromkeys(str(ip_network(part.strip())) for part in found.split(",")))
    except ValueError as error:
        raise ValueError(allowed) from error
    return parts


def paths(found: str) -> tuple[str, ...]:
    """Absolute paths with commas between them, at least one."""
    return tuple(dict.fromkeys(path(part.strip()) for part in found.split(",")))


def path(found: str) -> str:
    """An absolute path of plain names."""
    if not re.fullmatch(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+", found):
        raise ValueError("an absolute path of letters, digits, dashes, dots and underscores, such as /var/log/pods")
    return found


def path_or_none(found: str) -> str:
    """An absolute path of plain names, or empty."""
    return path(found) if found else ""


def url_or_none(found: str) -> str:
    """An http(s) address without credentials, query or fragment, and without a slash at its end; or empty."""
    if not found:
        return ""
    parts = urlsplit(found)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        raise ValueError("http://host[:port][/path] or https://…, without user, query and fragment; or empty")
    return found.rstrip("/")


def pairs(found: str) -> Mapping[str, str]:
    """A JSON object of texts; empty: none."""
    return MappingProxyType(_object(found, str, 'a JSON object of texts such as {"release": "kps"}'))


def urls(found: str) -> Mapping[str, str]:
    """A JSON object from names to addresses; empty: none."""
    allowed = 'a JSON object from names to addresses such as {"judge": "https://judge.example.com/v1"}'
    content = _object(found, str, allowed)
    if not all(_LABEL.fullmatch(name) and address for name, address in content.items()):
        raise ValueError(allowed)
    return MappingProxyType({name: url_or_none(address) for name, address in content.items()})


def prices(found: str) -> PriceBook:
    """A JSON object from models to USD per million tokens; empty: none."""
    try:
        return MappingProxyType(dict(parse_prices(json.loads(found) if found.strip() else {})))
    except ValueError as error:
        raise ValueError('a JSON object such as {"llama-3.1-8b": {"prompt": 0.2, "generated": 0.8}}') from error
    except InvalidSpec as error:
        raise ValueError(f"a price book without this: {error}") from error


def blocks(found: str) -> Mapping[str, tuple[str, ...]]:
    """A JSON object from names to address blocks; empty: none."""
    allowed = 'a JSON object from names to address blocks such as {"judge": ["192.0.2.0/24"]}'
    content = _object(found, list, allowed)
    try:
        parsed = {name: tuple(str(ip_network(block)) for block in listed) for name, listed in content.items()}
    except (ValueError, TypeError) as error:
        raise ValueError(allowed) from error
    if not all(_LABEL.fullmatch(name) and listed for name, listed in parsed.items()):
        raise ValueError(allowed)
    return MappingProxyType(parsed)


def trace_endpoints(presets: Mapping[str, Preset]) -> Callable[[str], Mapping[str, TraceEndpoint]]:
    """A JSON object from names to a preset, an address and a project; empty: none."""

    def parse(found: str) -> Mapping[str, TraceEndpoint]:
        allowed = 'a JSON object such as {"default": {"preset": "tempo", "url": "http://tempo.monitoring:4317"}}'
        content = _object(found, dict, allowed)
        try:
            return MappingProxyType(dict(parse_endpoints(content, presets)))
        except InvalidSpec as error:
            raise ValueError(f"{allowed}, without this: {error}") from error

    return parse


def version(found: str) -> str:
    """A version as `0.155.0`."""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){2}", found):
        raise ValueError("a version such as 0.155.0")
    return found


def image(found: str) -> str:
    """The name of an image, without tag or with a digest."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._:/-]{0,200}(@sha256:[0-9a-f]{64})?", found):
        raise ValueError("the name of an image, with a digest or without a tag")
    return found


def members(*words: str) -> Callable[[str], tuple[str, ...]]:
    """Some of these words, at least one, with commas between them."""

    def parse(found: str) -> tuple[str, ...]:
        parts = tuple(dict.fromkeys(part.strip() for part in found.split(",")))
        if not set(parts) <= set(words):
            raise ValueError(f"one or more of {', '.join(words)}, with commas between them")
        return parts

    return parse


def prefixes(found: str) -> tuple[str, ...]:
    """Beginnings of annotation keys with commas between them; empty: none."""
    parts = tuple(dict.fromkeys(part.strip() for part in found.split(",") if part.strip()))
    if not all(_PREFIX.fullmatch(part) for part in parts):
        raise ValueError("beginnings of annotation keys such as service.beta.kubernetes.io/, with commas between them")
    return parts


def dns_targets(found: str) -> tuple[Peer, ...]:
    """A JSON list of places of DNS; empty: the usual ones."""
    return peers(found) if found.strip() else DNS_TARGETS


def peers(found: str) -> tuple[Peer, ...]:
    """A JSON list of pods of a namespace and of address blocks; empty: none."""
    if not found.strip():
        return ()
    allowed = 'a JSON list such as [{"namespace": "kube-system", "podLabels": {"k8s-app": "kube-dns"}, "ports": [53]}]'
    try:
        return tuple(_peer(**_renamed(target)) for target in json.loads(found))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{allowed}, each with a namespace or a cidr") from error


def _renamed(target: Mapping[str, Any]) -> dict[str, Any]:
    return {"labels" if key == "podLabels" else "" if key == "labels" else key: value for key, value in target.items()}


def _peer(*, namespace: str = "", labels: Mapping[str, str] = _NOTHING, cidr: str = "", ports: Any = ()) -> Peer:
    if bool(namespace) == bool(cidr) or (cidr and labels):
        raise ValueError
    if not all(isinstance(port, int) and 0 < port <= _LAST_PORT for port in ports):
        raise ValueError
    return Peer(
        namespace=dns_label(namespace) if namespace else "",
        pod_labels={str(key): str(value) for key, value in labels.items()},
        cidr=str(ip_network(cidr)) if cidr else "",
        ports=tuple(ports),
    )


def _object(found: str, values: type, allowed: str) -> dict[str, Any]:
    if not found.strip():
        return {}
    try:
        content = json.loads(found)
    except ValueError as error:
        raise ValueError(allowed) from error
    if not isinstance(content, dict) or not all(isinstance(value, values) for value in content.values()):
        raise ValueError(allowed)
    return content
