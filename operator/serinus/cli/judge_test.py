"""`serinus judge-test`: asks a judge for verdicts on answers that are known, and says how far it can be trusted.

It says what that costs before it asks. It changes nothing, and needs no cluster.
"""

import argparse
import asyncio
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from serinus.cli import context, documents
from serinus.cli.unusable import Unusable
from serinus.core import judge_quality
from serinus.core.findings import Findings
from serinus.core.judge import JudgeSpec, Judging
from serinus.core.judge_attacks import Attack, parse_attacks
from serinus.core.judge_cost import label_cost
from serinus.core.judge_labels import read_labels
from serinus.core.judge_quality import Quality
from serinus.core.judge_reader import read_judging
from serinus.core.judge_sanity import SANITY
from serinus.core.runspec import JudgeEndpoint
from serinus.probes.judge_guard import says_nothing, speaks_to_judge

ATTACKS: Final = Path(__file__).parents[1] / "data" / "judge-attacks.yaml"
MAX_TALKED: Final = 0.1
"""Share of the answers that must fail above which a judge is too easily talked into a verdict."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a test found. `talked`: names of the attacks that passed; `seen`: how many the judge itself was shown."""

    problem: str = ""
    talked: tuple[str, ...] = ()
    attacks: int = 0
    seen: int = 0
    unscored: int = 0
    quality: Quality = dataclasses.field(default_factory=Quality)
    calls: int = 0
    tokens: int = 0

    @property
    def trusted(self) -> bool:
        """Whether a gate may lean on this judge."""
        return not self.problem and not self.quality.unfit and len(self.talked) <= MAX_TALKED * max(1, self.attacks)


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("judge-test", help="measure a judge on known answers", description=__doc__)
    parser.add_argument("-f", "--file", action="append", default=[], help="YAML with a ProbeSet, and its ConfigMaps")
    parser.add_argument(
        "--judge", action="append", required=True, metavar="[NAME=]URL", help="where a judge of the ProbeSet is"
    )
    parser.add_argument("--model", help="model of the judge, where no ProbeSet names it")
    parser.add_argument("--labels", action="append", default=[], metavar="FILE", help="labelled answers")
    parser.add_argument("--key-file", help="file with the judge's bearer token")
    parser.add_argument("--dry-run", action="store_true", help="say what it would cost, and ask nothing")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Test the judges; 0 if a gate may lean on them, 1 if not, 2 if the call cannot be used."""
    judging = _judging(options)
    attacks = parse_attacks(ATTACKS.name, ATTACKS.read_text(encoding="utf-8"))
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)  # noqa: E731 - one line for one call
    say(estimate(judging, attacks))
    if options.dry_run:
        return 0
    where = endpoints(judging, options.judge)
    token = _read_key(options.key_file) if options.key_file else ""
    found = asyncio.run(try_judges(judging, where, attacks, token=token))
    print(json.dumps(_plain(found), indent=2) if options.output == "json" else report(found))
    return 0 if found.trusted else 1


def estimate(judging: Judging, attacks: Sequence[Attack]) -> str:
    """What a test costs about, in words."""
    shown = [a.label for a in attacks if not _by_rule(a)]
    labels = (*SANITY, *shown, *judging.labels)
    calls, tokens = label_cost(labels, len(judging.judges))
    judges = "1 judge" if len(judging.judges) == 1 else f"{len(judging.judges)} judges"
    return f"{judges}, {len(labels)} answers: about {calls} calls and {tokens} tokens"


async def try_judges(
    judging: Judging, where: Sequence[JudgeEndpoint], attacks: Sequence[Attack], *, token: str
) -> Result:
    """Ask the judges for verdicts on plain, hostile and labelled answers; never raises for what a judge does."""
    from serinus.probes.judging import Bench, JudgesFailed, measure  # noqa: PLC0415 - aiohttp takes 0.2 s to import

    try:
        async with Bench(judging, where, lambda _: token) as bench:
            assert bench.judge is not None
            try:
                quality = await bench.measure()
            except JudgesFailed as e:
                return Result(problem=str(e), calls=bench.spent.calls, tokens=bench.spent.tokens)
            results = [await measure(bench.judge, [a.label]) for a in attacks]
            return Result(
                talked=tuple(a.name for a, r in zip(attacks, results, strict=True) if r.quality.bad_passed),
                attacks=len(attacks),
                seen=sum(not _by_rule(a) for a in attacks),
                unscored=sum(r.unscored for r in results),
                quality=quality,
                calls=bench.spent.calls,
                tokens=bench.spent.tokens,
            )
    except JudgesFailed as e:
        return Result(problem=str(e))


def report(found: Result) -> str:
    """What a test found, in words."""
    if found.problem:
        return f"not usable: {found.problem}"
    passed = len(found.talked)
    lines = [
        f"plain answers: right about all {len(SANITY)}, or all but one",
        (
            f"answers that must fail: {passed} of {found.attacks} passed "
            f"({100 * passed / max(1, found.attacks):.1f} %), {found.attacks - found.seen} failed by rule, "
            f"{found.unscored} got no verdict"
        ),
    ]
    if found.talked:
        lines.append(f"passed: {', '.join(found.talked)}")
    lines.append(f"labelled answers: {judge_quality.describe(found.quality)}")
    follows = judge_quality.what_follows(found.quality)
    lines += [follows] if follows else []
    lines.append(f"cost: {found.calls} calls, {found.tokens} tokens")
    lines.append("a gate may lean on it" if found.trusted else "a gate may not lean on it")
    return "\n".join(lines)


def _plain(found: Result) -> dict[str, Any]:
    return {**dataclasses.asdict(found), **judge_quality.status(found.quality), "trusted": found.trusted}


def _by_rule(attack: Attack) -> bool:
    return says_nothing(attack.label.answer) or bool(speaks_to_judge(attack.label.answer))


def _judging(options: argparse.Namespace) -> Judging:
    """The judges and labelled answers that the arguments name; raises Unusable."""
    findings = Findings()
    judging = _of_file(findings, options) if options.file else Judging()
    if options.labels:
        files = {Path(name).name: _read(name, "--labels") for name in options.labels}
        judging = dataclasses.replace(judging, labels=read_labels(findings, files))
    if findings.problems:
        first = findings.problems[0]
        raise Unusable(f"{first.file or 'the ProbeSet'}: line {first.line}: {first.field}: {first.message}")
    if options.model:
        judging = dataclasses.replace(judging, judges=(JudgeSpec(name="judge", model=options.model, endpoint="judge"),))
    if not judging.judges:
        raise Unusable("--model: found neither it nor a judge in the files, allowed is one of them")
    return dataclasses.replace(judging, embeddings=None)


def _of_file(findings: Findings, options: argparse.Namespace) -> Judging:
    """The judging of the one ProbeSet among the objects of the files."""
    found = documents.read(options.file)
    sets = [d for d in found if d.kind == "ProbeSet"]
    if len(sets) != 1:
        raise Unusable(f"--file: found {len(sets)} ProbeSets, allowed is one")
    spec = sets[0].body.get("spec") or {}
    wanted = context.named_config_map(spec, "calibration")
    files = context.files_of(found, sets[0].namespace, wanted)
    if wanted and not files and not options.labels:
        raise Unusable(f"--file: found no ConfigMap {wanted!r}, allowed is to give it too, or --labels")
    return read_judging(findings, spec if files else {**spec, "calibration": None}, files)


def endpoints(judging: Judging, given: Sequence[str]) -> tuple[JudgeEndpoint, ...]:
    """Read `[NAME=]URL` of every judge; raises Unusable for an unknown one, and for one that is missing."""
    names = [judge.name for judge in judging.judges]
    found: dict[str, str] = {}
    for text in given:
        name, sign, url = text.partition("=")
        plain = not sign or "/" in name
        key, address = (names[0], text) if plain else (name, url)
        if key not in names or not address.startswith(("http://", "https://")):
            raise Unusable(
                f"--judge: found {text!r}, allowed are http(s)://… and NAME=http(s)://… of {', '.join(names)}"
            )
        found[key] = address
    missing = [name for name in names if name not in found]
    if missing:
        raise Unusable(f"--judge: found none for {', '.join(missing)}, allowed is one for each judge of the ProbeSet")
    return tuple(JudgeEndpoint(name=name, url=url) for name, url in found.items())


def _read_key(path: str) -> str:
    token = _read(path, "--key-file").strip()
    if not token or not token.isprintable() or not token.isascii():
        raise Unusable(f"--key-file: {path}: found no token, allowed is one line of printable characters")
    return token


def _read(path: str, flag: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as e:
        raise Unusable(f"{flag}: {path}: cannot be read: {e}") from e
