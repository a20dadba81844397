"""From spec.slos to objectives; raises InvalidSpec. It does not ask whether a runtime can count an objective."""

from decimal import Decimal
from typing import Final

from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import InvalidQuery, parse_duration
from serinus.core.slo import AVAILABILITY, COST, LATENCIES, SLO_SIGNALS, Slo, Window

_THRESHOLDS: Final = ("thresholdDuration", "thresholdPercent", "thresholdValue")
_MAX_NAME: Final = 40
_DAY: Final = 24 * 3600


def parse_slos(spec: Fields) -> tuple[Slo, ...]:
    """Read every objective of a spec; raises InvalidSpec with the field's path, what was found and what is allowed."""
    found = tuple(_slo(fields) for fields in spec.items("slos"))
    names = [slo.name for slo in found]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise InvalidSpec(spec.at(f"slos[{i}].name"), f"found {name!r} twice, allowed is each name once")
    return found


def _slo(fields: Fields) -> Slo:
    name = fields.text("name")
    if not 1 <= len(name) <= _MAX_NAME:
        raise InvalidSpec(fields.at("name"), f"found {len(name)} characters, allowed are 1 to {_MAX_NAME}")
    signal = fields.text("signal")
    if signal not in SLO_SIGNALS:
        raise InvalidSpec(fields.at("signal"), f"found {signal!r}, allowed are {', '.join(SLO_SIGNALS)}")
    percent = _number(fields, "objectivePercent")
    if not 1 <= percent < 100:
        raise InvalidSpec(fields.at("objectivePercent"), f"found {percent}, allowed is from 1 to below 100")
    return Slo(
        name=name,
        signal=signal,
        objective=percent / 100,
        window=fields.one_of("window", Window, Window.FOUR_WEEKS),
        threshold=_threshold(fields, signal),
    )


def _threshold(fields: Fields, signal: str) -> Decimal | None:
    """The threshold in its signal's own unit; there is none for what is good or bad by itself."""
    wanted = _unit(signal)
    for key in _THRESHOLDS:
        if fields.has(key) and key != wanted:
            raise InvalidSpec(fields.at(key), f"found, allowed is {wanted or 'no threshold'} with signal {signal}")
    if wanted == "thresholdDuration":
        return _seconds(fields, wanted)
    if wanted == "thresholdPercent":
        return _number(fields, wanted) if fields.has(wanted) else None
    return _number(fields, wanted) if wanted else None


def _unit(signal: str) -> str:
    if signal in LATENCIES:
        return "thresholdDuration"
    return {COST: "thresholdValue", AVAILABILITY: ""}.get(signal, "thresholdPercent")


def _seconds(fields: Fields, key: str) -> Decimal:
    text = fields.text(key)
    try:
        found = parse_duration(text).seconds
    except InvalidQuery as e:
        raise InvalidSpec(fields.at(key), str(e)) from e
    if not 0 < found <= _DAY:
        raise InvalidSpec(fields.at(key), f"found {text!r}, allowed is 1ms to 24h")
    return found


def _number(fields: Fields, key: str) -> Decimal:
    """A number as it was written: 99.9 stays 99.9."""
    value = fields.raw.get(key)
    if value is None:
        raise InvalidSpec(fields.at(key), "is required")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10**9:
        raise InvalidSpec(fields.at(key), f"found {value!r}, allowed is a number from 0 to 1000000000")
    return Decimal(str(value))
