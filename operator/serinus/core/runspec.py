"""The parameters of one run: the contract between the operator, which writes them, and the probe Job, which reads them.

How the model is asked (temperature, concurrency, …) is not here: it stands in the resolved ProbeSet, under its digest.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Final

from serinus.core.fields import Fields
from serinus.core.model import Budget, GatePolicy, InvalidSpec, MetricWeight
from serinus.core.report import Identity

ENV_RUN: Final = "SERINUS_RUN"
"""Environment variable with the text of `to_json`."""
ENV_PROBES: Final = "SERINUS_PROBES"
"""Environment variable with the path of the resolved ProbeSet."""
DEFAULT_PROBES: Final = "/probes/probes.json"
ENV_REPORT: Final = "SERINUS_REPORT"
"""Environment variable with the path that the report is written to."""
DEFAULT_REPORT: Final = "/dev/termination-log"
MAX_SEED: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeEndpoint:
    """Where a judge of the ProbeSet (or its embeddings endpoint), known by its name, is to be asked."""

    name: str
    url: str
    token_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run. URLs are `http://host:port`; `identity.digest` must be that of the resolved ProbeSet."""

    identity: Identity
    policy: GatePolicy
    model: str  # servedModelName
    canary_url: str
    stable_url: str = ""  # empty: no baseline, the floor alone decides
    seed: int = 0  # of the order of probes, in [0, 2^63)
    token_path: str = ""  # file with the bearer token; empty: none
    allow_python: bool = True  # whether the cluster lets probes run Python
    judges: tuple[JudgeEndpoint, ...] = ()


def to_json(spec: RunSpec) -> str:
    """Write a run's parameters; the same ones give the same bytes."""
    raw = dataclasses.asdict(spec)
    if not spec.judges:
        del raw["judges"]
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> RunSpec:
    """Read a run's parameters; raises InvalidSpec with the path, what was found and what is allowed."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise InvalidSpec(ENV_RUN, f"is not JSON: {e}") from e
    fields = Fields(raw, "")
    identity = _identity(fields.child("identity"))
    spec = RunSpec(
        identity=identity,
        policy=_policy(fields.child("policy")),
        model=fields.text("model"),
        canary_url=_url(fields, "canary_url"),
        stable_url=_url(fields, "stable_url") if fields.raw.get("stable_url") else "",
        seed=fields.integer("seed", 0, high=MAX_SEED),
        token_path=fields.text("token_path", ""),
        allow_python=fields.boolean("allow_python", default=True),
        judges=tuple(_judge(judge) for judge in fields.items("judges")),
    )
    if bool(spec.stable_url) != bool(identity.baseline):
        raise InvalidSpec(
            "stable_url",
            f"found {spec.stable_url!r} with baseline {identity.baseline!r}: both are set, or neither",
        )
    return spec


def _identity(fields: Fields) -> Identity:
    texts = {name: fields.text(name) for name in ("namespace", "service", "revision", "gate", "purpose", "digest")}
    return Identity(
        baseline=fields.text("baseline", ""),
        step=fields.integer("step", -1, low=-1),
        attempt=fields.integer("attempt", 0),
        **texts,
    )


def _judge(fields: Fields) -> JudgeEndpoint:
    return JudgeEndpoint(name=fields.text("name"), url=_url(fields, "url"), token_path=fields.text("token_path", ""))


def _policy(fields: Fields) -> GatePolicy:
    budget = fields.child("budget")
    return GatePolicy(
        floor=_ratio(fields, "floor"),
        margin=_ratio(fields, "margin"),
        tolerance=_ratio(fields, "tolerance"),
        alpha=_ratio(fields, "alpha"),
        beta=_ratio(fields, "beta"),
        budget=Budget(
            pairs=budget.integer("pairs", low=1),
            tokens=budget.integer("tokens", low=1),
            duration=budget.integer("duration", low=1),
        ),
        graded=fields.boolean("graded", default=False),
        metrics=tuple(
            MetricWeight(name=m.text("name"), weight=m.integer("weight", 1, low=1)) for m in fields.items("metrics")
        ),
    )


def _ratio(fields: Fields, key: str) -> float:
    value = fields.raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidSpec(fields.at(key), f"found {value!r}, allowed is a number from 0 to 1")
    return float(value)


def _url(fields: Fields, key: str) -> str:
    value = fields.text(key)
    if not value.startswith(("http://", "https://")):
        raise InvalidSpec(fields.at(key), f"found {value!r}, allowed is http:// or https:// with host and port")
    return value.rstrip("/")
