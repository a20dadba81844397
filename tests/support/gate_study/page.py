"""The study as a page of the docs. It formats counts; it computes none."""

from collections.abc import Iterable

from tests.support.gate_study.forms import FORMS
from tests.support.gate_study.rules import RULES
from tests.support.gate_study.study import DROPS, FAULT_DROPS, FAULTS, FIRST_RATES, THE_GATE, Cell, Study
from tests.support.gate_study.world import PROBES

_HEAD = """# Error rates of the quality gate

Written by `python -m tests.support.gate_study --rollouts {rollouts} --seed {seed} --write docs/gate-error-rates.md`
(`make gate-study`); the same seed gives the same page, byte by byte.
Every verdict below is said by the code that runs in the operator (`core/verdict.py`), on simulated answers.

**The model.** Stable passes 95 % of 100 probes. Their difficulty varies (logit-normal, standard deviation 2), the
canary's difficulty is correlated 0.9 with stable's, and the change of the pass rate is exact on the probes of each
rollout. Repeats of a probe are independent. A round asks every probe once on both revisions, in a random order.
{rollouts:,} rollouts a row; with so many, a share near 2 % is known to ±{small:.1f} points and a share near 50 % to
±{large:.1f} (95 % of the time).

**The gate.** Defaults of the API: margin 5 points, no tolerance, false rollback 5 %, false promotion 10 %, floor 80 %,
1,000 pairs. "Calls" are calls on both revisions together; p95 is what 95 % of the rollouts did not exceed.
"""

_RULES = """
## The gate beside the rules that people use today

Each cell: **failed / passed / inconclusive %, mean calls (p95)**. At 0 points "failed" is a false rollback; from -5
points on "passed" is a false promotion. All rules of a column judged the same answers.

"""

_RULES_READING = """
At -2 points, inside the margin, both verdicts are right in their way: whoever means "2 points are fine" sets
`tolerancePoints: 2`. The fixed tests and Kayenta's judge have no third answer and no early end: they always cost all
of their calls. The Argo-style checks look at the canary alone, against a fixed 90 %.
"""

_FAULTS = """
## What breaks a gate

The same gate while something is wrong with the measurement. A bad judge fails half of the good answers of its batch;
a batch is 20 calls in a row.

"""

_FAULTS_READING = """
- **Interleave.** A bad judge that meets both revisions alike costs calls; one that meets only one of them decides the
  rollout. This is why a pair is asked at the same time.
- **No cache may answer a repeat.** Copies of one answer look like evidence and are none. When a run notices a cache its
  verdict is Inconclusive; this row is the cache that nobody notices.
- **Judge errors are paid in calls.** The margin is scaled by sensitivity + specificity - 1, and more rollouts end
  undecided.
- **Errors that both sides share are no loss.** A canary's 5xx scores 0. A 5xx of stable is stable's 0 in the evidence
  to roll back, and nowhere else: that pair never helps a promotion. The row below it is the gate without this rule.
  The price is a promotion that comes later or not at all: among the pairs that promote, the canary's errors stay.
- **A canary that breaks stable gains nothing.** Evidence to promote comes from pairs that stable answered, so a bad
  canary passes no more often than the false promotion allows; a fault of stable may cost the roll back, and then the
  rollout is held. Over 5 % of stable's calls in error the verdict is Inconclusive or Broken, whatever the canary says.
"""

_FORMS = """
## Other forms of the gate

The same defaults, each in its own world. With `tolerancePoints: 2` a loss of two points is no reason to roll back.
Graded scores spread around a mean of 0.85 (floor 70 %). Of the five metrics, which agree more than chance does, only
the first changes; the gate rolls back on the weighted mean of their evidence and promotes on the least of it.

"""

_FIRST = """
## A first revision, without anything to compare with

Only the floor test: floor 80 %, margin 5 points; failed at an evidence of 100 (1 %), passed at 10 and when every
probe was seen. A revision below 75 % passes in at most 10 % of cases; one at the floor usually passes. Calls are
calls on this revision; with 100 probes at least 100 are needed to pass, so the last column shows what the evidence
alone would have needed.

| true pass rate | failed / passed / inconclusive % | mean calls (p95) | evidence alone: mean calls (p95) |
| --- | --- | --- | --- |
"""

_LIMITS = """
## What this does not show

Repeats on a real server are not quite independent: batches, caches and load join them. Interleaving is the answer to
that, and the self-test (stable against stable, on your own probes) is the check. The bound of the false rollback is
proven for probes drawn with replacement; for rounds it is measured here. The figures are about these probes, not about
"prompts like these".
"""


def page(study: Study) -> str:
    """The whole page in Markdown."""
    spread = 196 / study.rollouts**0.5
    head = _HEAD.format(rollouts=study.rollouts, seed=study.seed, small=spread * 0.14, large=spread * 0.5)
    rules = _table("rule", (*RULES, THE_GATE), DROPS, study.rules)
    faults = _table("what is wrong", ("nothing", *FAULTS), FAULT_DROPS, study.faults)
    forms = _table("form", FORMS, DROPS, study.forms)
    first = "".join(_first_row(study, rate) for rate in FIRST_RATES)
    parts = (
        head,
        _RULES,
        rules,
        _RULES_READING,
        _FAULTS,
        faults,
        _FAULTS_READING,
        _FORMS,
        forms,
        _FIRST,
        first,
        _LIMITS,
    )
    return "".join(parts)


def _table(title: str, names: Iterable[str], drops: Iterable[float], cells: dict[tuple[str, float], Cell]) -> str:
    drops = tuple(drops)
    head = " | ".join((title, *(f"{-100 * d:+.0f} points" if d else "no change" for d in drops)))
    lines = [f"| {head} |", "|" + " --- |" * (len(drops) + 1)]
    lines += [" | ".join((f"| {name}", *(f"{_shares(c)}, {_calls(c)}" for c in _row(cells, name, drops)), "")).rstrip()
              for name in names]  # fmt: skip
    return "\n".join(lines) + "\n"


def _row(cells: dict[tuple[str, float], Cell], name: str, drops: Iterable[float]) -> list[Cell]:
    return [cells[name, drop] for drop in drops]


def _first_row(study: Study, rate: float) -> str:
    real, alone = study.first[PROBES, rate], study.first[1, rate]
    return f"| {100 * rate:g} % | {_shares(real)} | {_calls(real)} | {_calls(alone)} |\n"


def _shares(cell: Cell) -> str:
    return " / ".join(f"{100 * n / cell.runs:.1f}" for n in (cell.failed, cell.passed, cell.undecided))


def _calls(cell: Cell) -> str:
    return f"{cell.mean_calls:,.0f} ({cell.p95_calls:,})"
