"""Every API that a probe speaks, whole and as a stream: what is sent, what comes back, and when its parts came."""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from serinus.core import timing
from serinus.core.probe import Api, Request
from serinus.probes.client import Client, Target
from serinus.probes.client_stream import CutStream, Stream
from serinus.probes.reply import Kind, Reply
from serinus.probes.scoring import Question

QUESTION = Question(prompt="How long?", messages=({"role": "user", "content": "How long?"},))
PATHS = ("/v1/chat/completions", "/v1/completions", "/api/chat", "/generate", "/generate_stream")


@dataclass
class Server:
    """Says the same to everybody: one body, or parts with a pause between them."""

    parts: Sequence[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    whole: bool = True
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, json.loads(await request.read())))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **self.headers})
        await response.prepare(request)
        for part in self.parts:
            await response.write(part)
            await asyncio.sleep(self.pause)
        if not self.whole:
            assert request.transport is not None
            request.transport.abort()
        return response


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    app = web.Application()
    for path in PATHS:
        app.router.add_post(path, server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def ask(server: Server, api: Api, **fields: Any) -> Reply:
    request = Request(api=api, **{"timeout": 5, **fields})
    async with serving(server), Client(Target(model="m", request=request, pauses=()), random.Random(1)) as client:
        return await client.ask(server.url, QUESTION)


def events(*documents: object, end: bool = True) -> list[bytes]:
    return [b"data: " + json.dumps(d).encode() + b"\n\n" for d in documents] + ([b"data: [DONE]\n\n"] if end else [])


USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def chat(text: str | None, end: str | None = None) -> dict[str, Any]:
    return {"id": "c1", "created": 5, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": end}]}


WHOLE: dict[Api, object] = {
    Api.CHAT: {"choices": [{"message": {"content": "30 days"}, "finish_reason": "stop"}], "usage": USAGE},
    Api.COMPLETIONS: {"choices": [{"text": "30 days", "finish_reason": "stop"}], "usage": USAGE},
    Api.OLLAMA: {
        "message": {"role": "assistant", "content": "30 days"},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 7,
        "eval_count": 3,
    },
    Api.TGI: {
        "generated_text": "30 days",
        "details": {"finish_reason": "eos_token", "generated_tokens": 3, "prefill": [{}] * 7},
    },
}
LINES = [{"message": {"content": t}, "done": False} for t in ("30", " ", "days")]
LAST = {"message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3}
TOKENS = [
    {"token": {"text": t, "special": False}, "generated_text": None, "details": None} for t in ("30", " ", "days")
]
FINAL = {
    "token": {"text": "</s>", "special": True},
    "generated_text": "30 days",
    "details": {"finish_reason": "eos_token", "generated_tokens": 3, "prefill": [{}] * 7},
}
STREAMS: dict[Api, list[bytes]] = {
    Api.CHAT: events(
        chat(""), chat("30"), chat(" "), chat("days"), chat(None, "stop"), {"choices": [], "usage": USAGE}
    ),
    Api.COMPLETIONS: events(
        *({"choices": [{"text": t, "finish_reason": None}]} for t in ("30", " ", "days")),
        {"choices": [{"text": "", "finish_reason": "stop"}], "usage": USAGE},
    ),
    Api.OLLAMA: [json.dumps(line).encode() + b"\n" for line in (*LINES, LAST)],
    Api.TGI: [b"data:" + json.dumps(line).encode() + b"\n\n" for line in (*TOKENS, FINAL)],
}
SENT = {
    Api.CHAT: "/v1/chat/completions",
    Api.COMPLETIONS: "/v1/completions",
    Api.OLLAMA: "/api/chat",
    Api.TGI: "/generate",
}


@pytest.mark.parametrize("api", list(Api))
async def test_whole_answer_of_every_api_is_read_with_its_counts(api: Api) -> None:
    server = Server(parts=[json.dumps(WHOLE[api]).encode()])
    reply = await ask(server, api)
    assert (reply.kind, reply.text, reply.finish_reason) == (Kind.ANSWER, "30 days", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.estimated) == (7, 3, False)
    assert server.asked[0][0] == SENT[api]
    assert (reply.first_ms, reply.between_ms) == (0, 0)
    assert reply.latency_ms > 0


@pytest.mark.parametrize("api", list(Api))
async def test_streamed_answer_is_the_same_and_its_times_are_measured(api: Api) -> None:
    server = Server(parts=STREAMS[api], pause=0.02)
    reply = await ask(server, api, stream=True)
    assert (reply.kind, reply.text, reply.finish_reason) == (Kind.ANSWER, "30 days", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.estimated) == (7, 3, False)
    assert 0 < reply.first_ms < reply.latency_ms
    assert 10 < reply.between_ms < reply.latency_ms
    assert timing.number(reply.gaps) == 2
    assert 10 < 1000 * timing.quantile(reply.gaps, 1.0) < reply.latency_ms


@pytest.mark.parametrize("api", list(Api))
async def test_stream_that_ends_before_the_answer_is_a_wrong_answer(api: Api) -> None:
    cut, junk = STREAMS[api][:2], [b"data: {\n\n", b"{\n"]
    for parts, whole in ((cut, True), (cut, False), ([], True), (junk, True)):
        reply = await ask(Server(parts=parts, whole=whole), api, stream=True)
        assert reply.kind is Kind.WRONG
        assert "cut" in reply.reason


@pytest.mark.parametrize("api", list(Api))
async def test_error_in_the_middle_of_a_stream_is_a_wrong_answer(api: Api) -> None:
    broken = b'{"error": "out of memory"}'
    part = broken + b"\n" if api is Api.OLLAMA else b"data: " + broken + b"\n\n"
    reply = await ask(Server(parts=[STREAMS[api][0], part, *STREAMS[api][1:]]), api, stream=True)
    assert reply.kind is Kind.WRONG


@pytest.mark.parametrize("api", list(Api))
def test_stream_may_be_cut_anywhere_on_its_way(api: Api) -> None:
    data = b"".join(STREAMS[api])
    for size in (1, 2, 3, 7, len(data)):
        stream = Stream(api)
        for start in range(0, len(data), size):
            stream.feed(data[start : start + size], start + 1.0)
        choice = stream.completion()["choices"][0]
        assert (choice.get("message") or {"content": choice.get("text")})["content"] == "30 days"
        assert stream.parts == 3


def test_stream_of_nothing_is_cut() -> None:
    with pytest.raises(CutStream):
        Stream(Api.CHAT).completion()


async def test_servers_that_count_nothing_are_estimated_and_said_so() -> None:
    document = {"choices": [{"message": {"content": "x" * 40}}]}
    reply = await ask(Server(parts=[json.dumps(document).encode()]), Api.CHAT)
    assert (reply.completion_tokens, reply.prompt_tokens, reply.estimated) == (10, 0, True)


async def test_requests_are_what_each_api_takes() -> None:
    bodies = {}
    for api in Api:
        server = Server(parts=[json.dumps(WHOLE[api]).encode()])
        await ask(server, api, temperature=0.0, max_tokens=9)
        bodies[api] = server.asked[0][1]
    assert bodies[Api.OLLAMA]["options"] | {"seed": 0} == {"temperature": 0.0, "num_predict": 9, "seed": 0}
    assert bodies[Api.OLLAMA]["stream"] is False
    assert bodies[Api.TGI]["inputs"] == "How long?"
    assert bodies[Api.TGI]["parameters"]["do_sample"] is False
    assert "temperature" not in bodies[Api.TGI]["parameters"]
    assert bodies[Api.CHAT]["user"].startswith("serinus-")
    assert "stream_options" not in bodies[Api.CHAT]


async def test_streams_ask_for_their_counts_and_go_to_their_own_address() -> None:
    chat_server, tgi_server = Server(parts=STREAMS[Api.CHAT]), Server(parts=STREAMS[Api.TGI])
    await ask(chat_server, Api.CHAT, stream=True)
    await ask(tgi_server, Api.TGI, stream=True)
    assert chat_server.asked[0][1]["stream_options"] == {"include_usage": True}
    assert tgi_server.asked[0][0] == "/generate_stream"


async def test_server_that_is_silent_takes_no_longer_than_the_timeout() -> None:
    reply = await ask(Server(parts=[b"", b""], pause=30), Api.CHAT, timeout=1)
    assert (reply.kind, reply.reason) == (Kind.WRONG, "no answer within 1 s")


async def test_ollama_that_is_not_done_has_not_answered() -> None:
    document = {"message": {"content": "30"}, "done": False}
    reply = await ask(Server(parts=[json.dumps(document).encode()]), Api.OLLAMA)
    assert reply.kind is Kind.WRONG


@pytest.mark.parametrize(("seconds", "connect"), [(30, 0.2), (1, 1.2)])
async def test_connection_that_is_never_taken_says_nothing_of_the_answer(seconds: int, connect: float) -> None:
    with socket.socket() as deaf, contextlib.ExitStack() as stack:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # fills the queue, so that the next connection is not even refused
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        target = Target(model="m", request=Request(timeout=seconds), pauses=(), connect=connect)
        async with Client(target, random.Random(1)) as client:
            reply = await client.ask(f"http://127.0.0.1:{deaf.getsockname()[1]}", QUESTION)
    assert (reply.kind, reply.reason) == (Kind.ABSENT, f"no connection within {connect} s")
