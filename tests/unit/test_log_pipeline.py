"""Owns the proof of what log pipelines do, by an oracle that knows neither agent; and of how they are asked for."""

import re
from typing import Any

import pytest

from serinus.core.fields import Fields
from serinus.core.iban import IBAN_LENGTHS
from serinus.core.log_pipeline import (
    METADATA,
    STREAM_LABELS,
    Choose,
    Count,
    Find,
    Label,
    Metadata,
    Multiline,
    Sample,
    Stage,
    pipeline,
)
from serinus.core.log_redaction import PATTERNS, Check, Pattern
from serinus.core.logs import DEFAULT_REDACT, Profile, Redact, profile_of
from serinus.core.logspec import parse_logs
from serinus.core.model import InvalidSpec
from serinus.core.runtime import LogFormat
from tests.golden import log_profiles
from tests.support import log_corpus, log_oracle

EVERYTHING = [Profile(parser=parser, sample_percent=10) for parser in LogFormat]
PLACE = {"namespace": "team-a", "llmservice": "chat", "pod": "chat-0", "job": "x", "filename": "/var/log/pods/x"}


def parse(native: LogFormat = LogFormat.TEXT, **logs: Any) -> Profile:
    return parse_logs(Fields(logs, "spec.monitoring.logs"), native)


def redacted(line: str, *redact: Redact) -> str:
    profile = Profile(parser=LogFormat.JSON, redact=tuple(r for r in Redact if r in (redact or tuple(Redact))))
    return log_oracle.run(pipeline(profile), [line], {})[0].line


@pytest.mark.parametrize("name", log_corpus.NAMES)
def test_no_planted_text_is_left_and_harmless_lines_are_as_they_were(name: str) -> None:
    entries = log_oracle.run(pipeline(log_corpus.profile(name)), log_corpus.lines(name), PLACE)
    told = "\n".join(f"{e.labels} {e.metadata} {e.counted}" for e in entries)
    text = "\n".join(e.line for e in entries)

    assert [secret for secret in log_corpus.planted() if secret in text or secret in told] == []
    assert [line for line in log_corpus.harmless(name) if line not in text.split("\n")] == []


def test_every_planted_text_is_in_a_corpus() -> None:
    text = "\n".join(line for name in log_corpus.NAMES for line in log_corpus.lines(name))

    assert [secret for secret in log_corpus.planted() if secret not in text] == []


@pytest.mark.parametrize("left_out", Redact)
def test_a_class_that_is_not_redacted_leaks(left_out: Redact) -> None:
    """Without its patterns something planted stays: the corpora would see a class that redacts nothing."""
    some = tuple(r for r in Redact if r is not left_out)
    text = ""
    for name in log_corpus.NAMES:
        stages = pipeline(log_corpus.profile(name, redact=some))
        text += "\n".join(e.line for e in log_oracle.run(stages, log_corpus.lines(name), {}))

    assert [secret for secret in log_corpus.planted() if secret in text]


@pytest.mark.parametrize("profile", EVERYTHING, ids=lambda p: p.name)
def test_stages_stand_in_the_order_parse_redact_measure_label_sample(profile: Profile) -> None:
    ranks = [_rank(stage) for stage in pipeline(profile) if _rank(stage)]

    assert ranks == sorted(ranks)
    assert set(ranks) == {1, 2, 3, 4, 5}


def _rank(stage: Stage) -> int:
    match stage:
        case Choose(target="level"):
            return 1
        case Pattern():
            return 2
        case Count():
            return 3
        case Label(names=("level",)) | Metadata():
            return 4
        case Sample():
            return 5
        case _:
            return 0


@pytest.mark.parametrize("name", log_corpus.NAMES)
def test_labels_are_few_and_metadata_is_words_and_hex_numbers(name: str) -> None:
    place = dict.fromkeys(STREAM_LABELS[:-1], "x") | {"pod": "p", "container": "c", "job": "j", "filename": "f"}
    for entry in log_oracle.run(pipeline(log_corpus.profile(name)), log_corpus.lines(name), place):
        assert entry.labels.keys() == set(STREAM_LABELS)
        assert entry.labels["level"] in {"debug", "info", "warning", "error", "critical", "unknown"}
        assert entry.metadata.keys() <= set(METADATA)
        assert all(re.fullmatch(r"[a-z_]+|[0-9a-f]{32}", value) for value in entry.metadata.values())
        assert all(labels.keys() == set(STREAM_LABELS[:-1]) for labels in entry.counted.values())


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('{"level":"info","msg":"x"}', False),
        ('{"level":"debug","msg":"x"}', False),
        ('{"level":"warning","msg":"x"}', True),
        ('{"level":"error","msg":"x"}', True),
        ('{"level":"FATAL","msg":"x"}', True),
        ('{"level":"info","msg":"x","flagged":true}', True),
        ('{"level":"info","msg":"x","flagged":false}', False),
        ('{"level":"info","finish_reason":"content_filter"}', True),
        ('{"level":"info","finish_reason":"stop"}', False),
        ('{"level":"info","status":503}', True),
        ('{"level":"info","status":200}', False),
        ("Traceback (most recent call last):", True),
        ("no level at all", True),
    ],
)
def test_sampling_spares_what_failed_what_was_flagged_and_what_has_no_level(line: str, kept: bool) -> None:
    profile = Profile(parser=LogFormat.JSON, sample_percent=1)

    assert (log_oracle.run(pipeline(profile), [line], {})[0].droppable == 1.0) is kept


def test_a_whole_sample_has_no_stage_that_drops() -> None:
    assert not [s for s in pipeline(Profile()) if isinstance(s, Sample)]


def test_lines_of_a_traceback_belong_to_the_line_before_them() -> None:
    lines = ["INFO 11-21 10:00:00 a", "Traceback (most recent call last):", "  File x", "ERROR 11-21 10:00:00 b"]

    entries = log_oracle.run(pipeline(Profile()), lines, {})

    assert [(e.labels["level"], e.line.count("\n")) for e in entries] == [("error", 2), ("error", 0)]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "378282246310005",
        "30569309025904",
        "6011111111111117",
        "4111-1111-1111-1111",
        "4111 1111 1111 1111",
        "3782 822463 10005",
        "see\\n4242424242424242",
        "card=5555555555554444,",
    ],
)
def test_cards_are_taken_out(text: str) -> None:
    assert re.sub(r"<redacted:card>", "", redacted(text, Redact.CARD)).count("1") <= 0
    assert "<redacted:card>" in redacted(text, Redact.CARD)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "1763719218123456789",
        "0.4111111111111111",
        "1111 1111 1111 1111",
        "411111111111",
        "41111111111111111111",
        "sha256:4111111111111111aa",
        "9b4111111111111111",
    ],
)
def test_numbers_that_are_no_cards_stay(text: str) -> None:
    assert redacted(text, Redact.CARD) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DE89370400440532013000", True),
        ("de89 3704 0044 0532 0130 00", True),
        ("GB82WEST12345698765432", True),
        ("NO9386011117947", True),
        ("DE89370400440532013001", False),
        ("DE8937040044053201300", False),
        ("XX89370400440532013000", False),
        ("be0102030405060708090a0b0c0d0e0f", False),
    ],
)
def test_ibans_are_known_by_country_length_and_checksum(text: str, found: bool) -> None:
    assert ("<redacted:iban>" in redacted(text, Redact.IBAN)) is found


def test_the_registry_has_each_country_once() -> None:
    countries = [country for found in IBAN_LENGTHS.values() for country in found]

    assert len(countries) == len(set(countries)) > 70


def test_a_redacted_line_stays_as_it_is_in_a_second_pass() -> None:
    for name in log_corpus.NAMES:
        once = [e.line for e in log_oracle.run(pipeline(log_corpus.profile(name)), log_corpus.lines(name), {})]
        stages = [s for s in pipeline(log_corpus.profile(name)) if isinstance(s, Pattern)]
        assert [e.line for e in log_oracle.run(stages, once, {})] == once


def expressions() -> list[str]:
    found = [p.expression for p in PATTERNS]
    for stage in (s for profile in EVERYTHING for s in pipeline(profile)):
        if isinstance(stage, Find):
            found.append(stage.expression)
        if isinstance(stage, Multiline):
            found.append(stage.first)
    return sorted(set(found))


OUTSIDE = re.compile(
    r"\(\?(?![:P]|[ims]+\)|i:)|\(\?P[=>]|\\[1-9ABGKQRXZhvz]|[*+?}][+]|\\[swdSWD]|\$(?=.*[^)|])|\{[0-9]{4,}|&&|\[\["
)


@pytest.mark.parametrize("expression", expressions())
def test_patterns_use_what_re2_and_python_read_the_same_way(expression: str) -> None:
    plain = re.sub(r"\$(?=[)|]|$)", "", expression.replace(r"\(", "L"))
    assert OUTSIDE.search(plain) is None, OUTSIDE.search(plain)
    assert expression.isascii()
    re.compile(expression, re.ASCII)


@pytest.mark.parametrize(
    "wrong", ["(?=a)", "(?<!a)b", r"(a)\1", "a++", r"\Aa", r"\d", "(?>a)", "(?P=x)", "a{1001}", "[[a]"]
)
def test_what_re2_lacks_or_reads_differently_is_seen(wrong: str) -> None:
    assert OUTSIDE.search(wrong) is not None


def test_every_pattern_replaces_a_group_and_names_none() -> None:
    for pattern in PATTERNS:
        compiled = re.compile(pattern.expression, re.ASCII)
        assert compiled.groups >= 1
        assert not compiled.groupindex
        assert pattern.check in Check


@pytest.mark.parametrize("name", log_corpus.NAMES)
def test_long_lines_take_no_long_time(name: str) -> None:
    """Python backtracks where RE2 does not: a pattern that explodes here would only be slow there."""
    line = "".join(log_corpus.lines(name))[:4000]

    assert redacted(line * 2)


def test_defaults_and_auto_take_the_runtimes_format() -> None:
    assert parse(LogFormat.JSON) == Profile(parser=LogFormat.JSON, redact=tuple(Redact), sample_percent=100)
    assert set(DEFAULT_REDACT) == set(Redact)
    assert parse(LogFormat.JSON, parser="logfmt").parser is LogFormat.LOGFMT


def test_the_order_of_the_spec_makes_no_other_profile() -> None:
    assert parse(redact=["prompt", "email"]) == parse(redact=["email", "prompt"])
    assert parse(redact=[]).name == "text-none-100"


@pytest.mark.parametrize(
    ("logs", "path"),
    [
        ({"parser": "xml"}, "spec.monitoring.logs.parser"),
        ({"redact": ["email", "names"]}, "spec.monitoring.logs.redact[1]"),
        ({"redact": ["email", "email"]}, "spec.monitoring.logs.redact"),
        ({"redact": "email"}, "spec.monitoring.logs.redact"),
        ({"samplePercent": 0}, "spec.monitoring.logs.samplePercent"),
        ({"samplePercent": 101}, "spec.monitoring.logs.samplePercent"),
        ({"samplePercent": "all"}, "spec.monitoring.logs.samplePercent"),
    ],
)
def test_a_field_that_cannot_be_acted_on_is_refused_with_its_path(logs: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse(**logs)

    assert caught.value.path == path
    assert "allowed" in caught.value.message


def test_a_profile_is_read_back_from_its_name() -> None:
    for profile in (*EVERYTHING, *log_profiles.PROFILES, Profile(redact=(Redact.CARD,), sample_percent=1)):
        assert profile_of(profile.name) == profile
        assert len(profile.name) <= 63
    for wrong in (
        "",
        "xml-card-100",
        "text-card-101",
        "text-card-0",
        "text-names-5",
        "text-email-card-secret-5",
        "text-100",
    ):
        assert profile_of(wrong) is None


def test_goldens_of_log_pipelines_are_fresh_and_a_stale_one_is_seen() -> None:
    wanted = log_profiles.goldens()

    assert log_profiles.differences(wanted) == []
    path = min(wanted)
    assert log_profiles.differences({**wanted, path: "x"}) == [f"{path.name}: stale"]
    assert log_profiles.differences({k: v for k, v in wanted.items() if k != path}) == [
        f"{path.name}: rendered by nothing"
    ]
