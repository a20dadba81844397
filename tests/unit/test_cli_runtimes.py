"""Owns the proof that `serinus runtimes` shows the catalogue in every form and refuses a name that is not in it."""

import json

import pytest
import yaml

from serinus.__main__ import main
from tests.golden import render


def test_every_runtime_is_a_row_with_its_signals_and_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runtimes"]) == 0

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "KIND", "SERVES", "OBSERVES", "METRICS", "SIGNALS", "GAPS"]
    assert [row.split()[0] for row in rows] == list(render.library().runtimes)
    assert next(row for row in rows if row.startswith("ollama")).split()[1:5] == ["engine", "yes", "no", "none"]


def test_json_and_yaml_say_the_same_of_one_runtime(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runtimes", "show", "sglang", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["runtimes", "-o", "yaml", "show", "sglang"]) == 0

    assert yaml.safe_load(capsys.readouterr().out) == found
    assert found["requires"] == [{"flag": "--enable-metrics"}]
    assert found["metrics"] == {"port": 30000, "path": "/metrics"}
    assert "refusals" in found["gaps"]
    assert "llm:ttft_seconds:p95_5m" in found["series"]


def test_one_runtime_is_shown_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runtimes", "show", "dynamo"]) == 0

    shown = capsys.readouterr().out
    assert "components:\n  name worker, role server, port 8081, path /metrics\n" in shown
    assert "observedSeries: none\n" in shown


def test_a_name_that_is_not_known_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runtimes", "show", "vlm"]) == 2

    assert "runtime: found 'vlm', allowed are custom, dcgm" in capsys.readouterr().err


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["runtimes", "--help"])

    assert ended.value.code == 0
    assert "Exit code 0; 2:" in capsys.readouterr().out
