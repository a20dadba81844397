"""`serinus selftest`: stable against stable on your own probes. A revision is as good as itself: "Failed" is false.

It says first what the runs will cost, then asks one address as if it were two revisions, and needs no cluster.
Exit code 0: no run failed; 1: one did, or could not be made; 2: the call or a file is unusable.
"""

import argparse
import asyncio
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from serinus.cli.gate_options import add_gate, check_url, read_gate, read_source
from serinus.cli.unusable import Unusable
from serinus.core import probejson
from serinus.core.gatestatus import cost
from serinus.core.model import Purpose, QualityGate, Verdict
from serinus.core.probe import ProbeSet
from serinus.core.questions import first_problem, read_probe_set
from serinus.core.report import Identity, Report
from serinus.core.runspec import RunSpec
from serinus.core.seen import Questions
from serinus.core.verdict import Judgement, judge
from serinus.core.wording import describe
from serinus.probes.output import Output
from serinus.probes.runner import RunFailed
from serinus.probes.session import Session, conduct

_NAME: Final = "selftest"
_MAX_RUNS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is asked, of whom, how often."""

    gate: QualityGate
    probes: ProbeSet
    asked: Questions
    url: str
    model: str
    token: str
    runs: int
    seed: int


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(_NAME, help="test a gate: stable against stable", description=__doc__)
    add_gate(parser)
    parser.add_argument("--url", required=True, help="the serving revision: http://host:port")
    parser.add_argument("--model", required=True, help="the name that requests carry")
    parser.add_argument("--runs", type=int, default=5, help="how often (default 5)")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the probes (default 1)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the cost, run, print what was found."""
    plan = _plan(options)
    _tell_cost(plan)
    try:
        found = asyncio.run(_all(plan))
    except RunFailed as e:
        print(f"serinus: {e}", file=sys.stderr)
        return 1
    _tell(plan, found)
    return 1 if any(j.verdict in (Verdict.FAILED, Verdict.BROKEN) for _, j in found) else 0


def _plan(options: argparse.Namespace) -> _Plan:
    if not 1 <= options.runs <= _MAX_RUNS:
        raise Unusable(f"--runs: found {options.runs}, allowed are 1 to {_MAX_RUNS}")
    if not options.file:
        raise Unusable("--file: found none, allowed is one file of questions")
    url = check_url("--url", options.url)
    spec, files, labelled = read_source(options)
    seen, probes = read_probe_set(options.file, spec, files, labelled)
    if seen.questions is None:
        raise Unusable(f"{options.file}: {first_problem(probes)}")
    if probes.judging.endpoints:
        raise Unusable(f"{options.file}: its probes need a judge or embeddings: make a ProbeRun of purpose SelfTest")
    gate = read_gate(_NAME, options)
    if seen.questions.weighted > gate.policy.budget.pairs:
        raise Unusable(f"--pairs: found {options.pairs}, allowed is one round or more: {seen.questions.weighted}")
    try:
        token = options.token_file.read_text(encoding="ascii").strip() if options.token_file else ""
    except (OSError, UnicodeError) as e:
        raise Unusable(f"--token-file: {options.token_file}: {type(e).__name__}") from e
    return _Plan(
        gate=gate,
        probes=probes,
        asked=seen.questions,
        url=url,
        model=options.model,
        token=token,
        runs=options.runs,
        seed=options.seed,
    )


async def _all(plan: _Plan) -> list[tuple[Report, Judgement]]:
    """The runs, one after the other."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probes.json"
        file.write_text(probejson.to_json(plan.probes), encoding="utf-8")
        for number in range(plan.runs):
            session = Session(
                spec=_spec(plan, number),
                probe_set=plan.probes,
                file=str(file),
                output=Output(lines=io.StringIO(), progress=sys.stderr),
                read_token=lambda _: plan.token,
            )
            report = (await conduct(session)).report
            judgement = judge(plan.gate.policy, report, probes=plan.asked.probes)
            print(f"run {number + 1}: {judgement.verdict}: {describe(plan.gate.policy, report, judgement)}")
            found.append((report, judgement))
    return found


def _spec(plan: _Plan, number: int) -> RunSpec:
    identity = Identity(
        namespace="",
        service=_NAME,
        revision=_NAME,
        baseline=_NAME,
        gate=_NAME,
        purpose=str(Purpose.SELF_TEST),
        step=-1,
        attempt=number,
        digest=plan.probes.digest,
    )
    return RunSpec(
        identity=identity,
        policy=plan.gate.policy,
        model=plan.model,
        canary_url=plan.url,
        stable_url=plan.url,
        seed=plan.seed + number,
    )


def _tell_cost(plan: _Plan) -> None:
    expected = cost(plan.gate, plan.asked, (), paired=True)
    print(
        f"{plan.runs} runs of {plan.asked.probes} probes, stable against stable. Expected for each: "
        f"{expected['expectedCalls']} calls, at most about {expected['expectedTokens']} tokens "
        f"and {expected['expectedDuration']}",
        flush=True,
    )


def _tell(plan: _Plan, found: Sequence[tuple[Report, Judgement]]) -> None:
    """The verdicts, and what a healthy rollout will cost here."""
    verdicts = Counter(str(j.verdict) for _, j in found)
    usages = [r.usage for r, _ in found]
    tokens = sum(u.prompt_tokens + u.completion_tokens for u in usages) / len(usages)
    print(", ".join(f"{name}: {verdicts[name]}" for name in sorted(verdicts)))
    print(
        f"Mean of a run: {sum(u.calls for u in usages) / len(usages):.0f} calls, {tokens:.0f} tokens, "
        f"{sum(u.seconds for u in usages) / len(usages):.1f} s"
    )
    limit = 100 * plan.gate.policy.alpha
    failed = verdicts[str(Verdict.FAILED)]
    print(f"Failed, all of them falsely: {100 * failed / len(found):.1f} % (allowed {limit:g} %)")
