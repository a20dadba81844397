"""The repetitions of a change: where the time goes, from objects as Kubernetes writes them, and what is a problem."""

from typing import Any

import pytest

from serinus.core.views import seconds
from tests.e2e.demo import repeat, story
from tests.e2e.demo.timeline import Timeline, percentile, table, timeline

READY = seconds("2026-11-21T10:00:00Z")


def _at(second: int) -> str:
    return f"2026-11-21T10:00:{second:02}Z"


def _objects() -> dict[str, Any]:
    terminated = {"startedAt": _at(4), "finishedAt": _at(11), "exitCode": 0}
    sidecar = {"name": "mesh", "state": {"running": {"startedAt": _at(3)}}}
    return {
        "run": {"metadata": {"name": "chat-r1-support-0"}, "status": {"finishedAt": _at(12)}},
        "job": {"metadata": {"creationTimestamp": _at(1)}},
        "pods": [{"status": {"containerStatuses": [sidecar, {"name": "probe", "state": {"terminated": terminated}}]}}],
    }


def test_parts_add_up_from_ready_to_the_decision() -> None:
    found = timeline(ready=READY, decided=READY + 13, **_objects())
    assert found.parts == (1, 3, 7, 1, 1)
    assert sum(found.parts) == found.total == 13


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("run", "status", "finishedAt"), "ProbeRun chat-r1-support-0: status.finishedAt: found none"),
        (("job", "metadata", "creationTimestamp"), "Job chat-r1-support-0: metadata.creationTimestamp: found none"),
    ],
)
def test_missing_time_is_named_by_its_object(path: tuple[str, str, str], message: str) -> None:
    objects = _objects()
    del objects[path[0]][path[1]][path[2]]
    with pytest.raises(ValueError, match=message):
        timeline(ready=READY, decided=READY + 13, **objects)


def test_pods_without_the_container_and_a_canary_never_ready_are_named() -> None:
    with pytest.raises(ValueError, match="found 0 pods, none with a container probe"):
        timeline(ready=READY, decided=READY, **(_objects() | {"pods": []}))
    with pytest.raises(ValueError, match="its canary was never seen Ready"):
        timeline(ready=0.0, decided=READY, **_objects())


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(v) for v in range(1, 21)]
    assert (percentile(values, 50), percentile(values, 95), percentile(values, 100)) == (10, 19, 20)
    assert percentile([7.0], 95) == 7
    with pytest.raises(ValueError, match="found 0 values"):
        percentile([], 50)


def test_table_has_a_line_for_each_part_and_for_the_whole() -> None:
    lines = [Timeline(ends=(1.0, 3.0, 9.0, 10.0, 10.0 + n)) for n in range(20)]
    rows = table(lines).splitlines()
    assert len(rows) == 7
    assert rows[-1].split() == ["Ready", "to", "decision", "19.0", "28.0", "29.0"]


def _row(number: int, kind: str, phase: str, **changes: Any) -> story.Row:
    usual = {"verdict": "Passed" if phase == "promoted" else "Failed", "decided": 12.0, "failed": 0, "unproven": 0}
    return story.Row(
        change=repeat.change(kind, number),
        revision=f"r{number}",
        phase=phase,
        calls=100 + number,
        evidence="",
        users=50,
        message="",
        ready=READY,
        **(usual | changes),
    )


def test_each_repetition_is_another_revision_of_the_same_quality() -> None:
    arguments = {repeat.change("garbage", n).arguments for n in range(5)}
    assert len(arguments) == 5
    assert {a[0] for a in arguments} == {"--mode=garbage"}


def test_garbage_that_is_undone_in_time_is_as_promised() -> None:
    rows = [_row(n, "garbage", "rolled back") for n in range(3)]
    assert repeat.judged(rows, promoted=False, allowed=2) == []
    assert repeat.summary(rows).startswith("3 changes: 3 rolled back, 0 promoted; calls: median 101, largest 102\n")


@pytest.mark.parametrize(
    ("kind", "phase", "changes", "problem"),
    [
        ("garbage", "promoted", {}, "garbage change 1: it was promoted"),
        ("garbage", "rolled back", {"decided": 91.0}, "garbage change 1: decided after 91 s, promised 90 s"),
        ("garbage", "rolled back", {"unproven": 1}, "garbage change 1: 1 user requests answered by an unproven"),
        ("good", "promoted", {"failed": 2}, "good change 1: 2 user requests failed, promised 0"),
    ],
)
def test_broken_promise_is_named(kind: str, phase: str, changes: dict[str, Any], problem: str) -> None:
    found = repeat.judged([_row(0, kind, phase, **changes)], promoted=kind == "good", allowed=2)
    assert any(f.startswith(problem) for f in found)


def test_few_false_rollbacks_are_luck_and_more_are_not() -> None:
    rows = [_row(n, "good", "rolled back" if n < 2 else "promoted") for n in range(20)]
    assert repeat.judged(rows, promoted=True, allowed=2) == []
    assert "2 false rollbacks, allowed are 1" in repeat.judged(rows, promoted=True, allowed=1)
