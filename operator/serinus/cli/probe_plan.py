"""What `serinus probe` will ask, of whom, and what it costs about, from its options. It asks nobody."""

import argparse
from dataclasses import dataclass
from typing import Final

from serinus.cli.gate_options import check_url, read_gate
from serinus.cli.judge_options import judge_endpoints, read_questions, read_variable
from serinus.cli.unusable import Unusable
from serinus.core.gatestatus import cost
from serinus.core.judge_cost import in_a_run
from serinus.core.model import Purpose, QualityGate
from serinus.core.probe import ProbeSet
from serinus.core.report import Identity
from serinus.core.runspec import MAX_SEED, RunSpec
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
    request = {key: getattr(options, name) for name, key in _REQUEST.items() if getattr(options, name) is not None}
    asked, probes = read_questions(options, request)
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
        judges=judge_endpoints(options, probes),
    )
    headers = tuple(_header(text) for text in options.header)
    return Plan(
        spec=spec, probes=probes, text=asked.text, headers=headers, source=options.file, told=_told(spec, gate, asked)
    )


def _header(text: str) -> tuple[str, str]:
    name, sign, variable = text.partition("=")
    if not sign or not name.replace("-", "").isalnum() or not name.isascii():
        raise Unusable(f"--header: found {text.partition(':')[0]!r}, allowed is NAME=VAR, the value in a variable")
    return name, read_variable(f"--header {name}", variable)


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
