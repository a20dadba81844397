"""The parameters of a run as text: what the operator writes, the Job reads, and nothing else passes."""

import dataclasses
import json
from typing import Any

import pytest

from serinus.core.model import Budget, GatePolicy, InvalidSpec
from serinus.core.runspec import RunSpec
from serinus.core.runspec import from_json as read_run
from serinus.core.runspec import to_json as write_run
from tests.support.reports import PAIRED

POLICY = GatePolicy(
    floor=0.8, margin=0.05, tolerance=0.0, alpha=0.05, beta=0.1, budget=Budget(pairs=10, tokens=100, duration=60)
)
RUN = RunSpec(
    identity=PAIRED,
    policy=POLICY,
    model="m",
    canary_url="http://chat-canary:80",
    stable_url="http://chat-stable:80",
    seed=2**63 - 1,
    token_path="/token/token",
)


def test_run_parameters_survive_their_text() -> None:
    assert read_run(write_run(RUN)) == RUN
    alone = dataclasses.replace(RUN, identity=dataclasses.replace(PAIRED, baseline=""), stable_url="")
    assert read_run(write_run(alone)) == alone
    switched_off = dataclasses.replace(RUN, allow_python=False)
    assert read_run(write_run(switched_off)) == switched_off


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"stable_url": ""}, "stable_url"),
        ({"canary_url": "file:///etc/passwd"}, "canary_url"),
        ({"model": None}, "model"),
        ({"seed": -1}, "seed"),
        ({"identity": {}}, "identity.namespace"),
        ({"policy": {**dataclasses.asdict(POLICY), "floor": 80}}, "policy.floor"),
        ({"policy": {**dataclasses.asdict(POLICY), "budget": {}}}, "policy.budget.pairs"),
    ],
)
def test_run_parameters_that_are_wrong_are_refused_with_their_path(change: dict[str, Any], path: str) -> None:
    raw = {**json.loads(write_run(RUN)), **change}
    with pytest.raises(InvalidSpec) as caught:
        read_run(json.dumps(raw))
    assert caught.value.path == path


@pytest.mark.parametrize("text", ["", "[]", "nope", "3"])
def test_text_that_is_no_run_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec):
        read_run(text)
