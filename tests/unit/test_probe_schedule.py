"""In which order and how many at once a run asks, and where its budgets end it: seen from the servers."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from serinus.core.model import Verdict
from serinus.probes import repeats
from serinus.probes.runner import RunFailed
from tests.support.fakemodel import Call, Say, serve
from tests.support.probing import GOOD, WRONG, Run, good, pair, policy, probe_set, questions, verdict

LOOK_FOR_CACHES = 2 * repeats.TIMES * len(repeats.QUESTIONS)
"""Calls on both sides before the first pair."""


async def test_each_round_asks_every_probe_once_on_both_sides_next_to_each_other(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []

    def behave(side: str) -> Callable[[Call], Say]:
        def answer(call: Call) -> Say:
            log.append((side, call.question))
            return GOOD

        return answer

    probes = probe_set(questions(), concurrency=1)
    await pair(tmp_path, behave("canary"), behave("stable"), probes=probes)
    pairs = [log[i : i + 2] for i in range(0, len(log) - 1, 2)]
    assert all(a[1] == b[1] and a[0] != b[0] for a, b in pairs)
    asked = [a[1] for a, _ in pairs]
    rounds = [asked[i : i + 10] for i in range(0, len(asked) - 9, 10)]
    assert len(rounds) >= 8
    assert all(len(set(r)) == 10 for r in rounds)
    assert len({tuple(r) for r in rounds}) == len(rounds)
    first = Counter(a[0] for a, _ in pairs)
    assert 25 <= first["canary"] <= len(pairs) - 25


async def test_seed_fixes_the_order_and_another_seed_gives_another_one(tmp_path: Path) -> None:
    orders = []
    for seed in (1, 1, 2):
        asked: list[str] = []

        def behave(call: Call, asked: list[str] = asked) -> Say:
            asked.append(call.question)
            return GOOD

        await pair(tmp_path, behave, seed=seed, probes=probe_set(questions(), concurrency=1))
        orders.append(asked[:40])
    assert orders[0] == orders[1] != orders[2]


async def test_every_call_has_a_connection_a_seed_and_a_salt_of_its_own(tmp_path: Path) -> None:
    async with serve(good) as canary, serve(good) as stable:
        run = Run(
            folder=tmp_path, probes=probe_set(questions()), canary=canary.url, stable=stable.url, token="secret-1"
        )
        await run.make()
    for calls in (canary.calls, stable.calls):
        assert len({c.port for c in calls}) == len(calls)
        assert len({c.body["user"] for c in calls}) == len(calls)
        assert len({c.body["seed"] for c in calls}) == len(calls)
        assert {c.headers["Cache-Control"] for c in calls} == {"no-store"}
        assert {c.headers["Authorization"] for c in calls} == {"Bearer secret-1"}
        assert {c.body["model"] for c in calls} == {"support-model"}
        assert {(c.body["temperature"], c.body["max_tokens"], c.body["stream"]) for c in calls} == {(0.7, 512, False)}


async def test_at_most_a_quarter_of_the_calls_is_on_stable_at_once(tmp_path: Path) -> None:
    def slow(_: Call) -> Say:
        return Say(text="Yes", delay=0.01)

    async with serve(slow) as canary, serve(slow) as stable:
        probes = probe_set(questions(), concurrency=16)
        await Run(folder=tmp_path, probes=probes, canary=canary.url, stable=stable.url).make()
    assert 2 <= stable.most_at_once <= 4
    assert canary.most_at_once <= 12


async def test_one_call_at_once_is_kept(tmp_path: Path) -> None:
    at_once: list[int] = []
    async with serve(lambda _: GOOD) as canary, serve(lambda _: GOOD) as stable:

        def watch(_: Call) -> Say:
            at_once.append(canary.at_once + stable.at_once)
            return Say(text="Yes", delay=0.002)

        canary.behave = stable.behave = watch
        probes = probe_set(questions(), concurrency=1)
        await Run(folder=tmp_path, probes=probes, canary=canary.url, stable=stable.url).make()
    assert set(at_once) == {1}


async def test_weight_repeats_a_probe_in_the_round_and_critical_probes_come_first(tmp_path: Path) -> None:
    tests = """
- {description: a, vars: {q: a}, metadata: {weight: 3}}
- {description: b, vars: {q: b}}
- {description: c, vars: {q: c}, metadata: {critical: true, weight: 2}}
"""
    source = f"prompts: ['{{{{q}}}}']\ndefaultTest: {{assert: [{{type: icontains, value: 'yes'}}]}}\ntests:{tests}"
    asked: list[str] = []

    def behave(call: Call) -> Say:
        asked.append(call.question)
        return GOOD

    _, report = await pair(tmp_path, behave, probes=probe_set(source, concurrency=1))
    rounds = [asked[i : i + 6] for i in range(0, len(asked) - 5, 6)]
    assert all(Counter(r) == {"a": 3, "b": 1, "c": 2} and r[:2] == ["c", "c"] for r in rounds)
    assert report.critical[0].probe == "c"


async def test_failing_critical_probe_fails_the_run(tmp_path: Path) -> None:
    tests = questions(60, critical=1)
    run, report = await pair(tmp_path, lambda c: WRONG if c.question == "question 0" else GOOD, probes=probe_set(tests))
    assert verdict(run, report).reason == "CriticalProbeFailed"
    (critical,) = report.critical
    assert (critical.probe, critical.passed) == ("q0", 0)
    assert critical.failed >= 2


async def test_critical_probe_that_stable_fails_too_counts_nothing(tmp_path: Path) -> None:
    def behave(call: Call) -> Say:
        return WRONG if call.question == "question 0" else GOOD

    run, report = await pair(tmp_path, behave, behave, probes=probe_set(questions(20, critical=1)))
    assert verdict(run, report).verdict is Verdict.PASSED
    assert (report.critical[0].passed, report.critical[0].failed) == (0, 0)


async def test_budget_of_pairs_ends_the_run_inconclusive(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, good, policy=policy(pairs=30))
    assert (report.end, report.pairs.scored, report.usage.calls) == ("Budget", 30, 2 * 30 + LOOK_FOR_CACHES)
    assert verdict(run, report).reason == "BudgetSpent"


async def test_budget_of_tokens_ends_the_run(tmp_path: Path) -> None:
    _, report = await pair(tmp_path, good, policy=policy(tokens=300))
    assert report.end == "Budget"
    assert 300 <= report.usage.prompt_tokens + report.usage.completion_tokens <= 300 + 4 * 30


async def test_tokens_of_a_server_that_counts_none_are_estimated(tmp_path: Path) -> None:
    _, report = await pair(tmp_path, lambda _: Say(text="Yes" * 40, usage=False), policy=policy(tokens=300))
    assert report.end == "Budget"
    assert report.usage.completion_tokens > 0


async def test_budget_of_time_ends_the_run_with_what_was_counted(tmp_path: Path) -> None:
    probes = probe_set(questions(), timeout="60s")
    run, report = await pair(
        tmp_path, lambda c: GOOD if c.number == 1 else Say(delay=60), probes=probes, policy=policy(duration=3)
    )
    assert report.end == "Budget"
    assert 3 <= report.usage.seconds < 20
    assert report.pairs.scored == 10
    assert verdict(run, report).reason == "BudgetSpent"


async def test_budget_smaller_than_one_round_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"budget\.pairs: found 9, allowed is at least 10"):
        await pair(tmp_path, good, policy=policy(pairs=9))


async def test_answers_count_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    held: list[str] = []

    def slow_first(call: Call) -> Say:
        if not held:
            held.append(call.question)
            return Say(text="No.", delay=0.5)
        return GOOD

    _, report = await pair(tmp_path, slow_first, policy=policy(pairs=10), probes=probe_set(questions(), concurrency=16))
    assert report.pairs.lost == 1
    assert report.worst[0].probe == f"q{held[0].split()[1]}"


async def test_slow_answer_holds_back_the_decision_but_not_without_bound(tmp_path: Path) -> None:
    held: list[str] = []

    def slow_first(call: Call) -> Say:
        if not held:
            held.append(call.question)
            return Say(text="Yes", delay=1.0)
        return GOOD

    async with serve(slow_first) as canary, serve(good) as stable:
        probes = probe_set(questions(), concurrency=16)
        await Run(folder=tmp_path, probes=probes, canary=canary.url, stable=stable.url, policy=policy(pairs=500)).make()
        ahead = sum(1 for c in canary.calls if c.at < canary.calls[0].at + 0.9)
    assert ahead <= 30


async def test_completions_api_sends_a_prompt(tmp_path: Path) -> None:
    async with serve(good) as canary, serve(good) as stable:
        probes = probe_set(questions(), api="completions")
        run = Run(folder=tmp_path, probes=probes, canary=canary.url, stable=stable.url)
        report = await run.make()
    assert verdict(run, report).verdict is Verdict.PASSED
    assert {c.path for c in canary.calls} == {"/v1/completions"}
    assert "messages" not in canary.calls[0].body
