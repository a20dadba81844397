"""Rollouts in the fake world: how they are brought somewhere, and what must hold at any moment."""

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema
import yaml

from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from tests.golden.crd import strict
from tests.golden.render import ROOT
from tests.unit.fake_world import FAST, FakeWorld, counted, world

CONDITIONS = {
    "CanaryVerified",
    "Frozen",
    "Held",
    "MonitoringReady",
    "PoliciesReady",
    "ProbesReady",
    "Ready",
    "Reconciling",
    "SpecValid",
    "Stalled",
}


@cache
def schema(kind: str) -> dict[str, Any]:
    crd = yaml.safe_load((ROOT / "crds" / f"serinus.dev_{kind.lower()}s.yaml").read_text())
    return strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def problems(kind: str, part: str, found: object) -> list[str]:
    """What a CRD has against the spec or the status of an object, with unknown fields refused."""
    errors = jsonschema.Draft202012Validator(schema(kind)["properties"][part]).iter_errors(found)
    return sorted(f"{e.json_path}: {e.message}" for e in errors)


def check(found: FakeWorld) -> None:
    """What holds at any moment: schemas, all conditions, and no user on a revision without evidence."""
    status = found.body.get("status")
    if status:
        assert problems("LLMService", "status", status) == []
        assert {c["type"] for c in status["conditions"]} == CONDITIONS
    for (kind, _), made in found.objects.items():
        if kind in ("ProbeRun", "Decision"):
            assert problems(kind, "spec", made["spec"]) == []
            assert problems(kind, "status", made.get("status") or {}) == []


def passed(found: FakeWorld) -> set[str]:
    """Revisions with a run before traffic that passed."""
    runs = [o for (kind, _), o in found.objects.items() if kind == "ProbeRun"]
    return {
        r["spec"]["revision"]
        for r in runs
        if (r["status"] or {}).get("verdict") == "Passed" and r["spec"]["purpose"] == "BeforeTraffic"
    }


def condition(found: FakeWorld, kind: str) -> tuple[str, str]:
    one = next(c for c in found.status("conditions") if c["type"] == kind)
    return one["status"], one["reason"]


def undecided(spec: RunSpec) -> Report | str | None:
    return dataclasses.replace(counted(spec, passed=9, failed=1, lost=1), end="Budget")


def garbage(_spec: RunSpec) -> Report | str | None:
    return "I am a teapot"


def silent(_spec: RunSpec) -> Report | str | None:
    return None


def noted(found: FakeWorld, answer: Callable[[RunSpec], Report | str | None]) -> list[RunSpec]:
    """Answer so from now on; what is asked from then on is in the list."""
    asked: list[RunSpec] = []

    def note(spec: RunSpec) -> Report | str | None:
        asked.append(spec)
        return answer(spec)

    found.answer = note
    return asked


def served(**spec: Any) -> FakeWorld:
    """A service whose first revision is stable."""
    return world(**(FAST | spec)).rest()


def at(found: FakeWorld, stage: str) -> FakeWorld:
    return found.run_until(lambda w: w.stage == stage)


def held(found: FakeWorld, reason: str) -> FakeWorld:
    return found.run_until(lambda w: w.status("rollout", {}).get("held", {}).get("reason") == reason)
