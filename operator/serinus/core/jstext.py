"""How JavaScript writes a JSON value as text, because promptfoo compares such texts. It parses and decides nothing."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\ufeff"
)
"""What `trim()` and `\\s` mean in JavaScript; Python's own set differs in eight characters."""
_SAFE_INTEGER: Final = 2**53


def js_text(value: Any) -> str:
    """`String(value)` of a JSON value; absent values are written as `null`."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case Mapping():
            return "[object Object]"
        case _:
            return ",".join("" if v is None else js_text(v) for v in value)


def js_json(value: Any) -> str:
    """`JSON.stringify(value)` of a JSON value: no spaces, the order of its keys, numbers as JavaScript writes them."""
    match value:
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return _number(value)
        case Mapping():
            parts = (f"{json.dumps(str(k), ensure_ascii=False)}:{js_json(v)}" for k, v in value.items())
            return "{" + ",".join(parts) + "}"
        case _:
            return "[" + ",".join(js_json(v) for v in value) + "]"


def _number(value: float) -> str:
    """ECMA-262, Number::toString: shortest digits; exponents from 1e21 and below 1e-6."""
    if isinstance(value, int) and abs(value) < _SAFE_INTEGER:
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(abs(number))).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    prefix = "-" if number < 0 or sign else ""
    if len(text) <= point <= 21:
        return prefix + text + "0" * (point - len(text))
    if 0 < point <= 21:
        return f"{prefix}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{prefix}0.{'0' * -point}{text}"
    mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
    return f"{prefix}{mantissa}e{point - 1:+d}"
