"""Owns the proof that every alert has its section in the runbooks and every section its alert."""

import re

import pytest

from tests.alerts import cases
from tests.golden import render

RUNBOOKS = (render.ROOT / "alert-rules" / "runbooks.md").read_text(encoding="utf-8")
OPERATOR = re.findall(
    r"(?m)^ +- alert: (\w+)$", (render.ROOT / "charts/serinus/files/alerts.yaml").read_text(encoding="utf-8")
)
"""Alerts on the operator itself, which the chart has."""
PARTS = ("**Means.**", "**Look at.**", "**Do.**")


def sections(text: str) -> dict[str, str]:
    """The text of each section by its title."""
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def problems(text: str) -> list[str]:
    """One line for each alert without a section, each section without an alert or a part, each wrong anchor."""
    found, alerts = sections(text), cases.alerts()
    names = {*alerts, *OPERATOR}
    lines = [f"{name}: no section" for name in sorted(names) if name not in found]
    lines += [f"{title}: no alert" for title in found if title not in names]
    lines += [f"{t}: no part {part}" for t, body in found.items() for part in PARTS if body.count(part) != 1]
    return lines + [f"{n}: anchor {a.runbook}" for n, a in alerts.items() if a.runbook != n.lower()]


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert problems(RUNBOOKS) == []


@pytest.mark.parametrize(
    ("wrong", "right", "line"),
    [
        ("## LLMRolloutHeld", "## LLMRolloutHolt", "LLMRolloutHeld: no section"),
        ("## LLMRolloutHeld", "## LLMRolloutHolt", "LLMRolloutHolt: no alert"),
        ("**Do.** Correct the field", "Correct the field", "LLMServiceInvalid: no part **Do.**"),
    ],
)
def test_a_section_that_does_not_fit_is_seen(wrong: str, right: str, line: str) -> None:
    assert wrong in RUNBOOKS
    assert line in problems(RUNBOOKS.replace(wrong, right))
