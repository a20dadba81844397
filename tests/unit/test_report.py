"""The contract between the probe Job and the operator: what is written can be read, and nothing else can."""

import dataclasses
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serinus.core import report as contract
from serinus.core.report import (
    MAX_BYTES,
    MAX_COUNT,
    MAX_USAGE,
    Critical,
    Identity,
    Pairs,
    Report,
    Side,
    UnreadableReport,
    Usage,
    Worst,
    decode,
    encode,
)
from tests.support.reports import FIRST_GOOD, GOOD, OPEN, PAIRED, WORSE

FULL = replace(
    WORSE,
    critical=(Critical(probe="pay-01", passed=3, failed=1), Critical(probe="id-07", passed=4)),
    usage=Usage(calls=412, prompt_tokens=40_000_000, completion_tokens=9_000, judge_calls=7, seconds=61.25),
    judge_digest="sha256:" + "1" * 64,
)


def sealed(body: str) -> str:
    """A report with a right checksum around any body."""
    return f"serinus-report 3 1 {hashlib.sha256(body.encode()).hexdigest()[:16]}\n{body}"


def body_of(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(report).partition("\n")[2])
    return found


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """The full report with one change in its content, sealed again."""
    raw = body_of(FULL)
    change(raw)
    return sealed(json.dumps(raw))


def refused(text: str) -> str:
    with pytest.raises(UnreadableReport) as caught:
        decode(text)
    return str(caught.value)


# What is written can be read

texts = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(0, 1_000_000)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report whose counts are possible together."""
    lost, tied_passed, tied_failed, won = (draw(numbers) for _ in range(4))
    pairs = Pairs(
        lost=lost,
        tied=tied_passed + tied_failed,
        won=won,
        unscored=draw(numbers),
        worst_window=draw(st.integers(0, 50)),
    )
    canary = Side(passed=tied_passed + won, failed=tied_failed + lost)
    probe = st.builds(
        Critical, probe=texts, passed=st.integers(0, canary.scored // 2), failed=st.integers(0, canary.scored // 2)
    )
    identity = st.builds(
        Identity,
        **dict.fromkeys(("namespace", "service", "revision", "gate", "purpose", "digest"), texts),
        baseline=st.sampled_from(["", "r8d21bb77f0"]),
        step=st.integers(-1, 9),
        attempt=st.integers(0, 99),
    )
    usage = st.integers(0, MAX_USAGE)
    return Report(
        identity=draw(identity),
        pairs=pairs,
        canary=canary,
        stable=Side(passed=tied_passed + lost, failed=tied_failed + won),
        critical=tuple(draw(st.lists(probe, max_size=5))),
        probes_seen=draw(st.integers(0, min(pairs.scored, MAX_COUNT))),
        cached=draw(texts),
        end=draw(st.sampled_from(contract.ENDS)),
        error=draw(texts),
        usage=Usage(
            calls=draw(usage),
            prompt_tokens=draw(usage),
            completion_tokens=draw(usage),
            judge_calls=draw(usage),
            seconds=draw(st.floats(0, 1e9)),
        ),
        worst=tuple(
            draw(st.lists(st.builds(Worst, probe=texts, canary=texts, stable=texts, example=texts), max_size=3))
        ),
        judge_digest=draw(texts),
    )


@given(reports())
@example(FULL)
@example(OPEN)
@example(FIRST_GOOD)
@example(Report(identity=PAIRED))
def test_what_is_written_is_read_back_unchanged(report: Report) -> None:
    text = encode(report)
    assert decode(text) == report
    assert encode(decode(text)) == text
    assert len(text.encode()) <= MAX_BYTES


def test_newline_at_the_end_is_forgiven_because_people_paste_reports() -> None:
    assert decode(encode(FULL) + "\n") == FULL


def test_header_names_format_and_scoring_before_the_checksum() -> None:
    header = encode(FULL).partition("\n")[0].split(" ")
    assert header[:3] == ["serinus-report", "3", "1"]
    assert len(header[3]) == 16


# It always fits, and counts are the last thing to go: they never go


def crowded(name: str, example: str, error: str = "") -> Report:
    critical = tuple(Critical(probe=f"{i:02}{name}{i:02}", passed=9_999, failed=9_999) for i in range(20))
    worst = tuple(Worst(probe=f"{i}{name}", canary="0/1000", stable="1000/1000", example=example) for i in range(5))
    many = Side(passed=1_000_000, failed=1_000_000)
    pairs = Pairs(lost=5, tied=1_999_990, won=5, unscored=MAX_COUNT, worst_window=50)
    return replace(
        FULL,
        pairs=pairs,
        canary=many,
        stable=many,
        critical=critical,
        worst=worst,
        error=error,
        cached=error,
        end="Error",
    )


@pytest.mark.parametrize("name", ["short", "n" * 300, "ü" * 300, "🐤" * 300, '"\\' * 300, "\x00" * 300, "\ud800" * 300])
@pytest.mark.parametrize("example", ["", "x" * 5000, "🐤" * 5000, "\n\x07" * 5000, "half a pair \ud83d"])
@pytest.mark.parametrize("error", ["", "connection refused " * 300, "\x00" * 5000])
def test_twenty_critical_probes_and_long_texts_fit_with_every_count(name: str, example: str, error: str) -> None:
    report = crowded(name, example, error)
    text = encode(report)
    assert len(text.encode()) <= MAX_BYTES
    found = decode(text)
    assert (found.pairs, found.canary, found.stable) == (report.pairs, report.canary, report.stable)
    assert [(c.passed, c.failed) for c in found.critical] == [(9_999, 9_999)] * 20
    assert len({c.probe for c in found.critical}) == 20
    assert len(found.worst) <= 3
    assert all(len(w.example.encode()) <= 160 for w in found.worst)
    assert bool(found.error) == bool(error)


def test_examples_go_before_worst_probes_and_these_before_names_are_cut() -> None:
    small = crowded("p", "x" * 150)
    assert all(w.example == "x" * 150 for w in decode(encode(small)).worst)
    middle = decode(encode(crowded("p" * 90, "x" * 150)))
    assert [w.example for w in middle.worst] == ["", "", ""]
    assert middle.critical == crowded("p" * 90, "").critical
    large = decode(encode(crowded("p" * 115, "x" * 150)))
    assert large.worst == ()
    assert large.critical == crowded("p" * 115, "").critical
    cut = decode(encode(crowded("p" * 200, "x" * 150)))
    assert all("…" in c.probe and len(c.probe.encode()) <= 80 for c in cut.critical)
    assert cut.critical[7].probe.startswith("07p")
    assert cut.critical[7].probe.endswith("p07")


def test_long_error_keeps_its_beginning_and_its_end() -> None:
    found = decode(encode(Report(identity=PAIRED, end="Error", error="first" + "x" * 5000 + "last"))).error
    assert found.startswith("firstx")
    assert found.endswith("xlast")
    assert len(found.encode()) <= contract.MAX_ERROR_BYTES


def test_report_that_cannot_fit_is_an_error_with_its_size() -> None:
    with pytest.raises(ValueError, match=r"report of \d+ bytes without examples: allowed are 4096"):
        encode(replace(FULL, identity=replace(PAIRED, digest="d" * 4000)))


# Nothing else can be read, and nothing but UnreadableReport is raised


def test_report_cut_at_any_byte_is_unreadable() -> None:
    whole = encode(replace(FULL, error="ü🐤")).encode()
    for n in range(len(whole)):
        refused(whole[:n].decode(errors="replace"))


def test_report_with_any_byte_changed_is_unreadable() -> None:
    whole = encode(replace(FULL, error="ü🐤")).encode()
    rng = random.Random(3)
    for i, old in enumerate(whole):
        others = {0, 10, 32, 34, 48, 57, 125, 255, rng.randrange(256), old ^ 1, old ^ 32} - {old}
        for new in others:
            damaged = (whole[:i] + bytes([new]) + whole[i + 1 :]).decode(errors="replace")
            refused(damaged)


def test_report_with_any_byte_missing_or_doubled_is_unreadable() -> None:
    whole = encode(FULL)
    for i in range(len(whole)):
        refused(whole[:i] + whole[i + 1 :])
        refused(whole[:i] + whole[i] + whole[i:])


@given(st.text(max_size=300))
@example("")
@example("\n\n \t")
@example("serinus-report")
@example("serinus-report 3 1 \ud800\n{}")
@example("\ud800")
def test_any_other_text_is_unreadable(text: str) -> None:
    refused(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_other_json_with_a_right_checksum_is_unreadable(value: Any) -> None:
    refused(sealed(json.dumps(value)))


@given(
    name=st.sampled_from([f.name for f in dataclasses.fields(Report)]),
    value=st.none()
    | st.booleans()
    | st.integers(max_value=-1)
    | st.floats()
    | st.just({})
    | st.just([1])
    | st.just({"a": 1}),
)
def test_any_part_of_another_type_is_unreadable(name: str, value: Any) -> None:
    refused(changed(lambda raw: raw.update({name: value})))


def test_megabyte_of_garbage_is_refused_with_a_short_message() -> None:
    for garbage in ("x" * 1_000_000, "serinus-report " + "9 " * 500_000, "[" * 1_000_000, sealed("[" * 1_000_000)):
        assert len(refused(garbage)) < 200
    assert refused("x" * 1_000_000) == "the report has 1000000 bytes: allowed are 4096"


@pytest.mark.parametrize("body", ["[" * 3900, '{"a":' * 700, "9" * 3900, "-" * 100, "1e999", '"\\ud800"', "{", ""])
def test_hostile_body_with_a_right_checksum_is_unreadable(body: str) -> None:
    assert len(refused(sealed(body))) < 300


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1", "1.5", "true", '"1"', "null", "9" * 400]
)
@pytest.mark.parametrize("field", ["lost", "tied", "won", "unscored", "worst_window"])
def test_count_that_is_no_whole_number_from_zero_to_ten_million_is_unreadable(field: str, number: str) -> None:
    body = json.dumps(body_of(FULL) | {"pairs": "HERE"})
    pairs = ",".join(f'"{f.name}":{number if f.name == field else 0}' for f in dataclasses.fields(Pairs))
    message = refused(sealed(body.replace('"HERE"', f"{{{pairs}}}")))
    assert "not valid" in message
    assert len(message) < 300


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-0.5", "1e13"])
def test_seconds_must_be_a_finite_number(number: str) -> None:
    body = json.dumps(body_of(FULL)).replace("61.25", number)
    assert "not valid" in refused(sealed(body))


def test_numbers_at_their_limits_are_read_and_one_more_is_not() -> None:
    most = Side(passed=MAX_COUNT, failed=0)
    report = replace(
        FIRST_GOOD,
        canary=most,
        probes_seen=MAX_COUNT,
        usage=Usage(calls=MAX_USAGE, prompt_tokens=MAX_USAGE, seconds=float(MAX_USAGE)),
    )
    assert decode(encode(report)) == report
    for more in (
        replace(report, canary=Side(passed=MAX_COUNT + 1)),
        replace(report, usage=Usage(calls=MAX_USAGE + 1)),
        replace(report, identity=replace(PAIRED, step=-2)),
        replace(report, identity=replace(PAIRED, attempt=-1)),
    ):
        refused(encode(more))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("pairs"), "it: missing keys ['pairs'], unknown keys []"),
        (lambda r: r.update(verdict="Passed"), "it: missing keys [], unknown keys ['verdict']"),
        (lambda r: r["pairs"].pop("unscored"), "pairs: missing keys ['unscored'], unknown keys []"),
        (lambda r: r["pairs"].update(extra=1), "pairs: missing keys [], unknown keys ['extra']"),
        (lambda r: r.update(pairs=[]), "pairs: found [], allowed is an object"),
        (lambda r: r["identity"].update(step="0"), "identity.step: found 0, allowed is a whole number from -1 to"),
        (lambda r: r["identity"].update(attempt=-1), "identity.attempt: found -1, allowed is 0 or more"),
        (lambda r: r["identity"].update(gate=7), "identity.gate: found 7, allowed is a text"),
        (lambda r: r.update(end="Passed"), "end: found Passed, allowed is one of Decided, Budget, Interrupted, Error"),
        (lambda r: r.update(critical={}), "critical: found {}, allowed is a list"),
        (lambda r: r.update(critical=r["critical"] * 11), "critical: found 22 items, allowed is at most 20"),
        (lambda r: r.update(worst=r["worst"] * 4), "worst: found 4 items, allowed is at most 3"),
        (lambda r: r["critical"][0].update(passed=True), "critical[].passed: found True, allowed is a whole number"),
        (lambda r: r["usage"].update(seconds="1"), "usage.seconds: found 1, allowed is a number from 0"),
    ],
)
def test_message_says_where_what_was_found_and_what_is_allowed(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    assert message in refused(changed(change))


def test_key_that_stands_there_twice_is_refused_by_name() -> None:
    twice = encode(FULL).partition("\n")[2].replace('"lost":18', '"lost":500,"lost":18')
    assert refused(sealed(twice)) == "the report's content is not valid: key 'lost' stands there twice"


def test_other_format_or_scoring_is_named() -> None:
    text = encode(FULL)
    assert refused(text.replace("report 3 1", "report 2 1")) == "the report has format 2, scoring 1; read are 3 and 1"
    assert refused(text.replace("report 3 1", "report 3 7")) == "the report has format 3, scoring 7; read are 3 and 1"
    assert refused("Traceback (most recent call last):") == (
        "not a report: it begins with 'Traceback (most recent call last):'"
    )
    assert refused(" \n") == "the report is empty"
    assert "its checksum does not match" in refused(text[:-1])


# Counts that contradict each other


@pytest.mark.parametrize(
    ("report", "path"),
    [
        (replace(GOOD, probes_seen=197), "probes_seen"),
        (replace(FIRST_GOOD, probes_seen=101), "probes_seen"),
        (replace(GOOD, critical=(Critical(probe="pay", passed=196, failed=1),)), "critical pay"),
        (replace(GOOD, canary=Side(passed=190, failed=5)), "canary"),
        (replace(GOOD, canary=Side(passed=195, failed=8)), "canary"),
        (replace(GOOD, stable=Side(passed=189, failed=6)), "stable"),
        (replace(GOOD, stable=Side(passed=190, failed=7)), "stable"),
        (replace(GOOD, canary=Side(passed=180, failed=16)), "pairs"),
        (replace(GOOD, stable=Side(passed=190, failed=6)), "pairs"),
        (replace(GOOD, canary=Side(passed=196)), "pairs.lost"),
        (replace(GOOD, stable=Side(passed=1, failed=195)), "pairs.lost"),
        (replace(GOOD, canary=Side(passed=2, failed=194)), "pairs.won"),
        (replace(GOOD, stable=Side(passed=194, failed=2)), "pairs.won"),
    ],
)
def test_counts_that_cannot_be_true_together_are_unreadable(report: Report, path: str) -> None:
    assert decode(encode(GOOD)) == GOOD
    assert f"not valid: {path}: found" in refused(encode(report))


def test_without_a_baseline_answers_need_no_pairs() -> None:
    assert decode(encode(FIRST_GOOD)) == FIRST_GOOD
