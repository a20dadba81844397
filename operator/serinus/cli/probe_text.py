"""The outcome of `serinus probe` as text for people and as Markdown. It writes nothing and judges nothing."""

from collections.abc import Sequence

from serinus.cli.probe_outcome import Outcome
from serinus.cli.probe_seen import Answers, Row
from serinus.core.report import Side
from serinus.core.timing import QUANTILES, mean, number, quantile
from serinus.core.verdict import Evidence

Table = Sequence[Sequence[str]]


def text(outcome: Outcome) -> str:
    """The counts, times of streams, the evidence as it grew, the worst probes with both answers, the verdict last."""
    parts = ["\n".join(_columns(counts(outcome)))]
    if times := timing(outcome):
        parts.append("\n".join(("Streamed answers, in milliseconds", *_columns(times))))
    if len(outcome.growth) > 1:
        parts.append("\n".join(("Evidence as it grew", *_columns(growth(outcome)))))
    if outcome.worst:
        parts.append("\n".join(("Worst probes", *(line for row in outcome.worst for line in _worst(outcome, row)))))
    parts.append(f"{outcome.verdict}: {outcome.message}")
    return "\n\n".join(parts)


def markdown(outcome: Outcome) -> str:
    """The same as a page, for a comment of a pull request or the summary of a job."""
    parts = [f"## {outcome.verdict}: {_plain(outcome.source)}", _plain(outcome.message), _table(counts(outcome))]
    if times := timing(outcome):
        parts += ["### Streamed answers, in milliseconds", _table(times)]
    if outcome.worst:
        parts.append("### Worst probes")
        parts += ["\n".join(_worst_item(outcome, row)) for row in outcome.worst]
    if len(outcome.growth) > 1:
        parts += ["### Evidence as it grew", _table(growth(outcome))]
    return "\n\n".join(parts) + "\n"


def counts(outcome: Outcome) -> Table:
    """Pairs by outcome and answers passed; without a baseline answers alone."""
    report = outcome.report
    if not outcome.paired:
        side = report.canary
        return ("answers", "passed", "failed", "unscored", "share"), (
            "canary",
            str(side.passed),
            str(side.failed),
            str(report.pairs.unscored),
            _share(side),
        )
    pairs = report.pairs
    head = ("pairs", "lost", "tied", "won", "unscored", "canary", "stable")
    numbers = [str(n) for n in (pairs.scored, pairs.lost, pairs.tied, pairs.won, pairs.unscored)]
    return head, (*numbers, _share(report.canary), _share(report.stable))


def timing(outcome: Outcome) -> Table:
    """Milliseconds to the first token and between tokens of each side; nothing, if no answer was streamed."""
    rows = []
    for side, times in zip(("canary", "stable"), outcome.report.timing, strict=True):
        for what, counts in (("first token", times.first), ("between tokens", times.between)):
            if counts:
                seconds = (mean(counts), *(quantile(counts, share) for share in QUANTILES.values()))
                rows.append((side, what, str(number(counts)), *map(_milliseconds, seconds)))
    return (("side", "time", "count", "mean", *QUANTILES), *rows) if rows else ()


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}" if seconds >= 0.1 else f"{1000 * seconds:.3g}"


def growth(outcome: Outcome) -> Table:
    """Evidence after so many pairs, beside its limits."""
    policy, paired = outcome.policy, outcome.paired
    limits = (f"of {1 / policy.alpha:.3g}", f"of {1 / policy.beta:.3g}")
    compared = (f"to roll back {limits[0]}", f"to promote {limits[1]}") if paired else ()
    head = ("pairs" if paired else "answers", *compared, "floor missed of 100", f"floor met {limits[1]}")
    return head, *((str(look.pairs), *_numbers(look.evidence, paired=paired)) for look in outcome.growth)


def _numbers(found: Evidence, *, paired: bool) -> tuple[str, ...]:
    compared = (found.rollback, found.promotion) if paired else ()
    return tuple(f"{value:.3g}" for value in (*compared, found.floor_rollback, found.floor_promotion))


def _worst(outcome: Outcome, row: Row) -> list[str]:
    lines = [f"  {row.name}: {tally(outcome, row)}"]
    if row.answers is not None:
        lines += [f"    {side:<7} {said}" for side, said in _answers(outcome, row.answers)]
    return lines


def _worst_item(outcome: Outcome, row: Row) -> list[str]:
    lines = [f"- **{_plain(row.name)}**: {tally(outcome, row)}"]
    if row.answers is not None:
        lines += [f"  - {side}: {_plain(said)}" for side, said in _answers(outcome, row.answers)]
    return lines


def tally(outcome: Outcome, row: Row) -> str:
    """What became of one probe."""
    passed, asked = row.canary
    if not outcome.paired:
        return f"{passed} of {asked} passed, unscored {row.unscored}"
    return (
        f"lost {row.lost}, tied {row.tied}, won {row.won}, unscored {row.unscored}; "
        f"canary {passed}/{asked}, stable {row.stable[0]}/{row.stable[1]}"
    )


def _answers(outcome: Outcome, answers: Answers) -> list[tuple[str, str]]:
    found = [("stable", answers.stable or "(nothing)")] if outcome.paired else []
    return [*found, ("canary", answers.canary or "(nothing)"), ("because", answers.reason or "(no reason)")]


def _share(side: Side) -> str:
    return f"{100 * side.passed / side.scored:.1f} %" if side.scored else "-"


def _columns(table: Table) -> list[str]:
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in table]


def _table(table: Table) -> str:
    head, *rows = (f"| {' | '.join(_plain(cell) for cell in line)} |" for line in table)
    return "\n".join((head, f"|{' --- |' * len(table[0])}", *rows))


def _plain(said: str) -> str:
    """A text of a model or of a file in Markdown: nothing in it is markup, and it stays on its line."""
    found = " ".join(said.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#|!~@&" else c for c in found)
