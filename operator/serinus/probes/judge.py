"""One judge: asks a model for a verdict, again where that may help, and gives up without one. It guesses nothing."""

import asyncio
import json
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from serinus.core.judge import JudgeSpec
from serinus.probes.client_http import CallFailed, Response, Transport, Unreachable, pause, retry_after
from serinus.probes.judge_prompt import response_format, show
from serinus.probes.judge_reply import Abstained, BadReply, read_reply
from serinus.probes.ports import Inquiry, NoVerdict, Ruling

MAX_TOKENS: Final = 300
TRIES: Final = 2
"""Replies that are asked for, until one is a verdict."""
TIMEOUT: Final = 60.0
AT_ONCE: Final = 16
_REFUSED_FORMAT: Final = frozenset({400, 404, 415, 422, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: for one reply; before each attempt after one that nobody or a broken server took; for a busy one."""

    timeout: float = TIMEOUT
    connect: float = 10.0
    pauses: tuple[float, ...] = (0.2, 1.0, 3.0)
    busy: float = 300.0


DEFAULT_PATIENCE: Final = Patience()


@dataclass(slots=True)
class Spent:
    """What judging cost so far."""

    calls: int = 0
    tokens: int = 0


class _Lost(Exception):
    """No reply after all attempts."""


class ModelJudge:
    """One judge as an asynchronous context; `url` is that of its API, with or without /v1."""

    def __init__(self, spec: JudgeSpec, url: str, *, token: str = "", patience: Patience = DEFAULT_PATIENCE) -> None:
        self.name = spec.name
        self.spent = Spent()
        self._model = spec.model
        self._url = api_url(url, "chat/completions")
        self._patience = patience
        self._transport = Transport(timeout=patience.timeout, token=token, connect=patience.connect)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._enforced = True  # until the server says that it cannot
        self._chance = random.Random()  # noqa: S311 - spreads waiting, no secret

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.__aexit__()

    async def rule(self, inquiry: Inquiry) -> Ruling:
        """Judge one answer; raises NoVerdict."""
        problem = ""
        async with self._turn:
            for _ in range(TRIES):
                shown = show(inquiry, secrets.token_hex(8))
                try:
                    return read_reply(inquiry, shown, await self._reply(inquiry, shown.messages))
                except BadReply as e:
                    problem = f"{e} (in {TRIES} tries)"
                except Abstained as e:
                    raise NoVerdict(f"judge {self.name} cannot judge: {e}") from e
                except _Lost as e:
                    raise NoVerdict(f"judge {self.name}: {e}") from e
        raise NoVerdict(f"judge {self.name}: {problem}")

    async def _reply(self, inquiry: Inquiry, messages: tuple[dict[str, str], ...]) -> str:
        """The text of a reply, where possible in a form that the server enforces; raises BadReply or _Lost."""
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": MAX_TOKENS,
            "stream": False,
        }
        if self._enforced:
            found = await self._send({**body, "response_format": response_format(inquiry.task)})
            if found.status not in _REFUSED_FORMAT:
                return self._text(found)
        plain = await self._send(body)
        if plain.status == 200:
            self._enforced = False
        return self._text(plain)

    async def _send(self, body: Mapping[str, Any]) -> Response:
        """One response that is not 429 and no 5xx; raises _Lost."""
        data, pauses, busy, waited = (
            json.dumps(body, separators=(",", ":")).encode(),
            iter(self._patience.pauses),
            0,
            0.0,
        )
        while True:
            problem = ""
            self.spent.calls += 1
            try:
                found = await self._transport.post(self._url, data)
                if found.status == 429:
                    busy += 1
                    asked = retry_after(found.headers.get("Retry-After", "")) or 2.0 ** min(busy, 5)
                    waited += min(30.0, asked)
                    if waited > self._patience.busy:
                        raise _Lost(f"it was busy (429) for {self._patience.busy:g} s")
                    await pause(asked, busy, self._chance.random())
                    continue
                if found.status < 500:
                    return found
                problem = f"it answered with {found.status}"
            except (Unreachable, CallFailed) as e:  # a verdict changes nothing: it may be asked for again
                problem = str(e)
            wait = next(pauses, None)
            if wait is None:
                raise _Lost(problem)
            await asyncio.sleep(wait)

    def _text(self, response: Response) -> str:
        if response.status in (401, 403):
            raise _Lost(f"it answered with {response.status}: its key is not accepted")
        if response.status != 200:
            raise _Lost(f"it answered with {response.status}")
        try:
            document = json.loads(response.body or b"")
            text = document["choices"][0]["message"]["content"]
            usage = document.get("usage") or {}
            tokens = usage.get("total_tokens", 0)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as e:
            raise BadReply("the response is no completion") from e
        self.spent.tokens += tokens if type(tokens) is int and 0 <= tokens < 10_000_000 else 0
        if not isinstance(text, str):
            raise BadReply("the completion has no text")
        return text


def api_url(url: str, path: str) -> str:
    """The address of a call of an API that is given with or without its version: …/v1/chat/completions."""
    base = url.rstrip("/")
    return f"{base}/{path}" if base.endswith("/v1") else f"{base}/v1/{path}"
