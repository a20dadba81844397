"""What came back from a model server, and what it counts as. Pure: bytes and headers in, a reply out."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from serinus.core.probe import Api
from serinus.core.timing import Counts
from serinus.probes.client_stream import CutStream, Stream
from serinus.probes.client_wire import as_completion
from serinus.probes.outcome import Said

_MAX_ID: Final = 200
_MAX_TOKENS: Final = 10_000_000
_CHARACTERS_PER_TOKEN: Final = 4
_MAX_REASON: Final = 40
_MAX_LOGPROBS: Final = 32_768
_COST_HEADER: Final = "x-litellm-response-cost"


class Kind(StrEnum):
    """How a call ended."""

    ANSWER = "Answer"
    EMPTY = "Empty"  # a whole response that says nothing: a wrong answer, whoever gave it
    WRONG = "Wrong"  # the server was there and gave no usable response: cut, 5xx, too late
    ABSENT = "Absent"  # nobody was there, or the probe itself was turned away: it says nothing about answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One finished call; `status` is 0 without a response, `id` and `created` are those of the response."""

    kind: Kind
    text: str = ""
    reason: str = ""
    status: int = 0
    latency_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    id: str = ""
    created: float = 0.0
    cache: str = ""  # the header that says that a cache answered
    finish_reason: str = ""
    logprobs: tuple[float, ...] = ()
    cost: float | None = None  # USD, where the server says it
    estimated: bool = False  # the server counts no tokens: those of the answer are guessed from its length
    first_ms: float = 0.0  # of a stream: when its first text came; 0: not measured
    between_ms: float = 0.0  # of a stream: mean time between parts of the text
    gaps: Counts = ()  # of a stream: how often parts came how long after the one before


def read_reply(api: Api, status: int, headers: Mapping[str, str], body: bytes, stream: Stream | None = None) -> Reply:
    """Judge a complete response; a `stream` has seen its body already."""
    if status in (401, 403):
        return Reply(kind=Kind.ABSENT, status=status, reason=f"{status}: the probe's token is not accepted")
    if status != 200:
        redirect = ": redirects are not followed" if 300 <= status < 400 else ""
        return Reply(kind=Kind.WRONG, status=status, reason=f"the server answered with {status}{redirect}")
    if headers.get("Content-Encoding", "identity") != "identity":
        return Reply(kind=Kind.WRONG, status=status, reason="the response is compressed, which was not asked for")
    try:
        document = stream.completion() if stream is not None else as_completion(api, json.loads(body))
        choice = document["choices"][0]
        text = _text(api, choice)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, CutStream):
        return Reply(kind=Kind.WRONG, status=status, reason="the response is cut, or is no completion")
    found = document.get("usage")
    usage: Mapping[str, Any] = found if isinstance(found, dict) else {}
    return Reply(
        kind=Kind.ANSWER if text.strip() else Kind.EMPTY,
        text=text,
        reason="" if text.strip() else "the answer is empty",
        status=status,
        prompt_tokens=_tokens(usage, "prompt_tokens", 0),
        completion_tokens=_tokens(usage, "completion_tokens", -(-len(text) // _CHARACTERS_PER_TOKEN)),
        id=str(document.get("id") or "")[:_MAX_ID],
        created=_number(document.get("created")),
        cache=_cache(headers),
        finish_reason=str(choice.get("finish_reason") or "")[:_MAX_REASON],
        logprobs=_logprobs(choice.get("logprobs")),
        cost=_cost(usage, headers),
        estimated=_tokens(usage, "completion_tokens", -1) < 0,
        first_ms=stream.first_ms if stream is not None else 0.0,
        between_ms=stream.between_ms if stream is not None else 0.0,
        gaps=stream.gaps if stream is not None else (),
    )


def said(reply: Reply) -> Said:
    """What scoring looks at."""
    return Said(
        text=reply.text,
        latency_ms=reply.latency_ms,
        finish_reason=reply.finish_reason,
        logprobs=reply.logprobs,
        cost=reply.cost,
    )


def _logprobs(raw: object) -> tuple[float, ...]:
    """Log-probabilities of the answer's tokens, as chat or as completions write them; none where one is unusable."""
    found = raw if isinstance(raw, dict) else {}
    content, plain = found.get("content"), found.get("token_logprobs")
    values = (
        [t.get("logprob") if isinstance(t, dict) else None for t in content] if isinstance(content, list) else plain
    )
    if not isinstance(values, list) or not all(isinstance(v, int | float) and v <= 0 for v in values):
        return ()
    return tuple(map(float, values[:_MAX_LOGPROBS]))


def _cost(usage: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """What the answer cost, as gateways in front of models say it: `usage.cost`, or a header."""
    value = usage.get("cost")
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            value = float(headers.get(_COST_HEADER, ""))
        except ValueError:
            return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _text(api: Api, choice: Mapping[str, Any]) -> str:
    found = choice["message"]["content"] if api in (Api.CHAT, Api.OLLAMA) else choice["text"]
    if isinstance(found, list):
        return "".join(str(part["text"]) for part in found if part.get("type") == "text")
    if found is not None and not isinstance(found, str):
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    return found or ""


def _tokens(usage: Mapping[str, Any], key: str, otherwise: int) -> int:
    """A count of tokens; a server that does not count is estimated, so that a budget ends somewhere."""
    value = usage.get(key)
    return value if type(value) is int and 0 <= value <= _MAX_TOKENS else otherwise


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 1e12 else 0.0


def _cache(headers: Mapping[str, str]) -> str:
    hit = headers.get("X-Cache", "")
    if "hit" in hit.lower():
        return f"X-Cache: {hit[:40]}"
    age = headers.get("Age", "").strip()
    return f"Age: {age}" if age.isascii() and age.isdigit() and int(age[:9]) > 0 else ""
