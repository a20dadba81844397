"""spec.monitoring.logs, and what of spec.monitoring.outputs is about logs, parsed. Raises InvalidSpec."""

from typing import Final

from serinus.core.fields import Fields, as_member
from serinus.core.logs import DEFAULT_REDACT, Profile, Redact, ordered
from serinus.core.model import InvalidSpec
from serinus.core.runtime import LogFormat

AUTO: Final = "auto"


def parse_logs(fields: Fields, native: LogFormat) -> Profile:
    """Parse spec.monitoring.logs; `native` is the runtime's format, which parser `auto` takes. Raises InvalidSpec."""
    parser = fields.text("parser", AUTO)
    allowed = (AUTO, *LogFormat)
    if parser not in allowed:
        raise InvalidSpec(fields.at("parser"), f"found {parser!r}, allowed are {', '.join(allowed)}")
    wanted = fields.values("redact") if fields.has("redact") else DEFAULT_REDACT
    found = [as_member(value, Redact, f"{fields.at('redact')}[{i}]") for i, value in enumerate(wanted)]
    if len(found) != len(set(found)):
        raise InvalidSpec(fields.at("redact"), f"found {[str(f) for f in found]}, allowed is each once")
    return Profile(
        parser=native if parser == AUTO else LogFormat(parser),
        redact=ordered(found),
        sample_percent=fields.integer("samplePercent", 100, low=1, high=100),
    )
