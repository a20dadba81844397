"""The shapes of OpenAI's API on the wire, as vLLM writes them.

It owns reading requests and building bodies; it must not generate, wait or count.
"""

import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"\s*\w{1,8}|\s*[^\w\s]|\s+$")
MAX_CHOICES = 16
_ROLE_TOKENS = 4  # what a chat template adds to each message, roughly


class Refused(Exception):
    """A request that is answered with an error; carries the status and OpenAI's error type."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True)
class Call:
    """A request that was understood: the text to answer, and how."""

    prompt: str
    prompt_tokens: tuple[str, ...]
    chat: bool
    max_tokens: int
    choices: int = 1
    stream: bool = False
    include_usage: bool = False
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What every body of one answer has in common."""

    chat: bool
    model: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    def head(self, *, stream: bool = False) -> dict[str, Any]:
        """The fields before `choices`."""
        if not self.chat:
            return {"id": f"cmpl-{self.id}", "object": "text_completion", "created": self.created, "model": self.model}
        kind = "chat.completion.chunk" if stream else "chat.completion"
        return {"id": f"chatcmpl-{self.id}", "object": kind, "created": self.created, "model": self.model}


def tokens_of(text: str) -> list[str]:
    """Pieces of at most eight letters, joined again they are the text; a stand-in for a tokenizer."""
    return _TOKEN.findall(text)


def parse_call(body: bytes, *, chat: bool, model: str, max_model_len: int) -> Call:
    """Read a request body; raises Refused with 400 or 404 and the field's name."""
    try:
        raw = json.loads(body)
    except ValueError as error:
        raise _bad(f"body: not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise _bad(f"body: found {type(raw).__name__}, an object is needed")
    if raw.get("model", model) != model:
        raise Refused(404, "NotFoundError", f"The model `{raw['model']}` does not exist; served: `{model}`.")
    prompt, tokens = _chat_prompt(raw) if chat else _plain_prompt(raw)
    room = max_model_len - len(tokens)
    if room < 1:
        raise _bad(f"prompt: {len(tokens)} tokens, at most {max_model_len - 1} are allowed")
    # 16 is the default of the completions API; a chat may use all that is left
    default = room if chat else min(16, room)
    asked = _whole(raw, "max_completion_tokens" if "max_completion_tokens" in raw else "max_tokens", default)
    options = raw.get("stream_options") or {}
    if not isinstance(options, dict):
        raise _bad(f"stream_options: found {type(options).__name__}, an object is needed")
    return Call(
        prompt=prompt,
        prompt_tokens=tuple(tokens),
        chat=chat,
        max_tokens=min(asked, room),
        choices=_whole(raw, "n", 1, MAX_CHOICES),
        stream=raw.get("stream") is True,
        include_usage=options.get("include_usage") is True,
        stop=_stops(raw.get("stop")),
    )


def _bad(message: str) -> Refused:
    return Refused(400, "BadRequestError", message)


def _whole(raw: dict[str, Any], name: str, default: int, high: int | None = None) -> int:
    value = default if raw.get(name) is None else raw[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1 or (high and value > high):
        raise _bad(f"{name}: found {value!r}, allowed: a whole number from 1{f' to {high}' if high else ''}")
    return value


def _stops(value: Any) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise _bad(f"stop: found {value!r}, allowed: a text or a list of texts")
    return tuple(stops)


def _chat_prompt(raw: dict[str, Any]) -> tuple[str, list[str]]:
    messages = raw.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise _bad("messages: a list of at least one message is needed")
    texts = [_content(index, message.get("content")) for index, message in enumerate(messages)]
    asked = [text for text, message in zip(texts, messages, strict=True) if message.get("role") == "user"]
    tokens = tokens_of("\n".join(texts)) + ["<|role|>"] * (_ROLE_TOKENS * len(messages))
    return (asked or texts)[-1], tokens


def _content(index: int, content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))
    raise _bad(f"messages[{index}].content: found {type(content).__name__}, a text or a list of parts is needed")


def _plain_prompt(raw: dict[str, Any]) -> tuple[str, list[str]]:
    prompt = raw.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise _bad("prompt: one text is needed; token ids and several prompts are not served here")
    return prompt, tokens_of(prompt)


def usage_body(prompt_tokens: int, answer_tokens: int) -> dict[str, Any]:
    """OpenAI's usage object, in tokens."""
    total = prompt_tokens + answer_tokens
    return {
        "prompt_tokens": prompt_tokens,
        "total_tokens": total,
        "completion_tokens": answer_tokens,
        "prompt_tokens_details": None,
    }


def choice_body(index: int, text: str, finish_reason: str, *, chat: bool) -> dict[str, Any]:
    """One choice of an answer that is sent whole."""
    said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    return {"index": index, **said, "logprobs": None, "finish_reason": finish_reason, "stop_reason": None}


def delta_body(index: int, text: str, finish_reason: str | None, *, chat: bool) -> dict[str, Any]:
    """One choice of a streamed chunk."""
    said: dict[str, Any] = {"delta": {"content": text}} if chat else {"text": text}
    return {"index": index, **said, "logprobs": None, "finish_reason": finish_reason}


def error_body(status: int, kind: str, message: str) -> dict[str, Any]:
    """An error as vLLM sends it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": status}}


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"
