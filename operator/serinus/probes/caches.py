"""Signs that a cache answered instead of a model: headers, and answers with the identity of an earlier one. Pure."""

from typing import Final

from serinus.probes.reply import Reply

_MAX_REMEMBERED: Final = 50_000
_STALE_SECONDS: Final = 3.0
"""`created` is in whole seconds and clocks differ: only an answer that is clearly older than its question counts."""


class Caches:
    """Remembers the identities of answers; one object for a run."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], tuple[int, str]] = {}
        self._created: dict[tuple[str, int], tuple[float, str, float]] = {}

    def sign(self, side: str, probe: int, reply: Reply, asked_at: float) -> str:
        """Why this answer looks cached, or nothing. `asked_at` is the wall clock in seconds."""
        if reply.cache:
            return f"{side} answered with the header {reply.cache}"
        if reply.id:
            return self._by_id(side, probe, reply)
        return self._by_time(side, probe, reply, asked_at)

    def _by_id(self, side: str, probe: int, reply: Reply) -> str:
        """An id that comes back with the same text for the same probe; one id for every probe is no cache."""
        key = (side, reply.id)
        known = self._ids.get(key)
        if known is None:
            if len(self._ids) < _MAX_REMEMBERED:
                self._ids[key] = (probe, reply.text)
            return ""
        if known == (probe, reply.text):
            return f"{side} gave the response id {reply.id[:60]!r} twice"
        self._ids[key] = (-1, "")
        return ""

    def _by_time(self, side: str, probe: int, reply: Reply, asked_at: float) -> str:
        """The same text, created at the same second as before, and long before it was asked for this time."""
        if not reply.created:
            return ""
        known = self._created.get((side, probe))
        self._created.setdefault((side, probe), (reply.created, reply.text, asked_at))
        if known is None:
            return ""
        created, text, first_asked = known
        same = created == reply.created and text == reply.text
        return (
            f"{side} gave an answer created before it was asked"
            if same and asked_at - first_asked > _STALE_SECONDS
            else ""
        )
