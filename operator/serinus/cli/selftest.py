"""`serinus selftest`: stable against stable on your own probes. A revision is as good as itself: "Failed" is false.

It says first what the runs will cost, then asks one address as if it were two revisions, and needs no cluster. Judges
are measured before each run, as before each run of a gate; both sides have the same.
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

from serinus.cli.gate_options import add_gate, check_url, read_gate
from serinus.cli.judge_options import add_judges, judge_endpoints, read_questions, read_variable
from serinus.cli.unusable import Unusable
from serinus.core import probejson
from serinus.core.gatestatus import cost
from serinus.core.judge_cost import in_a_run
from serinus.core.model import Purpose, QualityGate, Verdict
from serinus.core.probe import ProbeSet
from serinus.core.report import Identity, Report
from serinus.core.runspec import JudgeEndpoint, RunSpec
from serinus.core.seen import Questions
from serinus.core.verdict import Judgement, judge
from serinus.core.wording import describe
from serinus.probes.output import Output
from serinus.probes.runner import RunFailed
from serinus.probes.session import Session, conduct

_NAME: Final = "selftest"
_OWN: Final = "--token-file"
"""Where the model's own token is; tokens of judges are in variables, and nobody gets another's."""
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
    judges: tuple[JudgeEndpoint, ...]
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
    parser.add_argument("--dry-run", action="store_true", help="print the cost, ask nobody")
    add_judges(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the cost, run, print what was found."""
    plan = _plan(options)
    _tell_cost(plan)
    if options.dry_run:
        return 0
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
    asked, probes = read_questions(options, {})
    gate = read_gate(_NAME, options)
    if asked.weighted > gate.policy.budget.pairs:
        raise Unusable(f"--pairs: found {options.pairs}, allowed is one round or more: {asked.weighted}")
    try:
        token = options.token_file.read_text(encoding="ascii").strip() if options.token_file else ""
    except (OSError, UnicodeError) as e:
        raise Unusable(f"--token-file: {options.token_file}: {type(e).__name__}") from e
    return _Plan(
        gate=gate,
        probes=probes,
        asked=asked,
        url=url,
        model=options.model,
        token=token,
        judges=judge_endpoints(options, probes),
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
                read_token=lambda where: _token(plan, where),
            )
            report = (await conduct(session)).report
            judgement = judge(plan.gate.policy, report, probes=plan.asked.probes)
            print(f"run {number + 1}: {judgement.verdict}: {describe(plan.gate.policy, report, judgement)}")
            found.append((report, judgement))
    return found


def _token(plan: _Plan, where: str) -> str:
    if where == _OWN:
        return plan.token
    return read_variable("--judge-token-env", where) if where else ""


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
        token_path=_OWN,
        judges=plan.judges,
    )


def _tell_cost(plan: _Plan) -> None:
    expected = cost(plan.gate, plan.asked, (), paired=True)
    print(
        f"{plan.runs} runs of {plan.asked.probes} probes, stable against stable. Expected for each: "
        f"{expected['expectedCalls']} calls, at most about {expected['expectedTokens']} tokens "
        f"and {expected['expectedDuration']}"
    )
    judged = in_a_run(plan.asked, calls=expected["expectedCalls"], paired=True)
    if judged:
        calls, tokens = judged["expectedCalls"], judged["expectedTokens"]
        print(f"Judging adds about {calls} calls and {tokens} tokens to each")
    sys.stdout.flush()


def _tell(plan: _Plan, found: Sequence[tuple[Report, Judgement]]) -> None:
    """The verdicts, and what a healthy rollout will cost here."""
    verdicts = Counter(str(j.verdict) for _, j in found)
    usages = [r.usage for r, _ in found]
    judged = sum(u.judge_calls for u in usages) / len(usages), sum(u.judge_tokens for u in usages) / len(usages)
    judging = f", judging {judged[0]:.0f} calls and {judged[1]:.0f} tokens" if judged[0] else ""
    tokens = sum(u.prompt_tokens + u.completion_tokens for u in usages) / len(usages)
    print(", ".join(f"{name}: {verdicts[name]}" for name in sorted(verdicts)))
    print(
        f"Mean of a run: {sum(u.calls for u in usages) / len(usages):.0f} calls, {tokens:.0f} tokens, "
        f"{sum(u.seconds for u in usages) / len(usages):.1f} s{judging}"
    )
    limit = 100 * plan.gate.policy.alpha
    failed = verdicts[str(Verdict.FAILED)]
    print(f"Failed, all of them falsely: {100 * failed / len(found):.1f} % (allowed {limit:g} %)")
