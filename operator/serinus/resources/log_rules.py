"""The recording rule over what log agents count: errors in the logs of a service, per second.

Alloy and Promtail export the same names. It knows no agent: an agent's own namespace is no service's.
"""

from typing import Final

from serinus.core.log_pipeline import ERRORS, LINES
from serinus.core.promql import Matcher, Op, selector
from serinus.core.signals import COMMON_LABELS, LOG_ERRORS, SOURCE, WINDOW
from serinus.resources.recording import Rule

_BY: Final = f"by ({', '.join(COMMON_LABELS)})"


def rule() -> Rule:
    """Lines of level error or critical; 0, not absent, while a service logs at all."""
    return Rule(LOG_ERRORS, f"{_rate(ERRORS)} or 0 * {_rate(LINES)}", ((SOURCE, "log"),))


def _rate(counter: str) -> str:
    """A scrape without honorLabels keeps the service's namespace as `exported_namespace`; with it, in its place."""
    raw = selector(counter, (Matcher("llmservice", "", Op.NOT_EQUAL),))
    return f'sum {_BY} (label_replace(rate({raw}[{WINDOW}]), "namespace", "$1", "exported_namespace", "(.+)"))'
