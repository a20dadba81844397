"""What the gate endpoint says of a revision, from a status. Whatever is not surely Passed is not Passed."""

from serinus.core.model import Manifest, Verdict
from serinus.core.rollout import IN_TRAFFIC, Stage

_STAGES_PASSED = frozenset(str(s) for s in IN_TRAFFIC)


def gate_answer(status: Manifest, revision: str) -> Manifest:
    """Return revision, verdict and message; an empty revision means the one in the rollout, else the stable one."""
    rollout = status.get("rollout") or {}
    rolling, stable = rollout.get("revision", ""), (status.get("stable") or {}).get("revision", "")
    asked = revision or rolling or stable
    verdict = _verdict(status, asked, rolling, stable)
    return {"revision": asked, "verdict": str(verdict), "message": str(status.get("message", ""))}


def _verdict(status: Manifest, asked: str, rolling: str, stable: str) -> Verdict:
    if not asked:
        return Verdict.RUNNING
    if any(r.get("revision") == asked for r in status.get("rejected") or []):
        return Verdict.FAILED
    if asked == rolling:
        return _rolling(status)
    return Verdict.PASSED if asked == stable else Verdict.INCONCLUSIVE


def _rolling(status: Manifest) -> Verdict:
    """Judge a revision that is on its way: users reach it only after it passed."""
    stage = (status.get("rollout") or {}).get("stage", "")
    if stage in _STAGES_PASSED:
        return Verdict.PASSED
    held = ((status.get("rollout") or {}).get("held") or {}).get("reason", "")
    if stage == Stage.ABORTING:
        return Verdict.FAILED
    return {"ProbeBroken": Verdict.BROKEN, "Inconclusive": Verdict.INCONCLUSIVE}.get(held, Verdict.RUNNING)
