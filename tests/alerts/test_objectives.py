"""Owns the proof, by promtool, that objectives count what they say and page for a burn rate and for nothing less."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from serinus.core.model import Manifest
from serinus.core.slo import STEP, Slo, Window
from serinus.resources import prometheus_rule
from tests.alerts import cases, promtool

OWN = f'{cases.LIVE},revision="r8d21bb77f0",source="engine"'
CANARY = f'{cases.LIVE},revision="r5f9c1a03be",source="engine"'
GATEWAY = f'{cases.CHAT},model="llama-3.1-8b",runtime="litellm",role="router",source="gateway"'
TTFT = Slo(name="first-token", signal="ttft", objective=Decimal("0.99"), window=Window.MONTH, threshold=Decimal("2.5"))
UP = Slo(name="up", signal="availability", objective=Decimal("0.999"), window=Window.MONTH)
ANSWERS = Slo(name="answers", signal="quality", objective=Decimal("0.95"), window=Window.WEEK)
COST = Slo(
    name="cheap", signal="cost_per_request", objective=Decimal("0.9"), window=Window.MONTH, threshold=Decimal("0.01")
)


def built(*slos: Slo) -> Manifest:
    """The groups of the objectives alone."""
    context = cases.context()
    [rule] = prometheus_rule.build(replace(context, service=replace(context.service, slos=slos)))
    groups = [g for g in rule["spec"]["groups"] if g["name"].startswith("objectives")]
    return {**rule, "spec": {"groups": groups}}


def judge(rule: Manifest, series: dict[str, str], folder: Path, **wanted: Any) -> str:
    """Evaluate every STEP seconds, as the group says, over samples of every minute."""
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return promtool.test(rule, [{"interval": "1m", "input_series": inputs, **wanted}], folder, interval=f"{STEP}s")


def value(expr: str, at: str, number: float, slo: str) -> dict[str, Any]:
    labels = f'{{{cases.CHAT},slo="{slo}"}}'
    return {"expr": f"round({expr}, 1e-6)", "eval_time": at, "exp_samples": [{"labels": labels, "value": number}]}


def counts(slo: str, at: str, *, requests: float, errors: float) -> list[dict[str, Any]]:
    return [
        value("llm:slo_requests:rate5m", at, requests, slo),
        value("llm:slo_errors:rate5m", at, errors, slo),
        value("llm:slo_error:ratio5m", at, round(errors / requests, 6), slo),
    ]


def edges(labels: str, *, good: str, total: str, edge: str = "2.5") -> dict[str, str]:
    name = "llm:ttft_seconds_bucket:rate5m"
    return {f'{name}{{{labels},le="{edge}"}}': good, f'{name}{{{labels},le="+Inf"}}': total}


def test_a_latency_counts_what_is_over_the_edge_in_all_revisions_and_no_gateways_view(tmp_path: Path) -> None:
    series = {
        **edges(OWN, good="9x10", total="10x10"),
        **edges(CANARY, good="1x10", total="2x10"),
        **edges(GATEWAY, good="0+0x10", total="12x10"),
    }

    wanted = counts("first-token", "5m", requests=12, errors=2)
    assert judge(built(TTFT), series, tmp_path, promql_expr_test=wanted) == ""


@pytest.mark.parametrize("edge", ["5", "5.0"])
def test_an_edge_is_found_as_any_client_library_writes_it(edge: str, tmp_path: Path) -> None:
    series = edges(OWN, good="3x10", total="4x10", edge=edge)

    wanted = counts("first-token", "5m", requests=4, errors=1)
    assert judge(built(replace(TTFT, threshold=Decimal(5))), series, tmp_path, promql_expr_test=wanted) == ""


def test_availability_leaves_out_what_is_not_the_servers_fault(tmp_path: Path) -> None:
    errors = {"server": "0.2x10", "overload": "0.3x10", "client": "5x10", "cancelled": "7x10"}
    series = {f'llm:request_errors:rate5m{{{OWN},error_class="{c}"}}': v for c, v in errors.items()}
    series[f"llm:requests_arrived:rate5m{{{OWN}}}"] = "10x10"

    wanted = counts("up", "5m", requests=10, errors=0.5)
    assert judge(built(UP), series, tmp_path, promql_expr_test=wanted) == ""


@pytest.mark.parametrize(("failed", "errors"), [("0+6x20", 0.1), (None, 0)])
def test_quality_counts_answers_and_none_wrong_is_zero(failed: str | None, errors: float, tmp_path: Path) -> None:
    name = f'serinus_probe_answers_total{{{cases.CHAT},gate="support",pass='
    series = {f'{name}"true"}}': "0+54x20"} | ({f'{name}"false"}}': failed} if failed else {})

    wanted = counts("answers", "10m", requests=0.9 + errors, errors=errors)
    assert judge(built(ANSWERS), series, tmp_path, promql_expr_test=wanted) == ""


def test_cost_counts_requests_of_revisions_that_are_too_dear_and_none_that_have_no_price(tmp_path: Path) -> None:
    unpriced = CANARY.replace("r5f9c1a03be", "r77aa01c2d4")
    series = {
        f"llm:requests_arrived:rate5m{{{OWN}}}": "8x10",
        f"llm:requests_arrived:rate5m{{{CANARY}}}": "2x10",
        f"llm:requests_arrived:rate5m{{{unpriced}}}": "5x10",
        f"llm:cost_per_request_usd:mean5m{{{OWN}}}": "0.008x10",
        f"llm:cost_per_request_usd:mean5m{{{CANARY}}}": "0.02x10",
    }

    wanted = counts("cheap", "5m", requests=10, errors=2)
    assert judge(built(COST), series, tmp_path, promql_expr_test=wanted) == ""


def fired(at: str, *slos: str, alert: str = "LLMSloBurn1h") -> dict[str, Any]:
    """An alert for each of the objectives, whatever its texts: they are compared with the rule's in the cases."""
    expr = f'count by (slo) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {"expr": expr, "eval_time": at, "exp_samples": [{"labels": f'{{slo="{s}"}}', "value": 1} for s in slos]}


def test_half_of_the_requests_too_slow_pages_within_the_hour_and_no_other_objective(tmp_path: Path) -> None:
    series = {
        **edges(OWN, good="10x60 5x70", total="10x130"),
        f"llm:requests_arrived:rate5m{{{OWN}}}": "10x120",
        f'llm:request_errors:rate5m{{{OWN},error_class="server"}}': "0+0x120",
    }

    wanted = [fired("60m"), fired("85m", "first-token"), value("llm:slo_error:ratio1h", "125m", 0.5, "first-token")]
    good = value('llm:slo_error:ratio1h{slo="up"}', "120m", 0, "up")
    wanted[2]["expr"] = 'round(llm:slo_error:ratio1h{slo="first-token"}, 1e-6)'
    assert judge(built(TTFT, UP), series, tmp_path, promql_expr_test=[*wanted, good]) == ""


def test_when_it_is_over_the_page_ends_with_the_short_window(tmp_path: Path) -> None:
    series = edges(OWN, good="5x90 10x60", total="10x150")

    wanted = [fired("90m", "first-token"), fired("100m")]
    assert judge(built(TTFT), series, tmp_path, promql_expr_test=wanted) == ""


def test_one_error_on_a_quiet_service_pages_nobody(tmp_path: Path) -> None:
    """Ten requests in an hour, one of them failed: a tenth of them, over 14.4 times the budget of 0.1 %."""
    one = "0+0x30 0.003333x5 0+0x60"  # one event in five minutes, as a rate
    series = {
        f"llm:requests_arrived:rate5m{{{OWN}}}": "0.002778x100",
        f'llm:request_errors:rate5m{{{OWN},error_class="server"}}': one,
    }
    busy = {**series, f"llm:requests_arrived:rate5m{{{OWN}}}": "0.05x100"}
    many = {**busy, f'llm:request_errors:rate5m{{{OWN},error_class="server"}}': "0+0x30 0.01x60"}

    assert judge(built(UP), series, tmp_path, promql_expr_test=[fired("38m")]) == ""
    assert judge(built(UP), many, tmp_path, promql_expr_test=[fired("60m", "up")]) == ""


def test_each_budget_is_that_of_its_own_window(tmp_path: Path) -> None:
    name = f'serinus_probe_answers_total{{{cases.CHAT},gate="support",pass='
    series = {
        **edges(OWN, good="9.95x60", total="10x60"),
        f'{name}"true"}}': "0+54x60",
        f'{name}"false"}}': "0+6x60",
    }

    left = "llm:slo_error_budget:remaining"
    wanted = [
        value(f'{left}{{slo="first-token"}}', "60m", 0.5, "first-token"),
        value(f'{left}{{slo="answers"}}', "60m", -1, "answers"),
    ]
    assert judge(built(TTFT, ANSWERS), series, tmp_path, promql_expr_test=wanted) == ""


def test_the_budget_that_is_left_is_1_without_errors_and_below_0_when_it_is_overspent(tmp_path: Path) -> None:
    series = {
        **edges(OWN, good="9.95x60", total="10x60"),
        f"llm:requests_arrived:rate5m{{{OWN}}}": "10x60",
        f'llm:request_errors:rate5m{{{OWN},error_class="server"}}': "0.03x60",
    }

    left = "llm:slo_error_budget:remaining"
    wanted = [
        value(f'{left}{{slo="first-token"}}', "60m", 0.5, "first-token"),
        value(f'{left}{{slo="up"}}', "60m", -2, "up"),
    ]
    assert judge(built(TTFT, UP), series, tmp_path, promql_expr_test=wanted) == ""


@pytest.mark.parametrize("name", ["a$1 b", "${x}", "$$", 'q"uote', "back\\slash", "{{ $value }}"])
def test_the_name_of_an_objective_is_text_in_its_limits_and_its_alert(name: str, tmp_path: Path) -> None:
    series = {
        f"llm:requests_arrived:rate5m{{{OWN}}}": "10x120",
        f'llm:request_errors:rate5m{{{OWN},error_class="server"}}': "1x120",
    }
    text = name.replace("\\", "\\\\").replace('"', '\\"')
    summary = f"team-a/chat: objective {name} burns its budget too fast"
    description = (
        f"In the last 1h 10% of what objective {name} counts was bad, and it goes on. The objective is 99.9 % in 30d; "
        "it will be missed within days if nobody acts."
    )
    links = cases.unit_test(next(c for c in cases.read() if c.alert == "LLMSloBurn1h"), fires=True)
    expected = links["alert_rule_test"][0]["exp_alerts"][0]
    expected["exp_labels"]["slo"] = name
    expected["exp_annotations"] |= {"summary": summary, "description": description}

    wanted = [{"eval_time": "90m", "alertname": "LLMSloBurn1h", "exp_alerts": [expected]}]
    rule = built(replace(UP, name=name))
    assert judge(rule, series, tmp_path, alert_rule_test=wanted) == ""
    limit = {"expr": 'llm:slo_error:limit{window="1h"}', "eval_time": "5m"}
    sample = {"labels": f'llm:slo_error:limit{{{cases.CHAT},slo="{text}",window="1h"}}', "value": 0.0144}
    assert judge(rule, series, tmp_path, promql_expr_test=[{**limit, "exp_samples": [sample]}]) == ""


@pytest.mark.parametrize(("requests", "fires"), [(69, False), (71, True)])
def test_a_single_bad_request_is_below_the_limit_of_any_number_of_requests(
    requests: int, fires: bool, tmp_path: Path
) -> None:
    """99.9 % in 30 days: 14.4 times a thousandth is more than one of 69 requests and less than one of 70."""
    series = {
        f"llm:requests_arrived:rate5m{{{OWN}}}": f"{requests / 3600:.8f}x90",
        f'llm:request_errors:rate5m{{{OWN},error_class="server"}}': f"{requests / 3600 / 10:.8f}x90",
    }

    wanted = [fired("80m", *(["up"] if fires else []))]
    assert judge(built(UP), series, tmp_path, promql_expr_test=wanted) == ""


def test_a_wrong_expectation_of_an_objective_is_seen(tmp_path: Path) -> None:
    series = edges(OWN, good="9x10", total="10x10")

    wanted = counts("first-token", "5m", requests=10, errors=2)
    assert "FAILED" in judge(built(TTFT), series, tmp_path, promql_expr_test=wanted)
