"""JSON as it goes over the wire: bytes to values and back, in one fast library. It knows no object and no request."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_sorted = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


def encode(value: Any) -> bytes:
    """UTF-8 without spaces. Raises TypeError for what JSON has no word for."""
    return _encoder.encode(value)


def canonical(value: Any) -> bytes:
    """As `encode`, the same bytes for the same content in any order of keys: what a hash is taken of."""
    return _sorted.encode(value)


def decode(content: bytes) -> Any:
    """The value. Raises ValueError for everything that is no JSON, a text too deep to be read too."""
    try:
        return _decoder.decode(content)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
