"""An operator that refuses Python, on a real API server: the ProbeSet says where it has some, and no Job starts."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.apibed import ApiBed
from tests.support.objects import API_VERSION
from tests.support.operatorproc import Operator
from tests.support.processes import eventually
from tests.support.team import SECONDS, Team, a_team

pytestmark = pytest.mark.api
WITH_PYTHON = """\
tests:
- vars: {question: When?}
  assert:
  - {type: python, value: "len(output) < 80"}
"""


@pytest.fixture
def strict(controlled_bed: ApiBed) -> Iterator[Team]:
    """A team whose operator has the setting allowPython off."""
    settings = {"NAMESPACE": controlled_bed.new_namespace(), "RESYNC": "20s", "ALLOW_PYTHON": "false"}
    log = controlled_bed.server.folder / f"operator-{settings['NAMESPACE']}.log"
    operator = Operator(controlled_bed.kubeconfig(), log, settings)
    try:
        with a_team(controlled_bed, operator.start()) as one:
            yield one
    finally:
        operator.close()


def test_a_probe_set_with_python_says_so_and_its_gate_is_held_before_a_job_starts(strict: Team) -> None:
    strict.ask(source={"inline": WITH_PYTHON})
    strict.deploy("one")
    status = strict.until_held("ProbeSetInvalid")
    said = "line 4: tests[0].assert[0].type: found 'python', which is Python: the operator's setting allowPython"
    assert f"spec.gates.quality[support].probeSetRef: ProbeSet support: {said} refuses it" in status["message"]

    def told() -> dict[str, Any] | None:
        found = strict.client.get(API_VERSION, "ProbeSet", "support", strict.namespace).get("status") or {}
        return found if found.get("problems") else None

    found: dict[str, Any] = eventually(told, "the ProbeSet says so", seconds=SECONDS)
    [valid], [problem] = found["conditions"], found["problems"]
    assert (valid["type"], valid["status"], valid["reason"]) == ("Valid", "False", "ProbeSetInvalid")
    assert (problem["line"], problem["field"]) == (4, "tests[0].assert[0].type")
    assert problem["message"].endswith("allowed is JavaScript, or another type of assertion")
    assert strict.objects("Job", "batch/v1") == []
    assert strict.runs() == []
    strict.ask()
    strict.until(lambda s: s["phase"] == "Stable", "questions without Python are asked")
