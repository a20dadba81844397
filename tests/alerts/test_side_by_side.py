"""Owns the proof that rules and dashboards of others are read and judged rightly, on small ones of our own."""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.alerts import alert_table
from tests.support.side_by_side import __main__ as command
from tests.support.side_by_side.exposed import HERE, exposed
from tests.support.side_by_side.judge import Judged, Verdict, judge
from tests.support.side_by_side.page import page, sources
from tests.support.side_by_side.read import Expression, Unreadable, expressions, filled

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "side-by-side.md"
RULES = {
    "answers": "sum by (model_name) (rate(vllm:generation_tokens_total[1h])) > 1e9",
    "renamed": "max(vllm:gpu_cache_usage_perc) > 0.9",
    "ending": "sum by (pod) (rate(vllm:num_preemptions[5m])) > 1",
    "histogram": "histogram_quantile(0.9, sum by (le) (rate(vllm:time_per_output_token_seconds_bucket[5m]))) > 1",
    "misspelt": "vllm:no_such_thing > 1",
    "foreign": "kube_pod_status_phase > 0",
    "label": 'vllm:num_requests_waiting{model="chat"} > 5',
    "without": 'vllm:num_requests_waiting{model!="chat"} > 5',
    "value": 'vllm:request_success_total{finished_reason="not_seen_yet"} > 0',
    "target": 'up{job=~".*vllm.*",cluster="here"} == 0',
    "quantile of a gauge": "histogram_quantile(0.9, vllm:num_requests_waiting) > 5",
    "no edges": "histogram_quantile(0.9, sum by (pod) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))) > 5",
    "no pair": "rate(llm_d_epp_request_error_total[5m]) / rate(llm_d_epp_request_total[5m]) > 0.05",
    "pair": "sum(rate(llm_d_epp_request_error_total[5m])) / sum(rate(llm_d_epp_request_total[5m])) > 0.05",
    "percent": "avg by (pod) (vllm:kv_cache_usage_perc) > 90",
    "times 100": "100 * avg by (pod) (vllm:kv_cache_usage_perc) > 90",
    "sum of ratios": "sum(vllm:kv_cache_usage_perc) > 90",
    "full": "(max_over_time(vllm:kv_cache_usage_perc[5m])) > 1",
    "gauge grows": "rate(vllm:num_requests_running[5m]) > 1",
    "absent and gone": "absent(vllm:gpu_cache_usage_perc)",
    "absent": "absent(vllm:kv_cache_usage_perc)",
    "old or new": "max(vllm:kv_cache_usage_perc or vllm:gpu_cache_usage_perc) > 0.9",
    "unless": "vllm:num_requests_waiting > 5 unless vllm:num_requests_waiting > 0",
    "offset": "vllm:num_requests_waiting - vllm:num_requests_waiting offset 1d > 5",
    "subquery": "max_over_time(sum(vllm:num_requests_waiting)[1h:5m]) > 5",
    "summary": "histogram_quantile(0.9, sum by (le) (rate(tgi_request_skipped_tokens_bucket[5m]))) > 5",
    "older picker": "inference_pool_average_queue_size > 50",
    "oldest picker": "sum(rate(inference_model_request_error_total[5m])) > 1",
    "further": "sum by (source_type) (rate(llm_d_epp_datalayer_poll_errors_total[5m])) > 0",
    "no PromQL": "sum(",
    "a number": "vector(1) > 0",
}


@cache
def judged() -> dict[str, Judged]:
    found = judge(Expression("f", "alert", name, text) for name, text in RULES.items())
    return {j.expression.name: j for j in found}


ANSWERS = (
    "answers",
    "without",
    "value",
    "target",
    "pair",
    "times 100",
    "sum of ratios",
    "gauge grows",
    "absent",
    "old or new",
    "unless",
    "offset",
    "subquery",
    "older picker",
    "further",
    "a number",
)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_gives_data_on_todays_metrics_can(name: str) -> None:
    assert judged()[name].verdict is Verdict.ANSWERS


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("renamed", "`vllm:gpu_cache_usage_perc` is not exposed, today `vllm:kv_cache_usage_perc`"),
        ("ending", "`vllm:num_preemptions` is not exposed, today `vllm:num_preemptions_total`"),
        (
            "histogram",
            "`vllm:time_per_output_token_seconds` is not exposed, today `vllm:inter_token_latency_seconds`",
        ),
        ("misspelt", "`vllm:no_such_thing` is not exposed"),
        ("label", "`vllm:num_requests_waiting` has no label `model`; it has `engine`, `model_name`, `server`"),
        ("quantile of a gauge", "histogram_quantile() of `vllm:num_requests_waiting`, a gauge"),
        ("no edges", "histogram_quantile() without the label `le`"),
        (
            "no pair",
            "`/` finds no pair: `llm_d_epp_request_error_total` and `llm_d_epp_request_total` differ in labels",
        ),
        ("percent", "`vllm:kv_cache_usage_perc` is 0 to 1, never above 90"),
        ("full", "`vllm:kv_cache_usage_perc` is 0 to 1, never above 1"),
        ("summary", "`tgi_request_skipped_tokens` is a summary and has no buckets"),
        (
            "oldest picker",
            "`inference_model_request_error_total` is not exposed, today `llm_d_epp_request_error_total`",
        ),
    ],
)
def test_what_gives_nothing_cannot_and_says_why(name: str, reason: str) -> None:
    assert (judged()[name].verdict, judged()[name].reasons) == (Verdict.NEVER, (reason,))


def test_what_asks_for_the_absence_of_a_metric_that_is_gone_fires_always() -> None:
    assert judged()["absent and gone"].verdict is Verdict.ALWAYS


def test_a_metric_of_a_program_without_a_sample_is_not_judged() -> None:
    found = judged()["foreign"]

    assert (found.verdict, found.reasons) == (Verdict.UNKNOWN, ("`kube_pod_status_phase` is of no runtime here",))


def test_what_is_no_promql_is_not_read() -> None:
    assert judged()["no PromQL"].verdict is Verdict.UNREADABLE


def test_a_counters_function_on_a_gauge_is_noted() -> None:
    assert judged()["gauge grows"].notes == ("rate() of vllm:num_requests_running, a gauge",)


def test_the_old_name_beside_the_new_one_is_named_though_data_is_there() -> None:
    assert judged()["old or new"].reasons == (
        "`vllm:gpu_cache_usage_perc` is not exposed, today `vllm:kv_cache_usage_perc`",
    )


def test_every_rule_above_is_judged_by_a_test() -> None:
    verdicts = {name: j.verdict for name, j in judged().items()}

    assert {name for name, v in verdicts.items() if v is Verdict.ANSWERS} == set(ANSWERS)
    assert list(verdicts.values()).count(Verdict.NEVER) == 12


def read(folder: Path, name: str, text: str) -> list[tuple[str, str, str, str]]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return [(e.kind, e.name, e.text, e.label) for e in expressions(path)]


def test_rules_are_read_from_plain_files_and_from_objects(tmp_path: Path) -> None:
    groups = [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0 "}, {"record": "r", "expr": "up"}]}]
    rule = {"kind": "PrometheusRule", "spec": {"groups": groups}}
    wanted = [("alert", "A", "up == 0", ""), ("record", "r", "up", "")]

    assert read(tmp_path, "plain.yaml", yaml.safe_dump({"groups": groups})) == wanted
    assert read(tmp_path, "two.yaml", yaml.safe_dump_all([{"kind": "Service"}, rule])) == wanted


def test_a_template_of_helm_is_read_with_what_it_fills_in_left_out(tmp_path: Path) -> None:
    text = (
        "{{- if .Values.on }}\nspec:\n  name: {{ .Release.Name }}-x\n  triggers:\n  - type: prometheus\n"
        "    metadata: {query: 'up{job=\"{{ .Values.job }}\"}'}\n{{- end }}\n"
    )

    assert read(tmp_path, "t.yaml", text) == [("query", "trigger", 'up{job="__variable__"}', "")]


def test_a_dashboard_is_read_with_its_rows_variables_and_times(tmp_path: Path) -> None:
    inner = {"title": "Inner", "targets": [{"expr": 'rate(up{a=~"$b"}[$__rate_interval]) / $c'}]}
    dashboard = {
        "title": "Board",
        "panels": [{"title": "Row", "panels": [inner]}, {"title": "Empty", "targets": [{"expr": ""}]}],
        "templating": {"list": [{"type": "query", "name": "v", "query": {"query": "label_values(up, a)"}}]},
    }
    wanted = [("panel", "Inner", 'rate(up{a=~"__variable__"}[5m]) / 1', ""), ("variable", "v", "up", "a")]
    of_map = {"kind": "ConfigMap", "data": {"board.json": json.dumps(dashboard)}}

    assert read(tmp_path, "board.json", json.dumps(dashboard)) == wanted
    assert read(tmp_path, "map.yaml", yaml.safe_dump(of_map)) == wanted


def test_a_dashboard_of_perses_is_read(tmp_path: Path) -> None:
    query = {"kind": "PrometheusTimeSeriesQuery", "spec": {"query": "sum(up)"}}
    panel = {"spec": {"display": {"name": "Up"}, "queries": [{"spec": {"plugin": query}}]}}

    assert read(tmp_path, "p.yaml", yaml.safe_dump({"spec": {"panels": {"0": panel}}})) == [
        ("query", "Up", "sum(up)", "")
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rate(x[$i])", "rate(x[5m])"),
        ("rate(x[[[i]]])", "rate(x[5m])"),
        ("max_over_time(sum(x)[$__range:$__interval])", "max_over_time(sum(x)[5m:1m])"),
        ('x{a="${b:regex}",c="[[d]]"}', 'x{a="__variable__",c="__variable__"}'),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 'label_replace(x, "a", "$1", "b", "(.*)")'),
        ("rate(x[10m])", "rate(x[10m])"),
    ],
)
def test_variables_are_filled_in(text: str, wanted: str) -> None:
    assert filled(text) == wanted


def test_a_chosen_value_of_a_label_that_is_not_there_cannot_fit_and_a_chosen_pattern_can() -> None:
    equal, pattern, there = judge(
        Expression("f", "panel", "p", filled(f'vllm:kv_cache_usage_perc{{{m}"$m"}}'))
        for m in ("model=", "model=~", "model_name=")
    )

    assert (equal.verdict, pattern.verdict, there.verdict) == (Verdict.NEVER, Verdict.ANSWERS, Verdict.ANSWERS)


def test_a_variable_over_a_label_that_is_not_there_has_no_values() -> None:
    gone, there, of_target = judge(
        Expression("f", "variable", "v", "vllm:kv_cache_usage_perc", label) for label in ("model", "engine", "pod")
    )

    assert gone.verdict is Verdict.NEVER
    assert "no label `model`" in gone.reasons[0]
    assert (there.verdict, of_target.verdict) == (Verdict.ANSWERS, Verdict.ANSWERS)


def test_the_command_says_by_its_code_whether_something_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, broken = (tmp_path / name for name in ("good.yaml", "bad.yaml", "broken.yaml"))
    good.write_text("groups: [{rules: [{alert: A, expr: up == 0}]}]", encoding="utf-8")
    bad.write_text("groups: [{rules: [{alert: B, expr: 'vllm:no_such_thing > 0'}]}]", encoding="utf-8")
    broken.write_text("a: [b", encoding="utf-8")

    assert command.main([str(good)]) == 0
    assert command.main([str(tmp_path / "bad.yaml"), str(good)]) == 1
    assert command.main([str(broken)]) == 2
    with pytest.raises(Unreadable, match="allowed are rules, dashboards and templates of them"):
        expressions(broken)
    assert "bad.yaml: alert B: cannot: `vllm:no_such_thing` is not exposed" in capsys.readouterr().out


def test_what_the_samples_leave_out_is_in_none_of_them_and_what_is_gone_has_a_name_that_exists() -> None:
    further = yaml.safe_load((HERE / "further.yaml").read_text(encoding="utf-8"))
    names = [name for source in further for name in source["metrics"]]
    renamed = yaml.safe_load((HERE / "renamed.yaml").read_text(encoding="utf-8"))
    known = {exposed().family(name) for name in exposed().labels}

    assert len(names) == len(set(names))
    assert {exposed().family(name) for name in exposed().synthetic} == set(names)
    assert {n for new in renamed.values() if "*" not in new for n in new.split(" / ") if n} <= known


def test_every_alert_of_ours_that_the_page_names_has_a_case_in_which_it_fires() -> None:
    fires = {name for name, fires, *_ in alert_table.rows() if fires}

    assert {name for source in sources() for names in source.ours.values() for name in names} <= fires


def test_the_page_has_every_source_with_its_commit_and_files() -> None:
    text = PAGE.read_text(encoding="utf-8")

    for source in sources():
        assert f"`{source.repository}` at `{source.commit}`" in text
        assert all(f"- `{file}`: " in text for file in source.files)


def test_the_page_is_made_of_files_in_folders_of_their_repositories(tmp_path: Path) -> None:
    for source in sources():
        for file in source.files:
            path = tmp_path / source.repository / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}", encoding="utf-8")
    first = sources()[0]
    rules = [{"alert": next(iter(first.ours)), "expr": "vllm:gpu_cache_usage_perc > 0.9"}]
    (tmp_path / first.repository / first.files[0]).write_text(
        yaml.safe_dump({"groups": [{"rules": rules}]}), encoding="utf-8"
    )

    text = page(tmp_path)

    assert f"| {first.title} | 1 | 0 | 1 | 0 |" in text
    [ours] = next(iter(first.ours.values()))
    assert f"| `{next(iter(first.ours))}` | **cannot** | `vllm:gpu_cache_usage_perc` is not exposed, today" in text
    assert f"`{ours}` |" in text
