"""A judge in the test's own process, whose every reply the test decides: right, wrong, slow, broken, talked into it.

It is no model. The honest one knows the criteria of `truth` and reads nothing else.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

_ANSWER = re.compile(r"<output id=([0-9a-f]{16})>\n(.*)\n</output id=\1>", re.DOTALL)
_CRITERION = re.compile(r"(?:Criterion|Reference, which is true):\n(.*)\n\nExamine the answer", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the judge saw it."""

    body: dict[str, Any]
    headers: dict[str, str]
    answer: str
    criterion: str
    nonce: str
    number: int  # of this request, from 1

    @property
    def enforced(self) -> bool:
        """Whether the form of the reply is enforced."""
        return "response_format" in self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge says; `raw` replaces the text of the completion, `delay` is in seconds."""

    verdict: str = "pass"
    quote: str | None = None  # None: the whole answer
    raw: str | None = None
    status: int = 200
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


Decide = Callable[[Asked], Verdict]


class JudgeServer:
    """The server's log and address."""

    def __init__(self, decide: Decide) -> None:
        self.decide = decide
        self.asked: list[Asked] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request as the test wants it."""
        body = json.loads(await request.read())
        if request.path.endswith("/embeddings"):
            return self._embed(body)
        text = body["messages"][-1]["content"]
        found, criterion = _ANSWER.search(text), _CRITERION.search(text)
        asked = Asked(
            body=body,
            headers=dict(request.headers),
            answer=found[2] if found else "",
            nonce=found[1] if found else "",
            criterion=criterion[1] if criterion else "",
            number=len(self.asked) + 1,
        )
        self.asked.append(asked)
        say = self.decide(asked)
        await asyncio.sleep(say.delay)
        quote = asked.answer[:200] if say.quote is None else say.quote
        content = say.raw
        if content is None:
            content = json.dumps({"reason": "as the test decided", "quote": quote, "verdict": say.verdict})
        completion = {
            "choices": [{"message": {"role": "assistant", "content": content}}],
            "usage": {"prompt_tokens": 400, "completion_tokens": 100, "total_tokens": 500},
        }
        return web.json_response(completion, status=say.status, headers=say.headers)

    def _embed(self, body: dict[str, Any]) -> web.Response:
        """Letters counted: texts of the same letters are alike."""
        rows = [
            {"index": i, "embedding": [float(text.lower().count(c)) for c in "abcdefghijklmnopqrstuvwxyz"]}
            for i, text in enumerate(body["input"])
        ]
        return web.json_response({"data": rows[::-1], "usage": {"total_tokens": 7}})


@asynccontextmanager
async def serve_judge(decide: Decide) -> AsyncIterator[JudgeServer]:
    """A running judge on a free port of the loopback address."""
    server = JudgeServer(decide)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    app.router.add_post("/v1/embeddings", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def truth(asked: Asked) -> Verdict:
    """What is right: of the plain answers and of those that must fail; anything else is good if it says yes."""
    good = ("Red, green and blue", "Paris is the", "Thank you for your patience", "seven is 42")
    met = any(text in asked.answer for text in good) or asked.answer.lower().startswith("yes")
    return Verdict(verdict="pass" if met else "fail", quote=None if met else "")


def always(verdict: str) -> Decide:
    """Say the same of everything."""
    return lambda _: Verdict(verdict=verdict)
