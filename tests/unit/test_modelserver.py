"""The model server's API: OpenAI's shapes as vLLM writes them, and what it refuses."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.modelserver import SERVER_NAME
from tests.support.modelserver.testing import ANSWER, ASK, CHAT, LOCAL, SETTINGS, chunks, serving


async def test_chat_completion_has_the_shape_of_vllm_and_says_who_answered() -> None:
    async with serving() as (_, client), client.post(CHAT, json={**ASK, "model": "support-model"}) as response:
        body = await response.json()
        assert response.status == 200
        assert response.headers["X-Revision"] == "r1"
        assert response.headers["X-Pod"] == "p1"
        assert response.headers["Server"] == SERVER_NAME
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    (choice,) = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": ANSWER}
    assert choice["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] > 5


async def test_every_call_has_an_id_of_its_own() -> None:
    async with serving() as (_, client):
        ids = set()
        for _ in range(20):
            async with client.post(CHAT, json=ASK) as response:
                ids.add((await response.json())["id"])
    assert len(ids) == 20


async def test_stream_names_the_role_then_tokens_then_the_reason_and_usage_when_asked() -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
    async with serving() as (_, client), client.post(CHAT, json=body) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        first, *middle, last, usage = await chunks(response)
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["choices"][0]["delta"]["content"] for c in middle) == ANSWER
    assert {c["choices"][0]["finish_reason"] for c in (first, *middle)} == {None}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert {c["usage"] for c in (first, *middle, last)} == {None}
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == len(middle)
    assert len({(c["id"], c["created"]) for c in (first, *middle, last, usage)}) == 1


async def test_stream_without_the_option_carries_no_usage() -> None:
    async with serving() as (_, client), client.post(CHAT, json={**ASK, "stream": True}) as response:
        got = await chunks(response)
    assert not any("usage" in chunk for chunk in got)
    assert got[-1]["choices"][0]["finish_reason"] == "stop"


async def test_plain_completions_answer_whole_and_streamed() -> None:
    ask = {"prompt": "How long is the return period?", "max_tokens": 100}
    async with serving() as (_, client):
        async with client.post("/v1/completions", json=ask) as response:
            whole = await response.json()
        async with client.post("/v1/completions", json={**ask, "stream": True}) as response:
            got = await chunks(response)
    assert whole["object"] == "text_completion"
    assert whole["choices"][0]["text"] == ANSWER
    assert "".join(chunk["choices"][0]["text"] for chunk in got) == ANSWER


async def test_max_tokens_stop_and_n_are_honoured() -> None:
    async with serving() as (_, client):
        async with client.post(CHAT, json={**ASK, "max_tokens": 3, "n": 2}) as response:
            short = await response.json()
        async with client.post(CHAT, json={**ASK, "stop": [" within"]}) as response:
            stopped = await response.json()
    assert [c["finish_reason"] for c in short["choices"]] == ["length", "length"]
    assert short["usage"]["completion_tokens"] == 6
    assert stopped["choices"][0]["message"]["content"] == "You can return any item"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "an object is needed"),
        (b'{"messages": []}', 400, "messages"),
        (b'{"messages": [{"role": "user", "content": 5}]}', 400, "messages[0].content"),
        (b'{"messages": [{"role": "user", "content": "a"}], "max_tokens": 0}', 400, "max_tokens"),
        (b'{"messages": [{"role": "user", "content": "a"}], "n": 99}', 400, "n: found 99"),
        (b'{"messages": [{"role": "user", "content": "a"}], "model": "other"}', 404, "`other`"),
    ],
)
async def test_a_bad_request_is_refused_with_the_field(body: bytes, status: int, said: str) -> None:
    async with serving() as (_, client), client.post(CHAT, data=body) as response:
        assert response.status == status
        assert said in (await response.json())["error"]["message"]


async def test_models_and_health_answer() -> None:
    async with serving() as (_, client):
        async with client.get("/v1/models") as response:
            assert (await response.json())["data"][0]["id"] == "support-model"
        async with client.get("/health") as response:
            assert response.status == 200


async def test_token_file_locks_the_api_and_leaves_health_and_metrics_open(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    settings = replace(SETTINGS, service=replace(LOCAL, api_key_file=str(tmp_path / "key")))
    async with serving(settings) as (_, client):
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer no"}, 401),
            ({"Authorization": "Bearer s3cret"}, 200),
        ):
            async with client.post(CHAT, json=ASK, headers=headers) as response:
                assert response.status == status
        for path in ("/health", "/metrics"):
            async with client.get(path) as response:
                assert response.status == 200
