"""Text of an alert's label or annotation, which Prometheus runs as a Go template: our templates, others' text.

It owns the one way in which a text of somebody else comes to stand in a template. It knows no alert.
"""

import re
from collections.abc import Mapping
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\$([a-zA-Z_][a-zA-Z0-9_]*)")


def literal(text: str) -> str:
    """Write text so that the template prints it as it is.

    Each `{` is printed by an action of its own, so that two of them can never meet, not even at a seam.
    """
    return text.replace("{", '{{"{"}}')


def from_labels(template: str, labels: Mapping[str, str]) -> str:
    """Put the labels of the alert in the place of `$names`: Prometheus prints their values and runs nothing of them."""
    return _PLACEHOLDER.sub(lambda m: f"{{{{ $labels.{labels[m[1]]} }}}}" if m[1] in labels else m[0], template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values, as literal text, in the place of their `$names`; other names are variables of the template."""
    return _PLACEHOLDER.sub(lambda m: literal(values[m[1]]) if m[1] in values else m[0], template)
