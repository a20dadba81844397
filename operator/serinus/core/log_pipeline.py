"""What happens to a log line, as data: the stages of a profile, in the order in which they run.

Parse, redact, measure, label, sample. Metrics come before sampling, so that they count every line, and nothing that
was read before the redaction leaves as a label or as metadata unless it is one of a few words or a hex number.
Both agents' configurations, and the test oracle, are made from this one description; it knows no agent's syntax.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from serinus.core.log_redaction import MARK, Pattern, patterns
from serinus.core.logs import Profile
from serinus.core.runtime import LogFormat
from serinus.core.signals import COMMON_LABELS

SAMPLED: Final = "serinus_sampled"
"""A label that lives between two stages: `yes` on lines of which a part may be dropped."""


@dataclass(frozen=True, slots=True)
class Multiline:
    """Joins lines to an entry until one matches `first`."""

    first: str
    max_lines: int


@dataclass(frozen=True, slots=True)
class Json:
    """Reads fields of a JSON object: name -> paths, the first that is there counts."""

    fields: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Logfmt:
    """Reads `key=value` pairs: name -> key."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Find:
    """Reads named groups out of the line, or out of a field."""

    expression: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Choose:
    """Sets a field to the word whose list holds the first value that is there, in lower case; else to `otherwise`.

    A field of `overrides` that is there decides alone: name -> word. An empty word takes the field away.
    """

    target: str
    sources: tuple[str, ...]
    words: tuple[tuple[str, tuple[str, ...]], ...]
    otherwise: str = ""
    overrides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Counter:
    """A metric: how many lines have a field; without a source every line counts."""

    name: str
    help: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Counts lines, by the labels that they have at this point."""

    counters: tuple[Counter, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """Makes labels of fields of the same name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlabel:
    """Takes labels away; as fields they stay known."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Makes structured metadata of fields of the same name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Keeps a part (0 to 1) of the lines that have a label with a value, and all others."""

    label: str
    value: str
    rate: float


Stage = Multiline | Json | Logfmt | Find | Pattern | Choose | Count | Label | Unlabel | Metadata | Sample

METRIC_PREFIX: Final = "llm_log_"
LINES: Final = f"{METRIC_PREFIX}lines_total"
ERRORS: Final = f"{METRIC_PREFIX}errors_total"

STREAM_LABELS: Final = (*COMMON_LABELS, "level")
"""All labels that a stored line has: those of the metrics, so that both stand side by side, and its level."""
PLACE: Final = ("pod", "container")
"""Where a line was written: structured metadata, for pods come and go."""
METADATA: Final = (*PLACE, "trace_id", "finish_reason", "flagged")
_AGENT_LABELS: Final = ("filename", "instance", "job", "stream", *PLACE)

LEVELS: Final = (
    ("debug", ("debug", "trace", "d", "t")),
    ("info", ("info", "information", "notice", "i")),
    ("warning", ("warning", "warn", "w")),
    ("error", ("error", "err", "e", "severe", "exception")),
    ("critical", ("critical", "fatal", "panic", "crit", "emerg", "alert")),
)
UNKNOWN: Final = "unknown"
HARMLESS_LEVELS: Final = ("debug", "info")
"""The levels of which sampling may drop lines; one without a level is kept."""

_WORDS: Final = r"TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL"
_PROCESS: Final = r"(?:\([^()\n]{1,80}\) )?"
_TIME: Final = r"\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?(?: [A-Z0-9 ]+)?\]?[ \t]+(?:- )?"
_LEVEL: Final = rf"^{_PROCESS}(?:{_TIME})?\[?(?P<level_text>{_WORDS})\b"
_LETTER: Final = r"^[0-9][0-9.]+ (?P<level_letter>[TDIWE]) "
_TROUBLE: Final = (
    rf"(?m)^{_PROCESS}(?:{_TIME})?(?P<trouble>Traceback \(most recent call last\)|terminate called|Segmentation fault|"
    r"thread '[^']*' panicked|panic: |CUDA error|(?:[A-Za-z_]+\.)*[A-Z][A-Za-z]*(?:Error|Exception)(?::|$)|"
    r"(?:srv|slot|main|que|res|load)[ \t]+[a-z_]+: (?:error|failed)|[a-z_]+: error[: ]|error: )"
)
# Lines that begin an entry in the formats of vLLM, SGLang, TGI and llama.cpp; what follows them belongs to them.
_FIRST: Final = (
    rf"^{_PROCESS}(?:{_TIME}|\[?(?:{_WORDS})\b|[0-9][0-9.]+ [TDIWE] )|"
    r"^(?:srv|slot|main|que|res|load|build|system_info|common_|llama_|ggml_|print_info|sampler|init)|^[{]|^(?:level|time|ts|msg)="
)
_KEY: Final = r"""["'\\]*[ \t]*[:=][ \t]*["'\\]*"""
_TRACE: Final = (
    rf"(?:(?i:trace[_.-]?id){_KEY}|traceparent{_KEY}[0-9a-f]{{2}}-)(?P<trace_id>[0-9a-f]{{32}})(?:[^0-9a-f]|$)"
)
_FINISH: Final = (
    rf"(?:finish_reason|finished_reason|stop_reason){_KEY}"
    r"(?:\{[ ]*[\"']type[\"']:[ ]*[\"'])?(?P<finish_reason>stop|length|abort|error|content_filter|tool_calls)\b"
)
_FLAGGED: Final = (
    r"(?i)(?P<flagged>[\"']?\bflagged[\"']?[ \t]*[:=][ \t]*[\"']?(?:true|yes|1)\b|"
    r"(?:finish_reason|finished_reason)[\"'\\]*[ \t]*[:=][ \t]*(?:\{[^{}]*)?[\"'\\]*(?:content_filter|error)\b)"
)
_FAULT: Final = r"(?P<fault>HTTP/[0-9.]+\"? 5[0-9]{2}\b|status(?:_code)?[\"']?[ \t]*[:=][ \t]*[\"']?5[0-9]{2}\b)"


@lru_cache(maxsize=256)
def pipeline(profile: Profile) -> tuple[Stage, ...]:
    """All stages of a profile, in order."""
    return (*_parse(profile.parser), *patterns(profile.redact), *_MEASURE, *_LABEL, *_sample(profile.sample_percent))


_READERS: Final[dict[LogFormat, Stage]] = {
    LogFormat.JSON: Json((("level_raw", ("level", "severity", "levelname", "lvl", "fields.level")),)),
    LogFormat.LOGFMT: Logfmt((("level_raw", "level"),)),
    LogFormat.TEXT: Multiline(_FIRST, 256),
}


def _parse(parser: LogFormat) -> tuple[Stage, ...]:
    found = (_LEVEL, _LETTER, _TROUBLE, _TRACE, _FINISH, _FLAGGED, _FAULT)
    return (
        _READERS[parser],
        *(Find(expression) for expression in found),
        Choose("level", ("level_raw", "level_text", "level_letter"), LEVELS, UNKNOWN, (("trouble", "error"),)),
        Choose("failed", ("level",), (("yes", ("error", "critical")),)),
        Choose("flagged", (), (), overrides=(("flagged", "true"),)),
    )


_MEASURE: Final[tuple[Stage, ...]] = (
    Find(f"(?P<redacted>{MARK})"),
    Unlabel(_AGENT_LABELS),
    Count(
        (
            Counter(LINES.removeprefix(METRIC_PREFIX), "Lines that a service wrote."),
            Counter(ERRORS.removeprefix(METRIC_PREFIX), "Lines of level error or critical.", "failed"),
            Counter("redacted_lines_total", "Lines out of which something was taken.", "redacted"),
            Counter("flagged_lines_total", "Lines of answers that were flagged.", "flagged"),
        )
    ),
)
_LABEL: Final[tuple[Stage, ...]] = (Label(("level",)), Metadata(METADATA))


def _sample(percent: int) -> tuple[Stage, ...]:
    """Nothing for 100 percent. What failed, was flagged or has no known level is kept whole."""
    if percent == 100:
        return ()
    spared = (("flagged", "no"), ("fault", "no"))
    return (
        Choose(SAMPLED, ("level",), (("yes", HARMLESS_LEVELS),), "no", spared),
        Label((SAMPLED,)),
        Sample(SAMPLED, "yes", percent / 100),
        Unlabel((SAMPLED,)),
    )
