"""Times of streamed answers: counted by the probe, bounded by the reader, shown in seconds, and never in a verdict."""

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import timing
from serinus.core.gauges import samples
from serinus.core.report import MAX_BYTES, Critical, Report, UnreadableReport, Usage, decode, encode
from serinus.core.runspec import RunSpec
from serinus.core.timing import Timing
from serinus.core.verdict import judge
from serinus.core.views import timestamp
from tests.support import objects
from tests.support.fakemodel import Say
from tests.support.probing import pair, policy, probe_set, questions
from tests.support.reports import FIRST_GOOD, POLICY, PROBES, WORSE
from tests.unit.fake_world import FakeWorld, counted
from tests.unit.rollouts import at, check, served
from tests.unit.test_watch import let_pass


def counts(milliseconds: list[float]) -> timing.Counts:
    return timing.packed(Counter(map(timing.position, milliseconds)))


TIMES = Timing(first=counts([200.0] * 90 + [900.0] * 10), between=counts([20.0] * 900 + [2000.0] * 9))
TIMED = dataclasses.replace(WORSE, timing=(TIMES, TIMES), usage=Usage(calls=412, seconds=61.25))


# The arithmetic


def test_quantiles_and_mean_are_at_most_the_width_of_an_edge_off() -> None:
    chance = random.Random(4)
    true = sorted(chance.lognormvariate(5.5, 0.8) for _ in range(1000))
    found = counts(true)
    for share in (0.5, 0.95, 0.99):
        assert 1000 * timing.quantile(found, share) == pytest.approx(true[round(1000 * share) - 1], rel=0.06)
    assert 1000 * timing.mean(found) == pytest.approx(sum(true) / 1000, rel=0.02)
    assert timing.number(found) == 1000


def test_times_beyond_the_edges_count_as_the_first_and_the_last() -> None:
    assert counts([0.0, 0.4, 1.0]) == (0, 3)
    assert counts([5e6]) == (timing.LAST, 1)
    assert timing.quantile((timing.LAST, 1), 1.0) == 1000
    assert (counts([]), timing.quantile((), 0.5), timing.longest(())) == ((), 0.0, 0.0)


@given(st.dictionaries(st.integers(0, timing.LAST), st.integers(0, 9), max_size=9))
def test_counts_are_read_back_as_they_were_written(found: dict[int, int]) -> None:
    packed = timing.packed(found)
    assert {i: n for i, n in timing.unpacked(packed).items() if n} == {i: n for i, n in found.items() if n}
    assert timing.read("x", list(packed), most=100) == packed


# What a runner claims


def altered(change: Callable[[dict[str, Any]], object]) -> str:
    """A report whose content was changed and sealed again, by the message of its reader."""
    plain = dataclasses.replace(TIMED, timing=timing.UNTIMED)
    body = json.loads(encode(TIMED).partition("\n")[2])
    change(body)
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    header = encode(plain).partition("\n")[0].rsplit(" ", 1)[0]
    with pytest.raises(UnreadableReport) as caught:
        decode(f"{header} {sha256(text.encode()).hexdigest()[:16]}\n{text}")
    return str(caught.value)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([[80, 1000], [], [], []], "timing of canary: found 1000, allowed is at most 206"),
        ([[], [40, 1], [], []], "timing of canary, between tokens: found 1, allowed is at most 0"),
        ([[100, 1], [], [], []], "timing of canary, in seconds: found 89.1"),
        ([[0, 1], [120, 1], [], []], "timing of canary, between tokens in seconds: found 891.2"),
        ([[0, -1], [], [], []], "timing[0]: found -1, allowed is whole numbers"),
        ([[0, 1.5], [], [], []], "timing[0]: found 1.5, allowed is whole numbers"),
        ([[0, True], [], [], []], "timing[0]: found True, allowed is whole numbers"),
        ([[121, 1], [], [], []], "timing[0]: found 121, allowed is whole numbers from 0 to 120"),
        ([[120, 1, 1], [], [], []], "timing[0]: found counts up to edge 121, allowed is 120"),
        ([[3], [], [], []], "timing[0]: found [3], allowed is counts that begin and end with one"),
        ([[3, 0, 1], [], [], []], "timing[0]: found [3, 0, 1], allowed is counts that begin and end with one"),
        ([[3, 1, 0], [], [], []], "timing[0]: found [3, 1, 0], allowed is counts that begin and end with one"),
        ([[0, *[1] * 130], [], [], []], "timing[0]: found 131 items, allowed is at most 122"),
        ([[], []], "timing: found 2 lists, allowed is 0 or 4"),
        ({}, "timing: found {}, allowed is a list"),
    ],
)
def test_times_that_cannot_be_are_refused_with_their_place(found: object, message: str) -> None:
    assert message in altered(lambda body: body.update(timing=found))


def test_stable_that_nobody_asked_has_no_times() -> None:
    lied = dataclasses.replace(FIRST_GOOD, timing=(Timing(), Timing(first=(40, 1))), usage=Usage(calls=100, seconds=9))
    with pytest.raises(UnreadableReport, match="timing of stable: found 1, allowed is at most 0"):
        decode(encode(lied))


def test_times_change_no_verdict() -> None:
    assert judge(POLICY, TIMED, probes=PROBES) == judge(POLICY, WORSE, probes=PROBES)


def test_report_loses_its_times_before_any_count_or_name_of_a_critical_probe() -> None:
    spread = Timing(first=(0, *[9_999] * 121), between=(0, *[999_999] * 121))
    critical = tuple(Critical(probe=f"{i:02}{'p' * 90}") for i in range(20))
    large = dataclasses.replace(TIMED, timing=(spread, spread), critical=critical)
    text = encode(large)
    assert len(text.encode()) <= MAX_BYTES
    assert decode(text) == dataclasses.replace(large, timing=timing.UNTIMED, worst=())
    assert decode(encode(TIMED)) == TIMED


# From a stream to a series


async def test_streamed_run_reports_what_its_samples_say(tmp_path: Path) -> None:
    slow, fast = Say(text="Yes, of course.", delay=0.03, pause=0.02), Say(text="Yes, of course.")
    asked = {"probes": probe_set(questions(), stream=True), "policy": policy(pairs=20)}
    run, report = await pair(tmp_path, lambda _: slow, lambda _: fast, **asked)
    for side, found in zip(("canary", "stable"), report.timing, strict=True):
        mine = sorted((s for s in run.samples if s["side"] == side), key=lambda s: int(s["pair"]))
        mine = mine[: report.pairs.scored]
        assert found.first == counts([s["firstTokenMs"] for s in mine])
        assert timing.number(found.between) == 2 * len(mine)
    canary, _ = report.timing
    assert timing.quantile(canary.first, 0.5) > 0.028
    assert timing.quantile(canary.between, 0.5) > 0.015
    assert decode(encode(report)) == report


async def test_run_without_streams_reports_no_times(tmp_path: Path) -> None:
    _, report = await pair(tmp_path, lambda _: Say(text="Yes."))
    assert report.timing == timing.UNTIMED
    assert '"timing":[]' in encode(report)


def timed(spec: RunSpec) -> Report:
    report = dataclasses.replace(counted(spec, passed=100, failed=0, lost=0), usage=Usage(calls=200, seconds=60.0))
    first = Timing(first=(40, 100), between=(20, 100))
    other = Timing(first=(60, 100)) if spec.identity.baseline else Timing()
    return dataclasses.replace(report, end="Decided", timing=(first, other))


def latencies(found: FakeWorld) -> dict[tuple[str, ...], float]:
    return {k[1:]: v for k, v in samples(found.look().view, ()).items() if k[0] == "probe_latency_seconds"}


def test_times_stand_in_the_run_and_in_the_series_of_both_revisions() -> None:
    found = served()
    assert latencies(found) == {}
    before = found.stable
    found.answer = timed
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    run = next(r for r in found.snapshot().runs if "timing" in r.status)
    assert run.status["timing"]["canary"]["firstToken"] == {
        "count": 100,
        "p50Seconds": 0.0946,
        "p95Seconds": 0.0995,
        "p99Seconds": 0.0999,
        "meanSeconds": 0.0946,
    }
    check(found)
    series = latencies(found)
    assert series["support", run.revision, "ttft", "p50"] == 0.0946
    assert series["support", run.revision, "itl", "p95"] == pytest.approx(0.00995, rel=0.01)
    assert series["support", before, "ttft", "p50"] == 0.946
    assert ("support", before, "itl", "p50") not in series


def test_kept_runs_of_an_earlier_service_of_the_name_have_no_series() -> None:
    found = served()
    found.answer = timed
    found.change("registry.example/vllm:2")
    found.rest()
    assert latencies(found)
    found.body["metadata"]["creationTimestamp"] = timestamp(found.now + 1)
    assert latencies(found) == {}


def test_series_of_a_revision_go_with_it_and_follow_its_newest_run() -> None:
    found = served(gates={"quality": [objects.gate(every="1m")]})
    before = found.stable
    found.answer = timed
    let_pass(found, 60)
    assert {k[1] for k in latencies(found)} == {before}
    found.change("registry.example/vllm:2")
    found.run_until(lambda w: w.stage == "Stable" and w.stable != before)
    assert {k[1] for k in latencies(found)} == {found.stable}
    found.answer = lambda spec: dataclasses.replace(timed(spec), timing=(Timing(first=(80, 5)), Timing()))
    let_pass(found, 120)
    assert latencies(found)["support", found.stable, "ttft", "p50"] == 9.46
