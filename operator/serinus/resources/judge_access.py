"""How the pod of a probe Job reaches the judges: addresses, keys and the network rules for them, and nothing wider."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from serinus.core import naming
from serinus.core.judge import Judged, JudgeSpec
from serinus.core.model import Manifest, QualityGate
from serinus.core.rollout import Hold
from serinus.core.runspec import JudgeEndpoint
from serinus.core.seen import Questions
from serinus.resources.context import Context, Settings

_KEYS_DIRECTORY = "/var/run/serinus-judges"
_PRIVATE_4 = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
_PRIVATE_6 = ("::1/128", "fc00::/7", "fe80::/10")


def reachable(
    gates: Sequence[QualityGate], questions: Mapping[str, Questions], settings: Settings
) -> tuple[dict[str, Questions], Hold | None]:
    """The questions whose judges have an address, and why the first of the others has none."""
    found: dict[str, Questions] = {}
    problem: Hold | None = None
    for name, asked in questions.items():
        unknown = [e for e in _endpoints(asked) if e.endpoint and e.endpoint not in settings.endpoints]
        if not unknown:
            found[name] = asked
            continue
        gate = next((g.name for g in gates if g.probe_set == name), "")
        known = ", ".join(sorted(settings.endpoints)) or "none: the operator's settings name no endpoint"
        message = (
            f"spec.gates.quality[{gate}].probeSetRef: ProbeSet {name}: {unknown[0].name}: endpointRef.name: "
            f"found {unknown[0].endpoint!r}, allowed are {known}"
        )
        problem = problem or Hold(reason="ProbeSetInvalid", message=message)
    return found, problem


def endpoints(context: Context, judged: Judged | None) -> tuple[JudgeEndpoint, ...]:
    """Where each judge is, for the parameters of a run."""
    return tuple(
        JudgeEndpoint(name=e.name, url=_url(context, e), token_path=_key_path(e.name) if e.secret else "")
        for e in (judged.endpoints if judged else ())
    )


def key_volumes(judged: Judged | None) -> list[Manifest]:
    """The keys of the judges, mounted by the kubelet: the operator never reads them."""
    return [
        {
            "name": naming.judge_volume(e.name),
            "secret": {"secretName": e.secret, "items": [{"key": e.key, "path": "token"}]},
        }
        for e in (judged.endpoints if judged else ())
        if e.secret
    ]


def key_mounts(judged: Judged | None) -> list[Manifest]:
    """Where the keys stand in the container."""
    return [
        {"name": naming.judge_volume(e.name), "mountPath": f"{_KEYS_DIRECTORY}/{e.name}", "readOnly": True}
        for e in (judged.endpoints if judged else ())
        if e.secret
    ]


def egress(context: Context) -> list[Manifest]:
    """The rules of a NetworkPolicy that let the Job reach its judges, each once."""
    rules: list[Manifest] = []
    for judged in context.judged:
        for endpoint in judged.endpoints:
            rule = _service_rule(judged, endpoint) if endpoint.service else _outside_rule(context, endpoint)
            if rule is not None and rule not in rules:
                rules.append(rule)
    return sorted(rules, key=str)


def _endpoints(asked: Questions) -> Iterable[JudgeSpec]:
    return asked.judged.endpoints if asked.judged else ()


def _url(context: Context, endpoint: JudgeSpec) -> str:
    if endpoint.service:
        return f"http://{endpoint.service}.{context.service.namespace}.svc:{endpoint.port}"
    return context.settings.endpoints[endpoint.endpoint]


def _key_path(name: str) -> str:
    return f"{_KEYS_DIRECTORY}/{name}/token"


def _service_rule(judged: Judged, endpoint: JudgeSpec) -> Manifest | None:
    """Pods of this namespace. Without a look at the Service (in `serinus render`) there is no rule."""
    found = next((s for s in judged.services if (s.name, s.port) == (endpoint.service, endpoint.port)), None)
    if found is None:
        return None
    port: int | str = int(found.target) if found.target.isdecimal() else found.target
    return {
        "to": [{"podSelector": {"matchLabels": dict(found.selector)}}],
        "ports": [{"protocol": "TCP", "port": port}],
    }


def _outside_rule(context: Context, endpoint: JudgeSpec) -> Manifest | None:
    url = context.settings.endpoints.get(endpoint.endpoint)
    if url is None:
        return None
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    labels = host.split(".")
    if len(labels) >= 3 and labels[2] == "svc":  # the pods' own port may be another than the Service's
        return {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": labels[1]}}}]}
    blocks = context.settings.endpoint_cidrs.get(endpoint.endpoint) or _blocks(host)
    if isinstance(blocks, tuple):
        to: list[Manifest] = [{"ipBlock": {"cidr": cidr}} for cidr in blocks]
    else:
        to = blocks
    return {"to": to, "ports": [{"protocol": "TCP", "port": port}]}


def _blocks(host: str) -> list[Manifest]:
    """One address; or for a name, which a NetworkPolicy cannot follow, every public address and no private one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE_4)}},
            {"ipBlock": {"cidr": "::/0", "except": list(_PRIVATE_6)}},
        ]
    return [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}]
