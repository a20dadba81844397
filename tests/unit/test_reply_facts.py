"""What scoring learns of a response beside its text: why it ended, how sure the model was, what it cost."""

import json
from typing import Any

import pytest

from serinus.core.probe import Api
from serinus.probes.outcome import Said
from serinus.probes.reply import read_reply, said


def facts(api: Api = Api.CHAT, headers: dict[str, str] | None = None, usage: Any = None, **choice: Any) -> Said:
    content = {"message": {"content": "Yes"}} if api is Api.CHAT else {"text": "Yes"}
    body = {"choices": [{**content, **choice}], "usage": usage or {}}
    return said(read_reply(api, 200, headers or {}, json.dumps(body).encode()))


def test_finish_reason_and_log_probabilities_of_both_apis_are_read() -> None:
    chat = {"content": [{"token": "Y", "logprob": -0.5}, {"token": "es", "logprob": -1}]}
    assert facts(finish_reason="stop", logprobs=chat) == Said(text="Yes", finish_reason="stop", logprobs=(-0.5, -1.0))
    assert facts(Api.COMPLETIONS, logprobs={"token_logprobs": [-0.5, -1]}).logprobs == (-0.5, -1.0)


@pytest.mark.parametrize(
    "logprobs", [None, 3, {"content": [3]}, {"content": [{"logprob": "x"}]}, {"token_logprobs": [1.0]}]
)
def test_log_probabilities_that_cannot_be_used_are_none(logprobs: Any) -> None:
    assert facts(logprobs=logprobs).logprobs == ()


@pytest.mark.parametrize(
    ("usage", "headers", "cost"),
    [
        ({"cost": 0.002}, {}, 0.002),
        ({}, {"x-litellm-response-cost": "0.003"}, 0.003),
        ({}, {}, None),
        ({"cost": -1}, {}, None),
        ({"cost": True}, {}, None),
        ({}, {"x-litellm-response-cost": "nan"}, None),
    ],
)
def test_cost_is_what_the_server_says_and_else_unknown(usage: Any, headers: dict[str, str], cost: float | None) -> None:
    assert facts(usage=usage, headers=headers).cost == cost
