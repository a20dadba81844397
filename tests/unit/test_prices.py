"""Owns the proof that the price book is read as it says, and that a wrong one says where and what is allowed."""

from decimal import Decimal

import pytest

from serinus.core.model import InvalidSpec
from serinus.core.prices import Prices, parse_prices


def test_prices_are_read_and_cached_tokens_cost_what_the_prompt_does_unless_told() -> None:
    found = parse_prices({"a/b-1": {"prompt": 0.15, "generated": 0.6}, "c": {"prompt": 1, "cached": 0, "generated": 2}})

    assert found == {
        "a/b-1": Prices(prompt=Decimal("0.15"), cached=Decimal("0.15"), generated=Decimal("0.6")),
        "c": Prices(prompt=Decimal(1), cached=Decimal(0), generated=Decimal(2)),
    }
    assert parse_prices({}) == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "prices: found a list, allowed is an object"),
        ({"": {}}, "prices: found '', allowed is the name of a model"),
        ({'a"': {}}, "prices: found 'a\"', allowed is the name of a model"),
        ({"a": 1}, "prices.a: found a number, allowed is an object"),
        ({"a": {"prompt": 1}}, "prices.a.generated: found None, allowed is a number of USD per million tokens"),
        ({"a": {"prompt": "1", "generated": 1}}, "prices.a.prompt: found '1', allowed is a number"),
        ({"a": {"prompt": True, "generated": 1}}, "prices.a.prompt: found True, allowed is a number"),
        ({"a": {"prompt": -1, "generated": 1}}, "prices.a.prompt: found -1, allowed is a number from 0"),
        ({"a": {"prompt": float("nan"), "generated": 1}}, "prices.a.prompt: found nan, allowed is a number from 0"),
        ({"a": {"input": 1}}, "prices.a.input: is unknown, allowed are prompt, cached, generated"),
    ],
)
def test_a_wrong_price_says_where_and_what_is_allowed(data: object, message: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_prices(data)

    assert message in str(caught.value)
