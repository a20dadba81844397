"""Owns the previews of the dashboards, `python -m tests.support.dashboards [folder]`: a picture of each row.

They are drawn from the JSON that Grafana gets and from a real Prometheus' answers to its queries. Not by Grafana.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden import render
from tests.support.dashboards import store
from tests.support.dashboards.boards import boards, filled, rows, variables
from tests.support.dashboards.draw import Area, Curve, curves, draw
from tests.support.dashboards.svg import FAINT, document, text

Json = dict[str, Any]
FOLDER = render.ROOT / "docs" / "dashboards"
SHARED = ("serinus-services", "serinus-fleet")
COLUMN, LINE, TOP = 56, 27, 30
NOTE = "a preview drawn from the dashboard's JSON and Prometheus' answers to a made-up hour; not a picture of Grafana"


def files() -> Iterator[tuple[str, Json, str, list[Json]]]:
    """Every row of the shared dashboards: its file, its dashboard, its title, its panels."""
    for uid in SHARED:
        board = boards()[uid]
        for title, panels in rows(board):
            yield f"{uid}-{title.lower().replace(' ', '-')}.svg", board, title, panels


def picture(prometheus: store.Store, board: Json, title: str, panels: list[Json]) -> str:
    """One row."""
    top = min(p["gridPos"]["y"] for p in panels)
    bottom = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels)
    marks = [text(8, 20, f"{board['title']} / {title}", font_size=15, font_weight="bold")]
    marks.append(text(24 * COLUMN - 8, 20, NOTE, fill=FAINT, text_anchor="end"))
    for panel in panels:
        at = panel["gridPos"]
        place = at["x"] * COLUMN + 3, TOP + (at["y"] - top) * LINE + 3, at["w"] * COLUMN - 6, at["h"] * LINE - 6
        marks += draw(panel, _asked(prometheus, board, panel), Area(*place, store.BEGIN, store.END))
    return document(24 * COLUMN, TOP + (bottom - top) * LINE + 6, marks)


def _asked(prometheus: store.Store, board: Json, panel: Json) -> list[Curve]:
    if panel["datasource"]["type"] == "loki":
        return []
    answers = []
    for target in panel["targets"]:
        expr = filled(target["expr"], variables(board))
        answers.append(prometheus.instant(expr) if target["instant"] else prometheus.over(expr))
    return _merged(panel, answers) if panel["type"] == "table" and len(answers) > 1 else curves(panel, answers)


def _merged(panel: Json, answers: list[list[Json]]) -> list[Curve]:
    """Several answers as one table, joined by namespace and service, as Grafana's merge does it."""
    joined: dict[tuple[str, str], dict[str, str]] = {}
    for target, answer in zip(panel["targets"], answers, strict=True):
        for series in answer:
            labels = series["metric"]
            row = joined.setdefault((labels.get("namespace", ""), labels.get("llmservice", "")), {})
            row.update({k: v for k, v in labels.items() if k != "__name__"})
            row[f"Value #{target['refId']}"] = series["value"][1]
    return [Curve("", ((0.0, 1.0),), labels) for labels in joined.values()]


def main(arguments: list[str]) -> int:
    """Write the pictures and say where."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        prometheus = store.fill(Path(name))
        try:
            for file, board, title, panels in files():
                (folder / file).write_text(picture(prometheus, board, title, panels), encoding="utf-8")
                print(f"wrote {folder / file}")
        finally:
            prometheus.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
