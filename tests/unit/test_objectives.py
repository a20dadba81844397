"""Owns the proof of which objectives are generated, what is said of the others, and how many rules they are."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from serinus.core import promql
from serinus.core.alertfile import parse_alerts
from serinus.core.fields import Fields
from serinus.core.model import AlertOverride, InvalidSpec, Monitoring, Service
from serinus.core.slo import Slo, Window, hours, sets_edges
from serinus.core.slospec import parse_slos
from serinus.resources import objectives, prometheus_rule
from serinus.resources.context import Context
from tests.alerts import cases
from tests.golden import render

TTFT = Slo(name="fast", signal="ttft", objective=Decimal("0.99"), window=Window.FOUR_WEEKS, threshold=Decimal("2.5"))
UP = Slo(name="up", signal="availability", objective=Decimal("0.999"), window=Window.FOUR_WEEKS)
GOOD = Slo(name="good", signal="quality", objective=Decimal("0.95"), window=Window.WEEK)
BURNS = {a.name: a.burn for g in render.library().alerts for a in g.alerts if a.burn}
MOST_RULES = 45
"""Rules of its own that a service with three objectives may have, whatever else it has."""


def context(*slos: Slo, **changes: Any) -> Context:
    base = cases.context()
    return replace(base, service=replace(base.service, slos=slos, **changes))


def rules(of: Context) -> list[dict[str, Any]]:
    return [r for m in prometheus_rule.build(of) for g in m["spec"]["groups"] for r in g["rules"]]


def about_objectives(of: Context) -> list[dict[str, Any]]:
    groups = [g for m in prometheus_rule.build(of) for g in m["spec"]["groups"]]
    return [r for g in groups if g["name"] in (objectives.FAST_GROUP, objectives.SLOW_GROUP) for r in g["rules"]]


def parsed(**slo: Any) -> Slo:
    [found] = parse_slos(Fields({"slos": [{"name": "x", **slo}]}, "spec"))
    return found


def said(of: Context) -> tuple[str, str]:
    [problem] = objectives.problems(of)
    return problem.reason, problem.message


def test_a_service_with_three_objectives_and_every_output_has_few_rules_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    most, example = cases.cluster(), render.context("vllm")
    assert len(most.service.slos) == len(objectives.countable(most)) == 3
    own = rules(most)

    recorded, plain = sum("record" in rule for rule in own), len(rules(example))
    with capsys.disabled():
        print(
            f"\n3 objectives: at most {MOST_RULES} rules; with every observer and prices {len(own)}: {recorded} record,"
        )
        print(f"{len(own) - recorded} are alerts; the example has {plain}")
    assert plain < len(own) <= MOST_RULES
    assert {r["record"] for r in own if "record" in r} >= {objectives.ratio(w) for w in ("5m", "30m", "1h", "2h")}
    assert [a.name for a in cases.alerts().values() if not a.burn and not has(own, a.name)] == [
        a.name for g in most.alerts for a in g.alerts if a.shared or a.name in prometheus_rule.covered_alerts(most)
    ]


def has(found: list[dict[str, Any]], alert: str) -> bool:
    return any(rule.get("alert") == alert for rule in found)


def test_each_window_has_its_ratio_and_its_alert_for_all_objectives_and_each_objective_its_counts() -> None:
    own = about_objectives(context(TTFT, UP))
    names = [rule.get("record") for rule in own]

    for window in (*objectives.FAST_WINDOWS, *objectives.SLOW_WINDOWS):
        assert names.count(objectives.ratio(window)) == 1
    for name in (objectives.REQUESTS, objectives.ERRORS):
        assert [r["labels"]["slo"] for r in own if r.get("record") == name] == ["fast", "up"]
    assert [names.count(name) for name in (objectives.LIMIT, objectives.BUDGET, None)] == [1, 1, 4]


@pytest.mark.parametrize(
    ("window", "factors"),
    [
        (Window.MONTH, ("14.4", "6", "3", "1")),
        (Window.FOUR_WEEKS, ("13.44", "5.6", "2.8", "1")),
        (Window.WEEK, ("3.36", "1.4", "1", "1")),
    ],
)
def test_factors_are_those_of_the_workbook_scaled_to_the_window(window: Window, factors: tuple[str, ...]) -> None:
    names = ("LLMSloBurn1h", "LLMSloBurn6h", "LLMSloBurn1d", "LLMSloBurn3d")
    found = [burn.factor(window) for name in names if (burn := BURNS[name])]

    assert [promql.number(factor) for factor in found] == list(factors)


def test_an_alert_that_could_never_fire_is_not_made() -> None:
    loose = replace(UP, objective=Decimal("0.9"), window=Window.MONTH)  # 14.4 times a tenth is more than all

    found = {r["alert"] for r in about_objectives(context(loose)) if "alert" in r}
    assert found == {"LLMSloBurn6h", "LLMSloBurn1d", "LLMSloBurn3d"}


def test_a_threshold_between_two_edges_is_named_with_both_and_the_flag_and_never_snapped() -> None:
    of = context(replace(TTFT, threshold=Decimal(3)), UP)

    reason, message = said(of)
    assert reason == "ThresholdNotABucketEdge"
    assert message.startswith("spec.slos[name=fast].thresholdDuration: found 3s, allowed is an edge")
    assert "the nearest are 2.5s and 5s; --custom-histogram-buckets of vLLM sets others" in message
    assert {r["labels"]["slo"] for r in about_objectives(of) if "slo" in r.get("labels", {})} == {"up"}
    assert not any('"fast"' in r["expr"] for r in about_objectives(of))


@pytest.mark.parametrize(("threshold", "nearest"), [("0.0001", "are 0.001s;"), ("3000", "are 2560s;")])
def test_a_threshold_outside_all_edges_has_one_that_is_nearest(threshold: str, nearest: str) -> None:
    assert nearest in said(context(replace(TTFT, threshold=Decimal(threshold))))[1]


@pytest.mark.parametrize("args", [["--custom-histogram-buckets=x"], ["serve", "--custom-histogram-buckets", "x"]])
def test_who_sets_the_edges_by_the_flag_may_have_any_threshold(args: list[str]) -> None:
    service = cases.context().service
    assert service.workload is not None
    template = {"spec": {"containers": [{"name": "server", "args": args}]}}
    of = context(replace(TTFT, threshold=Decimal(3)), workload=replace(service.workload, template=template))

    assert objectives.problems(of) == ()
    assert any(r'le=~"3(\\.0)?"' in r["expr"] for r in about_objectives(of))
    assert any("slo_errors" in r.get("record", "") for r in about_objectives(of))


@pytest.mark.parametrize(
    ("runtime", "signal", "container", "sets"),
    [
        ("dynamo", "ttft", {"env": [{"name": "DYN_METRICS_TTFT_MAX", "value": "60"}]}, True),
        ("dynamo", "ttft", {"env": [{"name": "DYN_METRICS_ITL_MAX", "value": "60"}]}, False),
        ("dynamo", "ttft", {"env": [{"name": "DYN_METRICS_TTFT_{MIN,MAX,COUNT}", "value": "60"}]}, False),
        ("sglang", "ttft", {"args": ["--bucket-time-to-first-token", "0.05", "0.1"]}, True),
        ("sglang", "e2e_latency", {"args": ["--bucket-time-to-first-token", "0.05", "0.1"]}, False),
        ("sglang", "queue", {"args": ["", "--bucket-time-to-first-token=1"]}, False),
    ],
)
def test_the_flag_of_each_runtime_is_found_where_it_stands(
    runtime: str, signal: str, container: dict[str, Any], sets: bool
) -> None:
    flag = render.library().runtimes[runtime].signals[signal].buckets_flag

    assert sets_edges({"spec": {"containers": [{"name": "server", **container}]}}, flag) is sets


@pytest.mark.parametrize(
    ("runtime", "slo", "lacks"),
    [
        ("tgi", TTFT, "llm:ttft_seconds_bucket:rate5m"),
        ("llamacpp", replace(TTFT, signal="e2e_latency"), "llm:e2e_latency_seconds_bucket:rate5m"),
        ("llamacpp", UP, "llm:request_errors:rate5m"),
        ("ollama", UP, "llm:request_errors:rate5m"),
        ("triton-tensorrtllm", TTFT, "llm:ttft_seconds_bucket:rate5m"),
    ],
)
def test_a_signal_that_the_runtime_does_not_have_is_named_and_that_objective_alone_is_missing(
    runtime: str, slo: Slo, lacks: str
) -> None:
    of = context(slo, GOOD, runtime=render.library().runtimes[runtime])

    reason, message = said(of)
    assert reason == "SignalNotAvailable"
    assert message.startswith(f"{slo.path}.signal: found {slo.signal}, for which ")
    assert lacks in message
    assert [found.name for found in objectives.countable(of)] == ["good"]


def test_cost_needs_a_price_of_the_model() -> None:
    cost = replace(TTFT, name="cheap", signal="cost_per_request", threshold=Decimal("0.01"))
    of = context(cost)

    assert objectives.problems(of) == ()
    unpriced = replace(of, settings=replace(of.settings, prices={}))
    assert said(unpriced)[0] == "SignalNotAvailable"


def test_requests_that_finished_count_where_arrivals_are_a_gap() -> None:
    cost = replace(TTFT, name="cheap", signal="cost_per_request", threshold=Decimal("0.01"))
    of = context(cost, UP, runtime=render.library().runtimes["trtllm-serve"])

    counted = [r["expr"] for r in about_objectives(of) if r.get("record") == objectives.REQUESTS]
    assert all("llm:requests_finished:rate5m" in expr and "requests_arrived" not in expr for expr in counted)
    assert len(counted) == 2


def test_an_observer_that_the_catalogue_does_not_have_brings_no_alert() -> None:
    of = context()
    unknown = replace(of, settings=replace(of.settings, observers=("gone",)))

    assert {"LLMGpuXid", "LLMFallbacksHigh"} <= prometheus_rule.unavailable_alerts(unknown)


@pytest.mark.parametrize("span", ["", "5", "0h", "1w", "1h30m"])
def test_a_window_in_another_form_is_refused(span: str) -> None:
    with pytest.raises(ValueError, match="allowed is"):
        hours(span)


def test_a_score_is_no_threshold_of_answers_that_are_counted_as_passed_or_not() -> None:
    reason, message = said(context(replace(GOOD, threshold=Decimal(80))))

    assert (reason, message[:50]) == ("ThresholdNotSupported", "spec.slos[name=good].thresholdPercent: found 80, a")


@pytest.mark.parametrize(
    ("slo", "path", "found"),
    [
        ({"signal": "speed", "objectivePercent": 99}, "signal", "found 'speed', allowed are ttft"),
        ({"signal": "availability"}, "objectivePercent", "is required"),
        ({"signal": "availability", "objectivePercent": 100}, "objectivePercent", "found 100, allowed is from 1"),
        ({"signal": "availability", "objectivePercent": "99"}, "objectivePercent", "found '99'"),
        ({"signal": "availability", "objectivePercent": float("nan")}, "objectivePercent", "found nan"),
        ({"signal": "availability", "objectivePercent": 99, "window": "1d"}, "window", "found '1d', allowed are 7d"),
        (
            {"signal": "availability", "objectivePercent": 99, "thresholdValue": 1},
            "thresholdValue",
            "found, allowed is no",
        ),
        ({"signal": "ttft", "objectivePercent": 99}, "thresholdDuration", "is required"),
        ({"signal": "ttft", "objectivePercent": 99, "thresholdDuration": "2 s"}, "thresholdDuration", "found '2 s'"),
        ({"signal": "ttft", "objectivePercent": 99, "thresholdDuration": "25h"}, "thresholdDuration", "found '25h'"),
        ({"signal": "ttft", "objectivePercent": 99, "thresholdDuration": "0s"}, "thresholdDuration", "found '0s'"),
        (
            {"signal": "ttft", "objectivePercent": 99, "thresholdPercent": 1},
            "thresholdPercent",
            "found, allowed is thr",
        ),
        ({"signal": "cost_per_request", "objectivePercent": 99}, "thresholdValue", "is required"),
        ({"signal": "quality", "objectivePercent": 99, "name": ""}, "name", "found 0 characters"),
    ],
)
def test_an_objective_that_cannot_be_meant_is_refused_by_its_field(slo: dict[str, Any], path: str, found: str) -> None:
    with pytest.raises(InvalidSpec) as raised:
        parsed(**slo)

    assert raised.value.path == f"spec.slos[0].{path}"
    assert raised.value.message.startswith(found)


def test_two_objectives_of_one_name_are_refused() -> None:
    one = {"name": "x", "signal": "quality", "objectivePercent": 90}
    with pytest.raises(InvalidSpec, match="found 'x' twice"):
        parse_slos(Fields({"slos": [one, one]}, "spec"))


def test_percentages_stay_as_they_were_written() -> None:
    assert parsed(signal="availability", objectivePercent=99.95).budget == Decimal("0.0005")
    assert parsed(signal="ttft", objectivePercent=99, thresholdDuration="2500ms").threshold == Decimal("2.5")
    assert parsed(signal="quality", objectivePercent=90, thresholdPercent=70).threshold == Decimal(70)


@pytest.mark.parametrize("text", ["{{ $value }}", '"} or up{x="', "a\nb", "back\\slash", "x" * 253, "`t` $service"])
def test_no_text_of_a_user_leaves_its_place_in_any_rule(text: str) -> None:
    base = cases.context().service
    hostile: Service = replace(
        base,
        namespace=text,
        name=text,
        model=text,
        owner=replace(base.owner, team=text, runbook=f"https://wiki/{text}"),
        slos=(replace(TTFT, name=text), replace(UP, name=f"{text}-up"), replace(GOOD, name=f"{text}-good")),
    )
    wanted = promql.scope(text, text)

    found = rules(replace(cases.context(), service=hostile))
    assert len(found) > 50
    for rule in found:
        promql.require_matchers(promql.check(rule["expr"]), wanted)
        if "alert" in rule and "{{" in text:
            assert "{{ $value }}" not in rule["labels"]["llmservice"]


def test_a_disabled_alert_that_gates_rest_on_stays_and_is_named() -> None:
    quiet = Monitoring(interval="15s", disabled=frozenset({"LLMProbesBroken", "LLMQueueGrowing"}))
    of = context(monitoring=quiet)

    [message] = prometheus_rule.guarded_alerts(of)
    assert message.startswith(
        "spec.alerts.disabled: found 'LLMProbesBroken', allowed is an alert that no gate rests on"
    )
    names = {rule.get("alert") for rule in rules(of)}
    assert ("LLMProbesBroken" in names, "LLMQueueGrowing" in names) == (True, False)
    assert prometheus_rule.guarded_alerts(replace(of, service=replace(of.service, gates=()))) == ()


def test_alerts_on_continuous_probing_are_there_only_with_it_and_wait_three_turns() -> None:
    of = context()
    without = replace(of.service, gates=tuple(replace(g, every=0) for g in of.service.gates))
    seldom = replace(of.service, gates=tuple(replace(g, every=4 * 3600) for g in of.service.gates))

    names = {rule.get("alert") for rule in rules(replace(of, service=without))}
    assert not names & {"LLMQualityDrop", "LLMQualityDrift", "LLMProbesStale"}
    held = {r["alert"]: r["for"] for r in rules(replace(of, service=seldom)) if "alert" in r}
    assert (held["LLMProbesStale"], held["LLMQualityDrift"]) == ("12h", "0s")


@pytest.mark.parametrize(
    ("slo", "covered"),
    [
        (UP, {"LLMErrorRatioHigh"}),
        (TTFT, {"LLMFirstTokenLatencyHigh"}),
        (replace(TTFT, signal="itl", threshold=Decimal("0.1")), {"LLMInterTokenLatencyHigh"}),
        (replace(TTFT, signal="tpot", threshold=Decimal("0.1")), {"LLMTokenTimeHigh"}),
        (replace(TTFT, signal="e2e_latency", threshold=Decimal(60)), {"LLMRequestLatencyHigh"}),
        (replace(TTFT, signal="queue", threshold=Decimal(5)), {"LLMQueueTimeHigh"}),
        (GOOD, set()),
        (replace(TTFT, threshold=Decimal(3)), set()),  # no edge: there is no such objective
    ],
)
def test_an_objective_stands_for_the_alert_on_the_same_symptom_unless_that_is_overridden(
    slo: Slo, covered: set[str]
) -> None:
    plain = context(slo, monitoring=Monitoring(interval="15s"))
    asked = Monitoring(interval="15s", overrides={name: AlertOverride() for name in covered})

    assert prometheus_rule.covered_alerts(plain) == covered
    assert {n for n in cases.alerts() if cases.alerts()[n].covered_by and not has(rules(plain), n)} == covered
    assert prometheus_rule.left_out(plain) == (f"objectives stand for {covered.copy().pop()}" if covered else "")
    assert all(has(rules(context(slo, monitoring=asked)), name) for name in covered)


def test_an_objective_that_pages_nobody_stands_for_no_alert() -> None:
    burns = frozenset({"LLMSloBurn1h", "LLMSloBurn6h"})
    quieter = {name: AlertOverride(severity="warning") for name in burns}

    for monitoring in (Monitoring(interval="15s", disabled=burns), Monitoring(interval="15s", overrides=quieter)):
        assert prometheus_rule.covered_alerts(context(UP, monitoring=monitoring)) == frozenset()
    loose = replace(UP, objective=Decimal("0.5"))  # nothing burns a budget of a half so fast
    assert prometheus_rule.covered_alerts(context(loose, monitoring=Monitoring(interval="15s"))) == frozenset()


def test_a_burn_rate_has_no_threshold_to_override_but_a_severity() -> None:
    overrides = {"LLMSloBurn1h": AlertOverride(threshold="2"), "LLMSloBurn6h": AlertOverride(severity="warning")}
    of = context(UP, monitoring=Monitoring(interval="15s", overrides=overrides))

    [message] = prometheus_rule.override_problems(of)
    assert message.startswith("spec.alerts.overrides[alert=LLMSloBurn1h].threshold: found '2', allowed is none")
    severities = {r["alert"]: r["labels"]["severity"] for r in about_objectives(of) if "alert" in r}
    assert (severities["LLMSloBurn1h"], severities["LLMSloBurn6h"]) == ("critical", "warning")


def test_a_regex_with_backslashes_in_the_data_of_an_alert_reaches_prometheus_as_it_is() -> None:
    data = {
        "name": "LLMTest",
        "expr": r'up{$service,path=~"/v1\\.0/.+\\d"} == 0',
        "for": "0s",
        "severity": "info",
        "summary": "s",
        "description": "d",
        "runbook": "llmtest",
    }
    group = parse_alerts({"group": "test", "alerts": [data]}, "test.yaml")
    base = context()

    found = [r["expr"] for r in rules(replace(base, alerts=(group,))) if r.get("alert") == "LLMTest"]
    assert found == [r'up{namespace="team-a",llmservice="chat",path=~"/v1\\.0/.+\\d"} == 0']


def test_without_objectives_there_is_no_group_of_them() -> None:
    assert about_objectives(context()) == []
