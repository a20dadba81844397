"""How the operator logs: one event name and key-values, as JSON lines. Never a spec, token, prompt or answer.

It decides no level and no destination but stderr.
"""

import datetime as dt
import json
import logging
import sys
from typing import IO, Any

_OURS = "serinus"
_encoder = json.JSONEncoder(default=str, separators=(",", ":"))


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, then the key-values of the event."""

    def format(self, record: logging.LogRecord) -> str:  # type: ignore[explicit-override]
        """The line of a record."""
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encoder.encode(line)


def configure(level: str, stream: IO[str] | None = None) -> None:
    """Send everything to the stream (stderr): ours from this level on, others' from warnings on, or all at debug."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number if number <= logging.DEBUG else max(number, logging.WARNING))
    logging.getLogger(_OURS).setLevel(number)


def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """One line of this level: an event's name and its key-values. Who called is not looked up: no line says it."""
    if logger.isEnabledFor(level):
        logger.handle(logger.makeRecord(logger.name, level, "", 0, name, (), None, extra={"fields": fields}))
