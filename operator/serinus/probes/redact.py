"""Takes out of a text what must not be stored: personal data, secrets, and what may be one of them. Pure.

The patterns are those of the scorers; here every doubt takes a text out, there it does not count.
"""

import re
from collections.abc import Mapping
from typing import Final

from serinus.probes.scorers.finding import scan
from serinus.probes.scorers.pii import KINDS, LOOSE_PII, PII
from serinus.probes.scorers.secrets import LOOSE_SECRETS, SECRETS

_SHAPES: Final = (*SECRETS, *PII, *LOOSE_SECRETS, *LOOSE_PII)
_MARKS: Final[Mapping[str, str]] = {
    **{kind: f"[{kind}]" for kind in KINDS},
    "JSON web token": "[token]",
    "bearer token": "[token]",
    "basic credentials": "[token]",
    "assigned secret": "[secret]",
    "password in a URL": "[secret]",
}
_KEY: Final = "[key]"
_KEPT: Final = 3
"""Times the limit: what is cut off first is far behind what is kept, so no secret is cut in two and shown."""
_REST: Final = re.compile(r"(?:[\w.~+/=-]*[\w=])?")
"""What follows a secret without a gap: its shape has a bound, and the rest of a longer one is secret too.
The full stop of the sentence that it ends is not."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff\ufeff]+")


def redact(text: str, limit: int) -> str:
    """The beginning of a text on one line, at most `limit` bytes of UTF-8, without personal data and secrets."""
    if not text:
        return ""
    text = text[: _KEPT * limit]
    parts: list[str] = []
    end = 0
    for span in scan(_SHAPES, text):
        if span.end <= end:
            continue
        parts += (text[end : span.start], _MARKS.get(span.kind, _KEY))
        end = span.end if span.kind in KINDS else _REST.match(text, span.end).end()  # type: ignore[union-attr]
    return cut(" ".join(_CONTROL.sub(" ", "".join((*parts, text[end:]))).split()), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, with an ellipsis where something is missing."""
    raw = text.encode(errors="replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: max(0, limit - 3)].decode(errors="ignore").rstrip() + "…"
