"""How good a judge is on labelled answers, and what follows for a gate. Arithmetic on four counts; it asks nobody."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from serinus.core.model import GatePolicy, Manifest

WEAK: Final = 0.8
"""J under which a reader is warned: verdicts cost more calls, and bounds are wide."""
UNFIT: Final = 0.6
"""J under which nothing is decided on the judge."""
_Z: Final = 1.959963984540054  # 95 %, two-sided


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Labelled answers by what a person and what the judges said of them. All 0: the judges are not measured."""

    good_passed: int = 0
    good_failed: int = 0
    bad_passed: int = 0
    bad_failed: int = 0

    @property
    def measured(self) -> bool:
        """Whether both error rates are known."""
        return self.good > 0 and self.bad > 0

    @property
    def good(self) -> int:
        """Answers that a person calls good."""
        return self.good_passed + self.good_failed

    @property
    def bad(self) -> int:
        """Answers that a person calls bad."""
        return self.bad_passed + self.bad_failed

    @property
    def sensitivity(self) -> float:
        """Share of the good answers that pass."""
        return self.good_passed / self.good if self.good else 0.0

    @property
    def specificity(self) -> float:
        """Share of the bad answers that fail."""
        return self.bad_failed / self.bad if self.bad else 0.0

    @property
    def j(self) -> float:
        """Youden's J = sensitivity + specificity - 1: 1 is perfect, 0 is a coin."""
        return self.sensitivity + self.specificity - 1

    @property
    def unfit(self) -> bool:
        """Measured, and too bad to decide anything."""
        return self.measured and self.j < UNFIT - 1e-12

    @property
    def weak(self) -> bool:
        """Measured, and bad enough for a warning."""
        return self.measured and self.j < WEAK - 1e-12


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, in [0, 1]; (0, 1) without trials (E. B. Wilson, JASA 22, 1927)."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, _Z * _Z
    middle = share + z2 / (2 * trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    low, high = (middle - half) / (1 + z2 / trials), (middle + half) / (1 + z2 / trials)
    return max(0.0, low), min(1.0, high)


def calibrated(policy: GatePolicy, quality: Quality) -> GatePolicy:
    """The policy in what the judges see: a true difference d shows as J·d. Unmeasured judges change nothing."""
    if not quality.measured or quality.j <= 0:
        return policy
    return replace(policy, margin=policy.margin * quality.j, tolerance=policy.tolerance * quality.j)


def what_follows(quality: Quality) -> str:
    """The consequence for a gate in words; empty where there is none."""
    if quality.unfit:
        return f"J is below {UNFIT:g}: nothing is decided on these judges"
    return f"J is below {WEAK:g}: verdicts take more calls" if quality.weak else ""


def status(quality: Quality) -> Manifest:
    """The measured error rates, for the status of a run and of a ProbeSet; empty where there are none."""
    if not quality.measured:
        return {}
    told = (describe(quality), what_follows(quality))
    return {
        "sensitivityPercent": round(100 * quality.sensitivity, 1),
        "specificityPercent": round(100 * quality.specificity, 1),
        "j": round(quality.j, 3),
        "message": "; ".join(text for text in told if text),
    }


def newest(runs: Iterable[Mapping[str, Any]], probe_set: str, digest: str) -> Manifest:
    """What the newest of these ProbeRuns measured of the judges of a ProbeSet with this digest; empty: none did."""
    found = [
        run
        for run in runs
        if (run.get("spec") or {}).get("probeSet") == {"name": probe_set, "digest": digest}
        and "j" in ((run.get("status") or {}).get("judge") or {})
    ]
    if not found:
        return {}
    last = max(found, key=lambda run: (str(run["status"].get("finishedAt", "")), str(run["metadata"]["name"])))
    names = ("sensitivityPercent", "specificityPercent", "j", "message")
    return {"run": last["metadata"]["name"]} | {k: v for k, v in last["status"]["judge"].items() if k in names}


def describe(quality: Quality) -> str:
    """The measured error rates in words, with their bounds."""
    if not quality.measured:
        return "the judges are not measured"
    sides = (
        ("sensitivity", quality.good_passed, quality.good),
        ("specificity", quality.bad_failed, quality.bad),
    )
    parts = []
    for name, right, of in sides:
        low, high = wilson(right, of)
        parts.append(f"{name} {100 * right / of:.1f} % [{100 * low:.1f}, {100 * high:.1f}] of {of}")
    return f"{', '.join(parts)}, J {quality.j:.2f}"
