"""What the pipelines take out of log lines: one table of patterns, each for one class of text.

It owns the patterns and their cost. They are written in what RE2 and Python's `re` (ASCII) read the same way: no
look-around, no back-reference, no possessive quantifier. Only capture groups are replaced.

A checksum is computed in the agent itself, by a template that both agents run for each captured group.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from serinus.core.logs import Redact


class Check(StrEnum):
    """What a captured text must be, besides matching, to be taken out."""

    NONE = "none"
    WORD = "word"  # not one of HARMLESS_WORDS
    LUHN = "luhn"
    IBAN = "iban"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One replacement: every captured group that passes the check becomes the mark of its class."""

    redact: Redact
    expression: str
    check: Check = Check.NONE

    @property
    def mark(self) -> str:
        """What stands in a line instead of the text."""
        return f"<redacted:{self.redact}>"


MARK: Final = r"<redacted:[a-z]+>"
HARMLESS_WORDS: Final = ("none", "null", "nil", "true", "false", "bearer", "basic", "token", "<redacted:secret>")

# What comes before a text: no letter or digit, unless it belongs to an escape such as \n or \u00e9.
_LEFT: Final = r"(?:^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9A-Fa-f]{4})"
# A digit after a point or a comma belongs to a number with decimals, or to a time.
_ALONE: Final = r"(?:^|[^A-Za-z0-9.,:_-]|\\[nrtbf]|\\u[0-9A-Fa-f]{4})"
_RIGHT: Final = r"(?:\b|_|$)"

_BODIES: Final = [
    "prompt",
    "prompts",
    "prompt_text",
    "system_prompt",
    "user_prompt",
    "negative_prompt",
    "completion",
    "completions",
    "content",
    "text",
    "texts",
    "input",
    "inputs",
    "input_text",
    "output",
    "outputs",
    "output_text",
    "generated_text",
    "generation",
    "reasoning",
    "reasoning_content",
    "reasoning_text",
    "response",
    "answer",
    "answers",
    "question",
    "questions",
    "messages",
    "arguments",
    "suffix",
    "input_ids",
    "output_ids",
    "prompt_token_ids",
    "output_token_ids",
    "token_ids",
    "image_url",
    "image_data",
]
_KEY: Final = rf"{_LEFT}(?:{'|'.join(sorted(_BODIES, key=lambda k: (-len(k), k)))})"
_IS: Final = r"[ \t]*[:=][ \t]*"
_DOUBLE: Final = r'"(?:[^"\\]|\\.)*"'
_SINGLE: Final = r"'(?:[^'\\]|\\.)*'"
_ITEM: Final = rf"""[^\[\]"']|{_DOUBLE}|{_SINGLE}"""
# A body that the agent cut ends with the line instead of a quote.
_BARE: Final = (
    rf"{_LEFT}(?:prompt|completion|content|text|input|output|response|answer|question)="
    r"""([^ \t\n"'\[\](){},<]+)"""
)
_PROMPTS: Final = (
    rf'(?s){_KEY}"?{_IS}"((?:[^"\\]|\\.)+)',
    rf"(?s){_KEY}'?{_IS}'((?:[^'\\]|\\.)+)",
    rf"""(?s){_KEY}'{_IS}"((?:[^"\\]|\\.)+)""",
    rf'(?s){_KEY}(?:\\")?{_IS}\\"((?:[^"\\]|\\\\\\.|\\\\[^\\]|\\[^"\\])+)',
    rf"""(?s){_KEY}(?:\\?["'])?{_IS}\[((?:{_ITEM}|\[(?:{_ITEM})*\])+)""",
    rf"""(?s){_KEY}(?:\\?["'])?{_IS}\(((?:[^()"']|{_DOUBLE}|{_SINGLE})+)""",
    r"(?s)router/src/[a-z_/]+\.rs:[0-9]+: (?:Input|Output|Inputs|Outputs): (.+)",
    r"(?s)(data:[a-z]+/[A-Za-z0-9.+-]+;base64,[A-Za-z0-9+/=]+)",
)

_SHAPES: Final = (
    r"sk-[A-Za-z0-9_-]{16,}",
    r"hf_[A-Za-z0-9]{16,}",
    r"gh[oprsu]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"glpat-[A-Za-z0-9_-]{16,}",
    r"nvapi-[A-Za-z0-9_-]{16,}",
    r"gsk_[A-Za-z0-9]{20,}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"A[KS]IA[0-9A-Z]{16}",
    r"AIza[0-9A-Za-z_-]{30,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
)
_SCHEMES: Final = "bearer|basic|apikey|digest|negotiate"
_NAMES: Final = (
    r"[A-Za-z0-9_-]*(?:api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|client[_-]?secret|"
    r"(?:access|auth|refresh|id|hf|session|bearer|api)[_-]?token|password|passwd|authorization|secret)"
)
_VALUE: Final = r"""[^ \t\r\n"',;&(){}\[\]\\]{3,}"""
_SECRETS: Final = (
    (rf"{_LEFT}({'|'.join(_SHAPES)})", Check.NONE),
    # A word such as "authentication" is no token: one has a digit or a sign of base64 in it.
    (rf"(?i){_LEFT}(?:{_SCHEMES})[ \t]+([A-Za-z.~]*[0-9_+/=-][A-Za-z0-9._~+/=-]{{7,}})", Check.NONE),
    (
        rf"""(?i){_LEFT}{_NAMES}(?:\\?["'])?{_IS}(?:Some\(|\[)?(?:\\?["'])?(?:(?:{_SCHEMES})[ \t]+)?({_VALUE})""",
        Check.WORD,
    ),
    (rf"(?i){_LEFT}--[a-z0-9-]*(?:api-key|token|password|secret)[ \t]+({_VALUE})", Check.WORD),
    (r"""://[^ \t\n/:@"']*:([^ \t\n/@"']+)@""", Check.NONE),
    (r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----|$))", Check.NONE),
)

_ADDRESS: Final = r"""[^ \t\r\n@"'<>(),;:=\[\]\\{}|/]+"""
_LABEL: Final = r"""[^ \t\r\n@"'<>(),;:=\[\]\\{}|/.]+"""
_EMAIL: Final = (
    r"(?:\\(?:[nrtbf]|u[0-9A-Fa-f]{4}))*" + rf"({_ADDRESS}@(?:{_LABEL}\.)+[A-Za-z]{{2,24}})(?:[^A-Za-z0-9]|$)"
)

_COUNTRY: Final = r"[A-Za-z]{2}[0-9]{2}"
_IBANS: Final = (
    rf"{_LEFT}({_COUNTRY}[A-Za-z0-9]{{11,30}}){_RIGHT}",
    rf"{_LEFT}({_COUNTRY}(?:[ -][A-Za-z0-9]{{4}}){{2,7}}(?:[ -][A-Za-z0-9]{{1,4}})?){_RIGHT}",
)
_SPLIT: Final = (
    r"[2-6][0-9]{3}[ .-][0-9]{4}[ .-][0-9]{4}[ .-][0-9]{1,4}(?:[ .-][0-9]{1,3})?"
    r"|3[0-9]{3}[ .-][0-9]{6}[ .-][0-9]{4,5}"
)
_CARDS: Final = (
    (rf"{_LEFT}({_SPLIT}){_RIGHT}", Check.NONE),
    (rf"{_ALONE}([2-6][0-9]{{12,18}}){_RIGHT}", Check.LUHN),
)
_PHONES: Final = (
    rf"{_ALONE}((?:\+|00)[1-9][0-9]{{0,2}}(?:[ ./-]?\(?[0-9]{{2,5}}\)?){{2,5}}){_RIGHT}",
    rf"{_ALONE}(\(?[2-9][0-9]{{2}}\)?[ .-][2-9][0-9]{{2}}[ .-][0-9]{{4}}){_RIGHT}",
    rf"{_ALONE}(0[1-9][0-9]{{1,4}}[ /-][0-9]{{5,9}}){_RIGHT}",
)

PATTERNS: Final[tuple[Pattern, ...]] = (
    *(Pattern(Redact.PROMPT, e) for e in _PROMPTS),
    Pattern(Redact.PROMPT, _BARE, Check.WORD),
    *(Pattern(Redact.SECRET, e, check) for e, check in _SECRETS),
    Pattern(Redact.EMAIL, _EMAIL),
    *(Pattern(Redact.IBAN, e, Check.IBAN) for e in _IBANS),
    *(Pattern(Redact.CARD, e, check) for e, check in _CARDS),
    *(Pattern(Redact.PHONE, e) for e in _PHONES),
)
"""In the order in which they are applied: a body goes before what stands in it."""
"""Characters of an IBAN by country, from the registry of the standard."""


def patterns(redact: tuple[Redact, ...]) -> tuple[Pattern, ...]:
    """The patterns of the wanted classes, in their order."""
    return tuple(p for p in PATTERNS if p.redact in redact)
