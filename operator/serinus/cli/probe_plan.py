"""What `serinus probe` will ask, of whom, and what it costs about, from its options. It asks nobody."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from serinus.cli.gate_options import check_url, read_gate, read_source
from serinus.cli.unusable import Unusable
from serinus.core import naming
from serinus.core.gatestatus import cost
from serinus.core.judge_cost import in_a_run
from serinus.core.model import Purpose, QualityGate
from serinus.core.probe import ProbeSet
from serinus.core.questions import first_problem, read_probe_set
from serinus.core.report import Identity
from serinus.core.runspec import MAX_SEED, JudgeEndpoint, RunSpec
from serinus.core.seen import Questions

_NAME: Final = "probe"
_REQUEST: Final = {
    "api": "api",
    "concurrency": "concurrency",
    "temperature": "temperature",
    "max_tokens": "maxTokens",
    "timeout": "timeout",
    "stream": "stream",
}
_LABELS: Final = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run needs; `told` is plan and cost for people."""

    spec: RunSpec
    probes: ProbeSet
    text: str  # of the probes, resolved: what the scoring process reads
    headers: tuple[tuple[str, str], ...]
    source: str
    told: str


def make_plan(options: argparse.Namespace) -> Plan:
    """Read files and options; raises Unusable or Unreadable with one line."""
    for name in ("file", "canary", "model"):
        if not getattr(options, name):
            raise Unusable(f"--{name}: found none, it is required")
    if not 0 <= options.seed <= MAX_SEED:
        raise Unusable(f"--seed: found {options.seed}, allowed is a number from 0 to {MAX_SEED}")
    canary = check_url("--canary", options.canary)
    stable = check_url("--stable", options.stable) if options.stable else ""
    gate = read_gate(_NAME, options)
    asked, probes = _questions(options)
    if asked.weighted > gate.policy.budget.pairs:
        found, least = gate.policy.budget.pairs, asked.weighted
        raise Unusable(f"the gate: budget.pairs (--pairs): found {found}, allowed is one round or more: {least}")
    if options.token_env:
        read_variable("--token-env", options.token_env)
    spec = RunSpec(
        identity=_identity(probes, paired=bool(stable)),
        policy=gate.policy,
        model=options.model,
        canary_url=canary,
        stable_url=stable,
        seed=options.seed,
        token_path=options.token_env,
        allow_python=not options.no_python,
        judges=_judges(options, probes),
    )
    headers = tuple(_header(text) for text in options.header)
    return Plan(
        spec=spec, probes=probes, text=asked.text, headers=headers, source=options.file, told=_told(spec, gate, asked)
    )


def read_variable(what: str, name: str) -> str:
    """The value of an environment variable that holds a secret; raises Unusable, which never shows the value."""
    value = os.environ.get(name, "").strip()
    if not value or not value.isascii() or not value.isprintable():
        raise Unusable(f"{what}: variable {name}: found no value, allowed is one line of printable ASCII characters")
    return value


def _questions(options: argparse.Namespace) -> tuple[Questions, ProbeSet]:
    spec, files, labelled = read_source(options)
    request = {key: getattr(options, name) for name, key in _REQUEST.items() if getattr(options, name) is not None}
    own = spec.get("request")
    spec["request"] = {**(own if isinstance(own, dict) else {}), **request}
    _add_judges(options, spec)
    if options.labels:
        labelled = {Path(name).name: _read(name) for name in options.labels}
        spec["calibration"] = {"configMapRef": {"name": _LABELS}}
    seen, probes = read_probe_set(options.file, spec, files, labelled)
    if seen.questions is None:
        raise Unusable(f"{options.file}: {first_problem(probes)}")
    return seen.questions, probes


def _add_judges(options: argparse.Namespace, spec: dict[str, Any]) -> None:
    """Judges and embeddings endpoint of a file that names none."""
    if options.judge and not spec.get("judges"):
        if not options.judge_model:
            raise Unusable("--judge-model: found none, it is required with --judge where no ProbeSet names the judges")
        names = [_split(text, f"judge-{i}")[0] for i, text in enumerate(options.judge, 1)]
        spec["judges"] = [{"name": n, "model": options.judge_model, "endpointRef": {"name": n}} for n in names]
    if options.embeddings and not spec.get("embeddings"):
        if not options.embeddings_model:
            raise Unusable("--embeddings-model: found none, it is required with --embeddings")
        spec["embeddings"] = {"model": options.embeddings_model, "endpointRef": {"name": naming.EMBEDDINGS}}


def _judges(options: argparse.Namespace, probes: ProbeSet) -> tuple[JudgeEndpoint, ...]:
    """Where judges and embeddings are; a token's place is the name of its variable."""
    names = [judge.name for judge in probes.judging.judges]
    if options.judge and not names:
        raise Unusable("--judge: found one, allowed is none: no assertion of the file asks a judge")
    given = [_split(text, name) for text, name in zip(options.judge, [*names, *options.judge], strict=False)]
    found: tuple[JudgeEndpoint, ...] = ()
    if names:
        from serinus.cli.judge_test import endpoints  # noqa: PLC0415 - takes long to import

        found = endpoints(probes.judging, [f"{name}={url}" for name, url in given])
    tokens = _tokens(options.judge_token_env, names)
    judges = tuple(replace(j, url=check_url("--judge", j.url), token_path=tokens(j.name)) for j in found)
    if probes.judging.embeddings is None:
        return judges
    if not options.embeddings:
        raise Unusable("--embeddings: found none, it is required: the file asks for embeddings")
    url = check_url("--embeddings", options.embeddings)
    return (*judges, JudgeEndpoint(name=naming.EMBEDDINGS, url=url, token_path=tokens(naming.EMBEDDINGS)))


def _tokens(given: Sequence[str], names: Sequence[str]) -> Any:
    """From the name of a judge to the variable with its token; one without a name is for all."""
    found = dict(_split(text, "") for text in given)
    allowed = (*names, naming.EMBEDDINGS)
    for name, variable in found.items():
        if name and name not in allowed:
            raise Unusable(f"--judge-token-env: found {name!r}, allowed are {', '.join(allowed)}")
        read_variable("--judge-token-env", variable)
    return lambda name: found.get(name, found.get("", ""))


def _split(text: str, usual: str) -> tuple[str, str]:
    """Read `[NAME=]VALUE`; a query of an address is no name."""
    name, sign, value = text.partition("=")
    return (name, value) if sign and "/" not in name else (usual, text)


def _header(text: str) -> tuple[str, str]:
    name, sign, variable = text.partition("=")
    if not sign or not name.replace("-", "").isalnum() or not name.isascii():
        raise Unusable(f"--header: found {text.partition(':')[0]!r}, allowed is NAME=VAR, the value in a variable")
    return name, read_variable(f"--header {name}", variable)


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as e:
        raise Unusable(f"--labels: {name}: cannot be read: {getattr(e, 'strerror', None) or type(e).__name__}") from e


def _identity(probes: ProbeSet, *, paired: bool) -> Identity:
    return Identity(
        namespace="",
        service=_NAME,
        revision="canary",
        baseline="stable" if paired else "",
        gate=_NAME,
        purpose=str(Purpose.MANUAL),
        step=-1,
        attempt=0,
        digest=probes.digest,
    )


def _told(spec: RunSpec, gate: QualityGate, asked: Questions) -> str:
    """Plan and cost."""
    policy, paired = gate.policy, bool(spec.stable_url)
    against = f"the canary {spec.canary_url} against stable {spec.stable_url}" if paired else f"{spec.canary_url} alone"
    rules = f"floor {100 * policy.floor:g} %, margin {100 * policy.margin:g} points"
    if paired:
        rules += (
            f", tolerance {100 * policy.tolerance:g}; false rollback {100 * policy.alpha:g} %"
            f", false promotion {100 * policy.beta:g} %"
        )
    expected = cost(gate, asked, (), paired=paired)
    calls, tokens, duration = (expected[f"expected{what}"] for what in ("Calls", "Tokens", "Duration"))
    judged = in_a_run(asked, calls=calls, paired=paired)
    budget = policy.budget
    lines = [
        f"{asked.probes} probes ({asked.critical} critical), {against}, {asked.concurrency} calls at once",
        f"Gate: {rules}",
        f"Budget: {budget.pairs} pairs, {budget.tokens} tokens, {budget.duration} s, whichever ends first",
        f"Expected of a healthy canary: {calls} calls, at most about {tokens} tokens and {duration}",
    ]
    if judged:
        lines.append(f"Judging adds about {judged['expectedCalls']} calls and {judged['expectedTokens']} tokens")
    return "\n".join(lines)
