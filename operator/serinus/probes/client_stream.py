"""A streamed answer as it comes: its text, and when its parts came. Pure: bytes and times in, a completion out."""

import json
from collections import Counter
from typing import Any

from serinus.core import timing
from serinus.core.probe import Api
from serinus.probes.client_wire import of_ollama, of_tgi


class CutStream(Exception):
    """The stream ended before the answer did, or is none."""


class Stream:
    """One stream: `feed` it the parts of the body with the milliseconds since the call began."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._rest = b""
        self._texts: list[str] = []
        self._logprobs: list[Any] = []
        self._head: dict[str, Any] = {}
        self._usage: Any = None
        self._end: Any = None
        self._last: dict[str, Any] | None = None  # the document that ended it, where the API has one
        self._over = False
        self._broken = False
        self.first_ms = 0.0
        """When the first text came; 0: none has."""
        self.last_ms = 0.0
        self.parts = 0
        """How many parts of text came."""
        self._gaps: Counter[int] = Counter()

    @property
    def between_ms(self) -> float:
        """Mean time between two parts of text; 0 where there are not two."""
        return (self.last_ms - self.first_ms) / (self.parts - 1) if self.parts > 1 else 0.0

    @property
    def gaps(self) -> timing.Counts:
        """The times between two parts of text."""
        return timing.packed(self._gaps)

    def feed(self, data: bytes, at_ms: float) -> None:
        """Take a part of the body; what is no event of this API is remembered as a fault."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.strip(), at_ms)

    def completion(self) -> dict[str, Any]:
        """The whole answer as OpenAI's APIs write it; raises CutStream."""
        self._line(self._rest.strip(), self.last_ms)
        self._rest = b""
        if self._broken or not self._over:
            raise CutStream
        text = "".join(self._texts)
        if self._api is Api.OLLAMA:
            return of_ollama(text, self._last or {})
        if self._api is Api.TGI:
            return of_tgi(text, (self._last or {}).get("details") or {})
        choice: dict[str, Any] = {"finish_reason": self._end}
        choice |= {"message": {"content": text}} if self._api is Api.CHAT else {"text": text}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._head, "choices": [choice], "usage": self._usage}

    def _line(self, line: bytes, at_ms: float) -> None:
        if self._api is Api.OLLAMA:
            if line:
                self._event(line, at_ms)
        elif line.startswith(b"data:"):
            self._event(line[5:].strip(), at_ms)

    def _event(self, data: bytes, at_ms: float) -> None:
        if data == b"[DONE]":
            self._over = True
            return
        try:
            document = json.loads(data)
            text = self._text(document)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            self._broken = True
            return
        if text:
            self._texts.append(text)
            if self.parts:
                self._gaps[timing.position(at_ms - self.last_ms)] += 1
            self.parts += 1
            self.last_ms = at_ms
            self.first_ms = self.first_ms or at_ms

    def _text(self, document: Any) -> str:
        """The text of one event; an error in the middle of a stream breaks it."""
        if "error" in document:
            raise KeyError("error")
        if self._api is Api.OLLAMA:
            if document.get("done"):
                self._last, self._over = document, True
            return str(document["message"].get("content") or "")
        if self._api is Api.TGI:
            if document.get("details") is not None or document.get("generated_text") is not None:
                self._last, self._over = document, True
            token = document["token"]
            return "" if token.get("special") else str(token["text"])
        return self._delta(document)

    def _delta(self, document: Any) -> str:
        self._head = self._head or {k: document.get(k) for k in ("id", "created")}
        self._usage = document.get("usage") or self._usage
        if not document["choices"]:  # the last event may hold the usage alone
            return ""
        choice = document["choices"][0]
        self._end = choice.get("finish_reason") or self._end
        content = (choice.get("logprobs") or {}).get("content")
        self._logprobs += content if isinstance(content, list) else []
        found = choice["delta"].get("content") if self._api is Api.CHAT else choice["text"]
        return found if isinstance(found, str) else ""
