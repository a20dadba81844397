"""The comma-separated lists that `contains-any` and its kin take as one string."""

from typing import Final

from serinus.core.jstext import WHITESPACE

_QUOTE: Final = '"'


def split_commas(text: str) -> list[str]:
    """Split at commas outside of double quotes and trim; empty fields vanish; raises ValueError on a bad quote.

    Inside quotes, a doubled or escaped quote is a quote, as promptfoo 0.123 reads it.
    """
    found: list[str] = []
    position = _skip(text, 0, "," + WHITESPACE)
    while position < len(text):
        if text[position] == _QUOTE:
            field, position = _quoted(text, position + 1)
            position = _skip(text, position, WHITESPACE)
            if position < len(text) and text[position] != ",":
                raise ValueError("found text behind a closing quote, allowed is a comma")
        else:
            end = text.find(",", position)
            end = len(text) if end < 0 else end
            field, position = text[position:end].strip(WHITESPACE), end
        found.append(field)
        position = _skip(text, position, "," + WHITESPACE)
    return found


def _quoted(text: str, position: int) -> tuple[str, int]:
    field: list[str] = []
    while position < len(text):
        pair = text[position : position + 2]
        if pair in ('\\"', "\\\\", '""'):
            field.append(pair[1])
            position += 2
        elif text[position] == _QUOTE:
            return "".join(field), position + 1
        else:
            field.append(text[position])
            position += 1
    raise ValueError("found a quote that is not closed")


def _skip(text: str, position: int, signs: str) -> int:
    while position < len(text) and text[position] in signs:
        position += 1
    return position
