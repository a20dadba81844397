"""The model server's knowledge file, the probe set made of it, and its settings."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.support.modelserver.knowledge import InvalidKnowledge, Knowledge, load
from tests.support.modelserver.probeset import build_probeset, main, render
from tests.support.modelserver.settings import Mode, parse_settings

KNOWLEDGE = load()


def test_probeset_is_promptfoo_with_a_test_and_an_assertion_for_every_question() -> None:
    document = yaml.safe_load(render(KNOWLEDGE))
    assert document["prompts"] == ["{{question}}"]
    assert len(document["tests"]) == 100
    types = Counter(test["assert"][0]["type"] for test in document["tests"])
    assert set(types) == {"icontains", "icontains-any", "regex"}
    assert min(types.values()) >= 10
    assert sum(test["metadata"].get("critical") is True for test in document["tests"]) == 4
    assert render(load()) == render(KNOWLEDGE)


def test_probeset_command_prints_the_file_and_refuses_a_broken_knowledge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == build_probeset(KNOWLEDGE)
    broken = tmp_path / "broken.yaml"
    broken.write_text("questions: [{id: x, colour: red}]\nshop: s\nopeners: ['']\nclosers: ['']\nrefusals: [No.]\n")
    assert main(["--knowledge", str(broken)]) == 2
    assert "colour" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"say": ["no place for it"]}, "exactly once"),
        ({"fact": []}, "questions[0].fact"),
        ({"id": ""}, "questions[0].id"),
        ({"wrong": "14 days"}, "questions[0].wrong"),
    ],
)
def test_broken_knowledge_is_refused_with_its_field(change: dict[str, object], said: str, tmp_path: Path) -> None:
    question = {"id": "a", "topic": "t", "ask": ["A?"], "fact": ["1"], "wrong": ["2"], "say": ["{fact}"], **change}
    path = tmp_path / "k.yaml"
    path.write_text(yaml.safe_dump({**_frame(KNOWLEDGE), "questions": [question]}))
    with pytest.raises(InvalidKnowledge, match=re.escape(said)):
        load(path)


def test_two_questions_with_one_phrasing_are_refused(tmp_path: Path) -> None:
    question = {"topic": "t", "ask": ["A?"], "fact": ["1"], "wrong": ["2"], "say": ["{fact}"]}
    path = tmp_path / "k.yaml"
    questions = [{"id": "a", **question}, {"id": "b", **question}]
    path.write_text(yaml.safe_dump({**_frame(KNOWLEDGE), "questions": questions}))
    with pytest.raises(InvalidKnowledge, match="belongs to"):
        load(path)


def _frame(knowledge: Knowledge) -> dict[str, object]:
    return {"shop": knowledge.shop, "openers": [""], "closers": [""], "refusals": ["No."]}


def test_settings_come_from_flags_before_environment_before_defaults() -> None:
    environ = {"MODEL_SERVER_MODE": "wrong", "MODEL_SERVER_WRONG_PERCENT": "5", "REVISION": "r7", "POD": "p1"}
    settings = parse_settings(["--wrong-percent", "15"], environ)
    assert (settings.quality.mode, settings.quality.wrong_percent) == (Mode.WRONG, 15)
    assert (settings.service.revision, settings.service.pod, settings.service.port) == ("r7", "p1", 8000)
    assert parse_settings([], {"POD": "p1"}).service.revision == "p1"


def test_port_is_not_read_from_the_variable_that_kubernetes_sets_for_services() -> None:
    environ = {"MODEL_SERVER_PORT": "tcp://10.0.0.1:80", "MODEL_SERVER_LISTEN_PORT": "9000"}
    assert parse_settings([], environ).service.port == 9000


@pytest.mark.parametrize(
    ("flag", "value"), [("--mode", "brilliant"), ("--wrong-percent", "101"), ("--port", "x"), ("--seed", "-1")]
)
def test_a_wrong_setting_names_flag_value_and_what_is_allowed(
    flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings([f"{flag}={value}"], {})
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert flag in said
    assert value in said
    assert "allowed" in said


def test_help_says_that_the_server_is_ours_and_runs_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_settings(["--help"], {})
    said = " ".join(capsys.readouterr().out.split())
    assert "not vLLM" in said
    assert "runs no model" in said
