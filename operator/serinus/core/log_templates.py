"""Templates that the agents run: the little programs of a pipeline that a pattern cannot express.

Both agents run Go's text/template with the same functions. It owns these texts; every value that goes into them is a
constant of the package. Oracles in the tests compute the same in Python.
"""

from typing import Final

from serinus.core.iban import IBAN_LENGTHS
from serinus.core.log_pipeline import Choose
from serinus.core.log_redaction import HARMLESS_WORDS, Check, Pattern

# Doubles every second digit from the right; the sum of all digits must end in 0.
_LUHN: Final = (
    '{{- $n := len .Value -}}{{- $sum := 0 -}}{{- range $i, $c := splitList "" .Value -}}'
    "{{- $d := int $c -}}{{- if eq (mod (sub $n $i) 2) 0 -}}{{- $d = mul $d 2 -}}"
    "{{- if gt $d 9 -}}{{- $d = sub $d 9 -}}{{- end -}}{{- end -}}{{- $sum = add $sum $d -}}{{- end -}}"
    "{{- if eq (mod $sum 10) 0 -}}MARK{{- else -}}{{ .Value }}{{- end -}}"
)
# Moves four characters to the end, reads letters as 10 to 35, and asks for the remainder 1 by 97.
_IBAN: Final = (
    '{{- $s := upper (regexReplaceAll "[ -]" .Value "") -}}'
    "{{- $size := get (dict LENGTHS) (substr 0 2 $s) -}}{{- $rest := 0 -}}"
    "{{- if eq $size (toString (len $s)) -}}"
    '{{- range splitList "" (printf "%s%s" (substr 4 -1 $s) (substr 0 4 $s)) -}}{{- $b := int (index . 0) -}}'
    "{{- if ge $b 65 -}}{{- $rest = mod (add (mul $rest 100) (sub $b 55)) 97 -}}"
    "{{- else -}}{{- $rest = mod (add (mul $rest 10) (sub $b 48)) 97 -}}{{- end -}}{{- end -}}{{- end -}}"
    "{{- if eq $rest 1 -}}MARK{{- else -}}{{ .Value }}{{- end -}}"
)
_WORD: Final = "{{- if has (lower .Value) (list WORDS) -}}{{ .Value }}{{- else -}}MARK{{- end -}}"
_FORMS: Final = {Check.NONE: "MARK", Check.WORD: _WORD, Check.LUHN: _LUHN, Check.IBAN: _IBAN}


def replacement(pattern: Pattern) -> str:
    """The template that makes the text which stands for a captured group."""
    lengths = ((country, size) for size, countries in IBAN_LENGTHS.items() for country in countries)
    return (
        _FORMS[pattern.check]
        .replace("LENGTHS", " ".join(f'"{country}" "{size}"' for country, size in lengths))
        .replace("WORDS", _list(HARMLESS_WORDS))
        .replace("MARK", pattern.mark)
    )


def choice(stage: Choose) -> str:
    """The template that makes the value of a chosen field; an empty one takes the field away."""
    found = "or " + " ".join(f".{source}" for source in stage.sources) + ' ""' if stage.sources else '""'
    tests = [(f".{name}", word) for name, word in stage.overrides]
    tests += [(f"has $v (list {_list(values)})", word) for word, values in stage.words]
    text = f"{{{{- $v := lower (toString ({found})) -}}}}"
    for i, (test, word) in enumerate(tests):
        text += f"{{{{- {'else if' if i else 'if'} {test} -}}}}{word}"
    return f"{text}{{{{- else -}}}}{stage.otherwise}{{{{- end -}}}}"


def _list(words: tuple[str, ...]) -> str:
    return " ".join(f'"{word}"' for word in words)
