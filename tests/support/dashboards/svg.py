"""Owns the marks of a preview: text, boxes, lines, and numbers with their units. It knows no dashboard."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

COLORS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300")
INK, FAINT, PAPER, BOX = "#ccccdc", "#5a5f6b", "#111217", "#181b1f"
NAMED = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2", "text": INK, "transparent": BOX}
_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def text(x: float, y: float, words: str, **style: object) -> str:
    """Words that begin, or with anchor end or middle lie, at a place."""
    more = _attributes({"fill": INK, "font_size": 11, **style})
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, fill: str, **style: object) -> str:
    """A filled rectangle."""
    more = _attributes(style)
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" {more}/>'


def line(points: Iterable[tuple[float, float]], color: str, **style: object) -> str:
    """A line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    more = _attributes(style)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.2" {more}/>'


def _attributes(style: Mapping[str, object]) -> str:
    return " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in style.items())


def document(width: float, height: float, marks: Sequence[str]) -> str:
    """A whole picture."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
    view = f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif">'
    return "\n".join([head + view, box(0, 0, width, height, PAPER), *marks, "</svg>\n"])


def cut(words: str, width: float) -> str:
    """As many of the words as fit a width in 11 pixel letters."""
    most = max(int(width / 5.8), 3)
    return words if len(words) <= most else f"{words[: most - 1]}…"


def amount(value: float, unit: str) -> str:
    """A number for people, as Grafana would write it in about as many digits."""
    if not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return f"{_short(100 * value)} %"
    if unit == "currencyUSD":
        return f"${_short(value)}"
    if unit == "s":
        return f"{_short(1000 * value)} ms" if 0 < abs(value) < 1 else f"{_short(value)} s"
    if unit == "bytes":
        return f"{_short(value / 2**30)} GiB"
    suffix = {"reqps": " req/s", "cps": " /s"}.get(unit, unit.removeprefix("suffix:") if ":" in unit else "")
    return f"{_short(value)}{suffix}"


def _short(value: float) -> str:
    for scale, letter in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.3g}" if abs(value) >= 1e-4 or not value else f"{value:.0e}"
