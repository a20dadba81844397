"""The price book: what a million tokens of a model cost. It reads and checks; it multiplies nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from serinus.core.datafile import only
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec

_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")
_MOST: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """USD per million tokens; of the prompt, those of it that came from a cache, and those that were generated."""

    prompt: Decimal
    cached: Decimal
    generated: Decimal


PriceBook = Mapping[str, Prices]
"""Prices by the name that requests carry in `model`."""


def parse_prices(data: object) -> PriceBook:
    """Parse `{model: {prompt, cached, generated}}` in USD per million tokens; raises InvalidSpec with the path.

    Without a price of their own, cached tokens cost what other tokens of the prompt do.
    """
    book = Fields(data, "prices")
    found = {}
    for model in book.raw:
        if not isinstance(model, str) or not _MODEL.fullmatch(model):
            raise InvalidSpec(book.path, f"found {model!r}, allowed is the name of a model, {_MODEL.pattern}")
        prices = book.child(model)
        only(prices, "prompt", "cached", "generated")
        prompt = _usd(prices, "prompt")
        cached = _usd(prices, "cached") if prices.has("cached") else prompt
        found[model] = Prices(prompt=prompt, cached=cached, generated=_usd(prices, "generated"))
    return found


def _usd(fields: Fields, key: str) -> Decimal:
    value = fields.raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidSpec(fields.at(key), f"found {value!r}, allowed is a number of USD per million tokens")
    price = Decimal(str(value))
    if not price.is_finite() or not 0 <= price <= _MOST:
        raise InvalidSpec(fields.at(key), f"found {value!r}, allowed is a number from 0 to {_MOST}")
    return price
