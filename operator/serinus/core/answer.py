"""What the gate endpoint says of a revision, from its LLMService. Whatever is not surely Passed is not Passed."""

from serinus.core.model import Manifest, Mode, Verdict
from serinus.core.rollout import IN_TRAFFIC, Stage

_STAGES_PASSED = frozenset(str(s) for s in IN_TRAFFIC)


def gate_answer(body: Manifest, revision: str) -> Manifest:
    """Return revision, verdict and message; an empty revision means the one in the rollout, else the stable one.

    Of a spec that is newer than the status it is not known yet which revision that is.
    """
    status = body.get("status") or {}
    rollout = status.get("rollout") or {}
    rolling, stable = rollout.get("revision", ""), (status.get("stable") or {}).get("revision", "")
    asked = revision or ("" if _outdated(body) else rolling or stable)
    verdict = _verdict(body, asked, rolling, stable)
    return {"revision": asked, "verdict": str(verdict), "message": str(status.get("message", ""))}


def _verdict(body: Manifest, asked: str, rolling: str, stable: str) -> Verdict:
    status = body.get("status") or {}
    if not asked:
        return Verdict.RUNNING
    if any(r.get("revision") == asked for r in status.get("rejected") or []):
        return Verdict.FAILED
    if asked == rolling:
        return _rolling(status, _mode(body))
    if asked != stable:
        return Verdict.INCONCLUSIVE
    return Verdict.PASSED if _mode(body) == Mode.ENFORCE else _told(status, asked)


def _outdated(body: Manifest) -> bool:
    seen = (body.get("status") or {}).get("observedGeneration", 0)
    return bool(seen < (body.get("metadata") or {}).get("generation", 0))


def _told(status: Manifest, revision: str) -> Verdict:
    """What serves where no gate stops traffic has passed only if its own runs, which its name is part of, say so."""
    runs = [str(gate.get("run", "")) for gate in status.get("gates") or []]
    return _recorded(status) if runs and all(revision in run for run in runs) else Verdict.INCONCLUSIVE


def _mode(body: Manifest) -> str:
    return str(((body.get("spec") or {}).get("rollout") or {}).get("mode", Mode.ENFORCE))


def _rolling(status: Manifest, mode: str) -> Verdict:
    """Judge a revision that is on its way. Only in Enforce does traffic prove a verdict; otherwise the gates say it."""
    rollout = status.get("rollout") or {}
    stage, rejected = rollout.get("stage", ""), (rollout.get("intent") or {}).get("reason", "")
    if stage == Stage.ABORTING:
        return Verdict.FAILED if rejected.startswith("Quality") else Verdict.INCONCLUSIVE
    if stage in _STAGES_PASSED:
        return Verdict.PASSED if mode == Mode.ENFORCE else _recorded(status)
    held = (rollout.get("held") or {}).get("reason", "")
    return {"ProbeBroken": Verdict.BROKEN, "Inconclusive": Verdict.INCONCLUSIVE}.get(held, Verdict.RUNNING)


def _recorded(status: Manifest) -> Verdict:
    """The verdict of the newest gates; of none at all, as in mode Ungated, it is no verdict."""
    found = status.get("verdict", "")
    return Verdict(found) if found in tuple(Verdict) and status.get("gates") else Verdict.INCONCLUSIVE
