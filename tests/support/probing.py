"""Runs of the probe runner against fakes, in the test's own process or as the Job runs it. It is no test itself."""

import dataclasses
import io
import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serinus.core import probejson, runspec
from serinus.core.model import Budget, GatePolicy
from serinus.core.probe import ProbeSet
from serinus.core.probeset import parse_probe_set
from serinus.core.report import MAX_BYTES, Identity, Report, decode, encode
from serinus.core.runspec import RunSpec
from serinus.core.verdict import Judgement, judge
from serinus.probes.client import Client, Target
from serinus.probes.output import Output
from serinus.probes.runner import Runner, Tools
from serinus.probes.scoring import Scorer
from tests.support.fakemodel import Call, Say, serve

BUDGET = Budget(pairs=1000, tokens=10_000_000, duration=60)
POLICY = GatePolicy(floor=0.8, margin=0.05, tolerance=0.0, alpha=0.05, beta=0.1, budget=BUDGET)


def questions(count: int = 10, *, critical: int = 0, value: str = "yes") -> str:
    """A test file of simple questions, the first ones critical."""
    tests = [
        {
            "description": f"q{i}",
            "vars": {"q": f"question {i}"},
            "assert": [{"type": "icontains", "value": value}],
            "metadata": {"critical": i < critical},
        }
        for i in range(count)
    ]
    return json.dumps({"prompts": ["{{q}}"], "tests": tests})


def probe_set(source: str, **request: Any) -> ProbeSet:
    """A parsed set without problems."""
    spec = {"source": {"inline": source}, "request": {"timeout": "5s", "concurrency": 8, **request}}
    found = parse_probe_set(spec, {})
    assert not found.problems, found.problems
    return found


@dataclass(kw_only=True)
class Run:
    """One run to be made; `lines` and `samples` are there when it is over."""

    folder: Path
    probes: ProbeSet
    canary: str
    stable: str = ""
    policy: GatePolicy = POLICY
    seed: int = 1
    token: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def samples(self) -> list[dict[str, Any]]:
        """The lines of answers."""
        return [found for line in self.lines if (found := json.loads(line))["event"] == "sample"]

    @property
    def file(self) -> Path:
        """Where the probes are."""
        return self.folder / "probes.json"

    def spec(self, **changes: Any) -> RunSpec:
        """The parameters of the run."""
        identity = Identity(
            namespace="team-a",
            service="chat",
            revision="r2222222222",
            baseline="r1111111111" if self.stable else "",
            gate="support",
            purpose="BeforeTraffic",
            step=-1,
            attempt=0,
            digest=self.probes.digest,
        )
        fields: dict[str, Any] = {
            "identity": identity,
            "policy": self.policy,
            "model": "support-model",
            "canary_url": self.canary,
            "stable_url": self.stable,
            "seed": self.seed,
        }
        return RunSpec(**(fields | changes))

    def runner(self, client: Client, samples: io.StringIO) -> Runner:
        """A runner that is not started."""
        self.file.write_text(probejson.to_json(self.probes), encoding="utf-8")
        scorer = Scorer(str(self.file), self.probes.probes)
        return Runner(
            self.spec(),
            self.probes,
            Tools(client=client, scorer=scorer, output=Output(samples, io.StringIO())),
        )

    async def make(self) -> Report:
        """Run in this process."""
        samples = io.StringIO()
        target = Target(model="support-model", request=self.probes.request, token=self.token, pauses=(0.01,))
        async with Client(target, random.Random(7)) as client:
            runner = self.runner(client, samples)
            try:
                report = await runner.run()
                runner.tell(report)
            finally:
                await runner.close()
        self.lines = samples.getvalue().splitlines()
        return report

    def command(self) -> list[str]:
        """How the Job starts it."""
        return [sys.executable, "-m", "serinus.probes"]

    def environment(self, **changes: Any) -> dict[str, str]:
        """What the Job gives it; the probes are written too."""
        self.file.write_text(probejson.to_json(self.probes), encoding="utf-8")
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            runspec.ENV_RUN: runspec.to_json(self.spec(**changes)),
            runspec.ENV_PROBES: str(self.file),
            runspec.ENV_REPORT: str(self.folder / "report"),
        }


GOOD = Say(text="Yes, of course.")
WRONG = Say(text="No.")


def good(_: Call) -> Say:
    """Always answer well."""
    return GOOD


def wrong(_: Call) -> Say:
    """Always answer wrongly."""
    return WRONG


def policy(**budget: Any) -> GatePolicy:
    """The usual policy with another budget."""
    return dataclasses.replace(POLICY, budget=dataclasses.replace(BUDGET, **budget))


def verdict(run: Run, report: Report) -> Judgement:
    """Judge a report as the operator would: from its text, which must fit."""
    assert decode(encode(report)) == report
    assert len(encode(report).encode()) <= MAX_BYTES
    return judge(run.policy, report, probes=len(run.probes.probes))


async def pair(
    folder: Path, canary: Callable[[Call], Say], stable: Callable[[Call], Say] = good, **fields: Any
) -> tuple[Run, Report]:
    """Run a canary against a stable revision."""
    async with serve(canary) as first, serve(stable) as second:
        run = Run(folder=folder, **{"probes": probe_set(questions()), **fields}, canary=first.url, stable=second.url)
        return run, await run.make()
