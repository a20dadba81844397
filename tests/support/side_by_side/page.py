"""The page of the docs: what was judged, by source, beside the alerts of ours on the same symptom.

It owns the page's words and tables. It keeps no expression of others, only names of alerts, panels and metrics.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.side_by_side.exposed import HERE
from tests.support.side_by_side.judge import Judged, Verdict, judge
from tests.support.side_by_side.read import Expression, expressions

SHORT: Final = {
    Verdict.ANSWERS: "can",
    Verdict.NEVER: "**cannot**",
    Verdict.ALWAYS: "**fires always**",
    Verdict.UNKNOWN: "not judged",
    Verdict.UNREADABLE: "not read",
}
HEAD: Final = """\
# Rules and dashboards of others, side by side

Written by `python -m tests.support.side_by_side --page`, from files that are not kept here. Judged in November 2026.

Every expression was evaluated by promtool on one exposition of each runtime (`tests/samples`: vLLM 0.33, SGLang 0.5.23,
TGI 3.3.7, the endpoint picker of llm-d 0.10 with the older names that it still exposes, and the rest), and on series
that these samples leave out (`tests/support/side_by_side/further.yaml`). Comparisons count as fulfilled, ranges are as
long as the samples, and what a target or a reader of a dashboard chooses (`job`, `pod`, `namespace`, variables) counts
as fitting.

- **can**: it gives data where its source runs. Whether an alert's threshold is ever reached is another matter.
- **cannot**: it gives nothing with any of these runtimes, and why.
- **fires always**: it asks for the absence of what no longer exists.
- **not judged**: it rests on metrics of programs of which there is no sample here (kube-state-metrics, LMCache, …).

*Ours* names the alerts of this operator on the same symptom; `LLMSloBurn…` needs an objective. Each has a case in which
promtool makes it fire on recorded signals (`python -m tests.alerts.table`), and those signals are proved to be recorded
of these same samples. A recorded signal joins the names that a metric has had; one that a runtime lacks makes no rule.

To judge files of your own: `python -m tests.support.side_by_side FILE_OR_FOLDER…`.
"""
TAIL: Final = """
## Not compared

llm-d's rules on the index of the KV cache, the autoscaler of variants and the batch gateway, and its dashboards of
them: of those programs there are no samples here.
"""


@dataclass(frozen=True)
class Source:
    """Files of one repository at one commit."""

    title: str
    repository: str
    commit: str
    files: tuple[str, ...]
    ours: dict[str, list[str]]
    remarks: tuple[str, ...]


@cache
def sources() -> tuple[Source, ...]:
    """What is compared."""
    data: list[dict[str, Any]] = yaml.safe_load((HERE / "sources.yaml").read_text(encoding="utf-8"))
    return tuple(
        Source(d["title"], d["repository"], str(d["commit"]), tuple(d["files"]), d["ours"], tuple(d.get("remarks", ())))
        for d in data
    )


def page(folder: Path) -> str:
    """The page, from a folder that has `owner/name/path` of each file; FileNotFoundError, KeyError for an alert."""
    judged = {source.title: _judged(source, folder) for source in sources()}
    rows = [f"| {source.title} | {_counts(judged[source.title])} |" for source in sources()]
    table = "\n".join(
        ["| source | expressions | can | cannot | not judged |", "| --- | --- | --- | --- | --- |", *rows]
    )
    return "\n".join([HEAD, table, *(_section(s, judged[s.title]) for s in sources()), TAIL.rstrip("\n"), ""])


def _judged(source: Source, folder: Path) -> list[Judged]:
    found: list[Expression] = []
    for file in source.files:
        found += expressions(folder / source.repository / file, file)
    return judge(found)


def _counts(found: list[Judged]) -> str:
    by = Counter(j.verdict for j in found)
    never, unknown = by[Verdict.NEVER] + by[Verdict.ALWAYS], by[Verdict.UNKNOWN] + by[Verdict.UNREADABLE]
    return f"{len(found)} | {by[Verdict.ANSWERS]} | {never} | {unknown}"


def _section(source: Source, found: list[Judged]) -> str:
    lines = [f"\n## {source.title}\n", f"`{source.repository}` at `{source.commit}`:\n"]
    lines += [f"- `{file}`: {_sum(j for j in found if j.expression.file == file)}" for file in source.files]
    shown = [j for j in found if j.expression.kind == "alert" or j.verdict is not Verdict.ANSWERS or j.notes]
    if shown:
        lines += ["\n| alert or panel | today | why | ours |\n| --- | --- | --- | --- |"]
        lines += dict.fromkeys(_row(source, j, shown) for j in shown)
    lines += ["", *source.remarks] if source.remarks else []
    return "\n".join(lines)


def _sum(found: Any) -> str:
    by = Counter(SHORT[j.verdict] for j in found)
    return ", ".join(f"{count} {name.strip('*')}" for name, count in by.items()) or "no expression"


def _row(source: Source, judged: Judged, shown: list[Judged]) -> str:
    e, why = judged.expression, "; ".join([*judged.reasons, *judged.notes])
    same = sum(_key(j) == _key(judged) for j in shown)
    times = f" ({same})" if same > 1 else ""
    ours = source.ours[e.name] if e.kind == "alert" else source.ours.get(e.name, [])
    named = ", ".join(f"`{name}`" for name in ours) or ("none" if e.kind == "alert" else "")
    name = f"`{e.name}`" if e.kind == "alert" else f"{e.name}{' (variable)' if e.kind == 'variable' else ''}"
    where = f" in `{Path(e.file).name}`" if e.kind != "alert" and len(source.files) > 1 else ""
    return f"| {name}{times}{where} | {SHORT[judged.verdict]} | {why} | {named} |"


def _key(judged: Judged) -> tuple[Verdict, tuple[str, ...], tuple[str, ...]]:
    """What one row of the table says."""
    e = judged.expression
    return judged.verdict, judged.reasons, (e.file, e.kind, e.name)
