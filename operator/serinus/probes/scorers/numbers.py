"""Numbers that prove themselves: payment cards, bank accounts, calling codes. It searches no text. Pure."""

from typing import Final

from serinus.core.iban import IBAN_LENGTHS

_IBAN_LENGTH: Final = {country: length for length, countries in IBAN_LENGTHS.items() for country in countries}
_BRANDS: Final = (
    # first and last beginning of four digits, lengths: Visa, Mastercard, American Express, Discover, UnionPay, Diners,
    # JCB, Maestro
    (4000, 4999, (13, 16, 19)),
    (5100, 5599, (16,)),
    (2221, 2720, (16,)),
    (3400, 3499, (15,)),
    (3700, 3799, (15,)),
    (6011, 6011, (16, 19)),
    (6200, 6299, (16, 17, 18, 19)),
    (6440, 6599, (16, 19)),
    (3000, 3059, (14, 16, 19)),
    (3600, 3699, (14, 16, 19)),
    (3800, 3999, (14, 16, 19)),
    (3528, 3589, (16, 19)),
    (5018, 5099, (16, 19)),
    (5600, 5899, (16, 19)),
)
_CALLING: Final = frozenset(
    [
        "1",
        "7",
        "20",
        "27",
        "30",
        "31",
        "32",
        "33",
        "34",
        "36",
        "39",
        "40",
        "41",
        "43",
        "44",
        "45",
        "46",
        "47",
        "48",
        "49",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "58",
        "60",
        "61",
        "62",
        "63",
        "64",
        "65",
        "66",
        "81",
        "82",
        "84",
        "86",
        "90",
        "91",
        "92",
        "93",
        "94",
        "95",
        "98",
    ]
)
_CALLING_THREE: Final = ("21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69")
_CALLING_ASIA: Final = ("80", "85", "87", "88", "96", "97", "99")


def luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812); a number of one digit only is none."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_card(digits: str) -> bool:
    """Whether digits are a payment card: beginning and length of a brand, and the check digit."""
    start = int(digits[:4])
    return any(low <= start <= high and len(digits) in n for low, high, n in _BRANDS) and luhn(digits)


def is_iban(account: str) -> bool:
    """Whether letters and digits without spaces are a bank account: the country's length, check digits (ISO 13616)."""
    if _IBAN_LENGTH.get(account[:2]) != len(account):
        return False
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def has_calling_code(digits: str) -> bool:
    """Whether the digits after a plus begin with a calling code in use (ITU-T E.164)."""
    return digits[:1] in _CALLING or digits[:2] in _CALLING or digits.startswith((*_CALLING_THREE, *_CALLING_ASIA))
