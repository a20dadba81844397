"""The HTTP interface: OpenAI's completions, models, health and metrics.

It owns handlers and headers; it must not decide what an answer says or how long it takes.
"""

import hmac
import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import SERVER_NAME, wire
from .engine import Engine, QueueFull, Work
from .http_metrics import Handler, HttpMetrics
from .lifecycle import Lifecycle
from .metrics import Metrics
from .quality import Answerer, Reply
from .settings import Settings

CHAT_PATH = "/v1/chat/completions"
COMPLETIONS_PATH = "/v1/completions"


class Api:
    """One served model; `application` is what a web server runs."""

    def __init__(
        self, settings: Settings, answerer: Answerer, lifecycle: Lifecycle, *, api_key: str | None = None
    ) -> None:
        service = settings.service
        self.metrics = Metrics(service.served_model_name, settings.pace.max_model_len)
        self._model = service.served_model_name
        self._max_model_len = settings.pace.max_model_len
        self._headers = {"Server": SERVER_NAME, "X-Revision": service.revision, "X-Pod": service.pod}
        self._api_key = api_key
        self._answerer = answerer
        self._lifecycle = lifecycle
        self._engine = Engine(settings.pace, self.metrics)
        self._http_metrics = HttpMetrics(self.metrics.registry)

    def application(self) -> web.Application:
        """The aiohttp application with all routes."""
        middlewares = [self._count, self._http_metrics.middleware, self._guard]
        app = web.Application(middlewares=middlewares, client_max_size=4 << 20)
        app.on_response_prepare.append(self._on_prepare)
        app.router.add_post(CHAT_PATH, self._chat)
        app.router.add_post(COMPLETIONS_PATH, self._completions)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._show_metrics)
        return app

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # probes and scrapes of a pod that ends must not keep it alive
        if not request.path.startswith("/v1/"):
            return await handler(request)
        with self._lifecycle.request():
            return await handler(request)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._api_key is not None and request.path.startswith("/v1/"):
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._api_key}".encode()):
                return _error(wire.Refused(401, "AuthenticationError", "Unauthorized"))
        try:
            return await handler(request)
        except wire.Refused as refused:
            return _error(refused)

    async def _on_prepare(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers)
        if self._lifecycle.ending:
            response.headers["Connection"] = "close"
            response.force_close()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response(status=503 if self._lifecycle.ending else 200)

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        body = generate_latest(self.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _models(self, _request: web.Request) -> web.Response:
        card = {
            "id": self._model,
            "object": "model",
            "created": self._lifecycle.started,
            "owned_by": "serinus-test-modelserver",
            "root": self._model,
            "parent": None,
            "max_model_len": self._max_model_len,
        }
        return _json({"object": "list", "data": [card]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._complete(request, chat=True)

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        return await self._complete(request, chat=False)

    async def _complete(self, request: web.Request, *, chat: bool) -> web.StreamResponse:
        body = await request.read()
        call = wire.parse_call(body, chat=chat, model=self._model, max_model_len=self._max_model_len)
        replies = [self._answerer.answer(call.prompt) for _ in range(call.choices)]
        if failed := next((reply for reply in replies if reply.status >= 500), None):
            self.metrics.finished["error"].inc()
            raise wire.Refused(failed.status, "InternalServerError", "The model failed, as it was told to.")
        work = _work_of(call, replies)
        identity = wire.Identity(chat=chat, model=self._model)
        try:
            if call.stream:
                return await self._send_stream(request, call, work, identity)
            return await self._send_whole(call, work, identity)
        except QueueFull as error:
            raise wire.Refused(503, "ServiceUnavailableError", str(error)) from error

    async def _send_whole(self, call: wire.Call, work: Work, identity: wire.Identity) -> web.Response:
        async with aclosing(self._engine.generate(work)) as steps:
            async for _ in steps:
                pass
        choices = [
            wire.choice_body(index, "".join(tokens), reason, chat=call.chat)
            for index, (tokens, reason) in enumerate(zip(work.choices, work.finish_reasons, strict=True))
        ]
        usage = wire.usage_body(len(work.prompt), work.sent)
        return _json({**identity.head(), "choices": choices, "usage": usage})

    async def _send_stream(
        self, request: web.Request, call: wire.Call, work: Work, identity: wire.Identity
    ) -> web.StreamResponse:
        head = identity.head(stream=True)
        if call.include_usage:
            head["usage"] = None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        begun = False
        async with aclosing(self._engine.generate(work)) as steps:
            async for step in steps:
                events = [] if begun else _opening(call, head)
                if not begun:
                    # not earlier: a full queue must still be able to answer 503
                    await response.prepare(request)
                    begun = True
                for index, tokens in enumerate(step):
                    deltas = (wire.delta_body(index, token, None, chat=call.chat) for token in tokens)
                    events += [wire.event({**head, "choices": [delta]}) for delta in deltas]
                if events:
                    await response.write(b"".join(events))
        await response.write(b"".join(_closing(call, work, head)))
        await response.write_eof()
        return response


def _opening(call: wire.Call, head: dict[str, Any]) -> list[bytes]:
    """The first chunk of a chat names the role; completions have none."""
    if not call.chat:
        return []
    first = {"delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    return [wire.event({**head, "choices": [{"index": i, **first}]}) for i in range(call.choices)]


def _closing(call: wire.Call, work: Work, head: dict[str, Any]) -> list[bytes]:
    events = []
    for index, reason in enumerate(work.finish_reasons):
        last = {**wire.delta_body(index, "", reason, chat=call.chat), "stop_reason": None}
        events.append(wire.event({**head, "choices": [last]}))
    if call.include_usage:
        usage = wire.usage_body(len(work.prompt), work.sent)
        events.append(wire.event({**head, "choices": [], "usage": usage}))
    return [*events, b"data: [DONE]\n\n"]


def _work_of(call: wire.Call, replies: Sequence[Reply]) -> Work:
    """What the engine has to say, after stop texts and max_tokens have cut it."""
    choices, reasons = [], []
    for reply in replies:
        ends = [at for stop in call.stop if (at := reply.text.find(stop)) >= 0]
        text, reason = (reply.text[: min(ends)], "stop") if ends else (reply.text, reply.finish_reason)
        tokens = wire.tokens_of(text)
        choices.append(tokens[: call.max_tokens])
        reasons.append("length" if len(tokens) > call.max_tokens else reason)
    delay = max(reply.delay for reply in replies)
    return Work(call.prompt_tokens, choices, reasons, call.max_tokens, delay)


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=raw, status=status, content_type="application/json")


def _error(refused: wire.Refused) -> web.Response:
    return _json(wire.error_body(refused.status, refused.kind, str(refused)), refused.status)
