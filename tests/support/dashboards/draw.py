"""Owns how a panel is drawn in a preview, from its JSON and Prometheus' answers to its queries. It asks nothing."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.dashboards.svg import BOX, COLORS, FAINT, INK, NAMED, amount, box, cut, line, text

Json = dict[str, Any]
LEGEND, LEAD = 15, 26


@dataclass(frozen=True)
class Curve:
    """One series of an answer: its name, its points (time, value), its labels."""

    name: str
    points: tuple[tuple[float, float], ...]
    labels: dict[str, str]


@dataclass(frozen=True)
class Area:
    """Where a panel's content is drawn, in pixels, and the times of its left and right edge."""

    x: float
    y: float
    width: float
    height: float
    begin: int
    end: int

    def at(self, time: float) -> float:
        """Place of a time."""
        return self.x + self.width * (time - self.begin) / (self.end - self.begin)


def curves(panel: Json, answers: list[list[Json]]) -> list[Curve]:
    """Answers as named series; numbers that are none are left out."""
    found = []
    for target, answer in zip(panel["targets"], answers, strict=True):
        for series in answer:
            labels = series["metric"]
            name = _named(target["legendFormat"], labels)
            pairs = series.get("values") or [series["value"]]
            points = tuple((float(t), float(v)) for t, v in pairs if math.isfinite(float(v)))
            if points:
                found.append(Curve(name, points, labels))
    return found


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda m: labels.get(m[1], ""), legend).strip()


def draw(panel: Json, found: list[Curve], area: Area) -> list[str]:
    """Draw a panel: its frame, its title, its content."""
    marks = [box(area.x, area.y, area.width, area.height, BOX, rx=2, stroke="#2a2d34")]
    marks.append(text(area.x + 8, area.y + 17, cut(panel["title"], area.width - 16), font_weight="bold", font_size=12))
    inner = Area(area.x + 8, area.y + LEAD, area.width - 16, area.height - LEAD - 8, area.begin, area.end)
    if panel["datasource"]["type"] == "loki":
        return [*marks, text(inner.x, inner.y + 20, "asked of Loki: not drawn here", fill=FAINT)]
    if not found:
        return [*marks, text(inner.x, inner.y + 20, "no data for this service", fill=FAINT)]
    return [*marks, *LOOKS[panel["type"]](panel, found, inner)]


def _lines(panel: Json, found: list[Curve], area: Area) -> list[str]:
    unit, custom = panel["fieldConfig"]["defaults"]["unit"], panel["fieldConfig"]["defaults"]["custom"]
    shown = found[: max(2, int(area.height / 2.2 / LEGEND))]
    plot = Area(area.x + 58, area.y, area.width - 58, area.height - LEGEND * len(shown) - 20, area.begin, area.end)
    stacked = custom["stacking"]["mode"] == "normal"
    layers = _stacked(found) if stacked else found
    height = _scale(panel, layers, logarithmic=custom["scaleDistribution"]["type"] == "log")
    marks = _axis(plot, height, unit)
    for i, curve in reversed(list(enumerate(layers))):
        places = [(plot.at(t), plot.y + plot.height * (1 - height(v))) for t, v in curve.points]
        if stacked:
            bottom = plot.y + plot.height
            polygon = " ".join(
                f"{x:.1f},{y:.1f}" for x, y in [(places[0][0], bottom), *places, (places[-1][0], bottom)]
            )
            marks.append(f'<polygon points="{polygon}" fill="{COLORS[i % len(COLORS)]}" opacity="0.6"/>')
        marks.append(line(places, COLORS[i % len(COLORS)]))
    for i, curve in enumerate(shown):
        y = area.y + area.height - LEGEND * (len(shown) - i) + 11
        marks.append(box(area.x, y - 6, 10, 3, COLORS[i % len(COLORS)]))
        marks.append(text(area.x + 15, y, cut(curve.name, area.width - 100)))
        marks.append(text(area.x + area.width, y, amount(curve.points[-1][1], unit), text_anchor="end"))
    return marks


def _stacked(found: list[Curve]) -> list[Curve]:
    total: dict[float, float] = {}
    layers = []
    for curve in found:
        for time, value in curve.points:
            total[time] = total.get(time, 0.0) + value
        layers.append(Curve(curve.name, tuple((t, total[t]) for t, _ in curve.points), curve.labels))
    return layers


def _scale(panel: Json, found: list[Curve], *, logarithmic: bool) -> Callable[[float], float]:
    """From a value to its height, 0 to 1, by the panel's bounds or the values themselves."""
    bounds = panel["fieldConfig"]["defaults"]
    values = [v for curve in found for _, v in curve.points]
    if logarithmic:
        low, high = math.log10(max(min(values), 1e-3)), math.log10(max(*values, 1e-2))
        return lambda v: (math.log10(max(v, 1e-3)) - low) / ((high - low) or 1)
    low, high = bounds.get("min", min(values)), bounds.get("max", max(values))
    high = high if high > low else low + 1
    scale = lambda v: min(max((v - low) / (high - low), 0.0), 1.0)  # noqa: E731 - with the numbers of its axis
    scale.low, scale.high = low, high  # type: ignore[attr-defined]
    return scale


def _axis(plot: Area, height: Callable[[float], float], unit: str) -> list[str]:
    marks = []
    low, high = getattr(height, "low", None), getattr(height, "high", None)
    for i in range(4):
        y = plot.y + plot.height * (1 - i / 3)
        marks.append(line([(plot.x, y), (plot.x + plot.width, y)], "#2a2d34"))
        if low is not None and high is not None:
            words = amount(low + (high - low) * i / 3, unit)
            marks.append(text(plot.x - 6, y + 4, words, fill=FAINT, font_size=10, text_anchor="end"))
    for minute in range(0, (plot.end - plot.begin) // 60 + 1, 20):
        x = plot.at(plot.begin + minute * 60)
        marks.append(text(x, plot.y + plot.height + 13, f"+{minute} min", fill=FAINT, font_size=10))
    return [m.replace('">+60', '" text-anchor="end">+60') for m in marks]


def _number(panel: Json, found: list[Curve], area: Area) -> list[str]:
    named = panel["options"]["textMode"] == "name"
    unit, each = panel["fieldConfig"]["defaults"]["unit"], area.height / len(found)
    marks = []
    for i, curve in enumerate(found):
        y, color = area.y + each * (i + 0.6), _colored(panel, curve.points[-1][1])
        words = curve.name if named else f"{curve.name} {amount(curve.points[-1][1], unit)}"
        size = min(26, each * 0.5, 1.6 * area.width / len(words))
        marks.append(text(area.x + area.width / 2, y, words, fill=color, font_size=f"{size:.0f}", text_anchor="middle"))
    return marks


def _colored(panel: Json, value: float) -> str:
    color = INK
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            color = NAMED[step["color"]]
    return color


def _bars(panel: Json, found: list[Curve], area: Area) -> list[str]:
    unit, most = panel["fieldConfig"]["defaults"]["unit"], panel["fieldConfig"]["defaults"].get("max")
    shown = found[: max(1, int(area.height / 24))]
    top = most or max((c.points[-1][1] for c in shown), default=1) or 1
    marks, names = [], area.width * 0.42
    for i, curve in enumerate(shown):
        y, value = area.y + i * (area.height / len(shown)), curve.points[-1][1]
        width = (area.width - names - 70) * min(max(value / top, 0), 1)
        high = min(area.height / len(shown) - 6, 24)
        marks += [
            text(area.x, y + high / 2 + 4, cut(curve.name, names)),
            box(area.x + names, y, area.width - names, high, "#22252b"),
        ]
        marks.append(box(area.x + names, y, width, high, _colored(panel, value), opacity=0.8))
        marks.append(text(area.x + area.width - 4, y + high / 2 + 4, amount(value, unit), text_anchor="end"))
    return marks


def _states(panel: Json, found: list[Curve], area: Area) -> list[str]:
    each, names, marks = (area.height - 16) / len(found), 80, []
    strip = Area(area.x + names, area.y, area.width - names, area.height - 16, area.begin, area.end)
    for i, curve in enumerate(found):
        y = area.y + each * i
        marks.append(text(area.x, y + each / 2 + 4, curve.name))
        marks.append(box(strip.x, y + 2, strip.width, each - 4, "#22252b"))
        for (now, value), (after, _) in zip(curve.points, curve.points[1:], strict=False):
            if value:
                marks.append(
                    box(strip.at(now), y + 2, strip.at(after) - strip.at(now) + 0.5, each - 4, _colored(panel, value))
                )
    return marks


def _heat(panel: Json, found: list[Curve], area: Area) -> list[str]:
    """Cumulative buckets, lowest edge below: what lies between two edges is the difference."""
    rows = sorted(found, key=lambda c: float(c.labels["le"]))
    counts: list[dict[float, float]] = []
    for i, curve in enumerate(rows):
        below = dict(rows[i - 1].points) if i else {}
        counts.append({t: max(v - below.get(t, 0.0), 0.0) for t, v in curve.points})
    most = max((v for row in counts for v in row.values()), default=1.0) or 1.0
    high, wide = area.height / len(rows), (area.width - 50) / max(len(counts[0]), 1)
    plot = Area(area.x + 50, area.y, area.width - 50, area.height, area.begin, area.end)
    marks = []
    for i, (curve, row) in enumerate(zip(rows, counts, strict=True)):
        y = area.y + area.height - high * (i + 1)
        if i % 3 == 0:
            words = curve.labels["le"]
            marks.append(text(area.x + 44, y + high, f"{words} s", fill=FAINT, font_size=9, text_anchor="end"))
        cells = (box(plot.at(t), y, wide, high, "#ff9830", opacity=f"{v / most:.2f}") for t, v in row.items() if v)
        marks += cells
    return marks


def _table(panel: Json, found: list[Curve], area: Area) -> list[str]:
    organize = next(t["options"] for t in panel["transformations"] if t["id"] == "organize")
    shown = {o["matcher"]["options"]: {p["id"]: p["value"] for p in o["properties"]} for o in _overrides(panel)}
    names = dict.fromkeys(k for c in found for k in c.labels if not k.startswith("__"))
    order = {**{name: len(names) for name in names}, **organize["indexByName"]}
    columns = sorted((n for n in names if n not in organize["excludeByName"]), key=lambda n: order[n])
    wide, marks = area.width / max(len(columns), 1), []
    for i, column in enumerate(columns):
        x, about = area.x + i * wide, shown.get(column, {})
        words = cut(about.get("displayName", column), wide)
        marks.append(text(x, area.y + 12, words, font_weight="bold", fill="#6e9fff"))
        for j, curve in enumerate(found[: int((area.height - 16) / 18)]):
            value = curve.labels.get(column, "")
            cell = amount(float(value), about["unit"]) if value and "unit" in about else value
            marks.append(text(x, area.y + 32 + 18 * j, cut(cell, wide)))
    return marks


def _overrides(panel: Json) -> list[Json]:
    found: list[Json] = panel["fieldConfig"]["overrides"]
    return found


LOOKS: dict[str, Callable[[Json, list[Curve], Area], list[str]]] = {
    "timeseries": _lines,
    "stat": _number,
    "bargauge": _bars,
    "state-timeline": _states,
    "heatmap": _heat,
    "table": _table,
}
