"""Metrics, health and logs: what is exported, what disappears, what fails a probe."""

import asyncio
import io
import json
import logging

import aiohttp
import pytest

from serinus.shell import logs
from serinus.shell.health import Checks, LoopPulse, WebServer, add_health, add_metrics, at_most, none_of
from serinus.shell.telemetry import FAMILIES, Telemetry
from serinus.shell.transport import Call, Target
from tests.engine.virtual import run_virtual


async def exposed(telemetry: Telemetry) -> list[str]:
    return [line for line in (await telemetry.expose()).decode().splitlines() if not line.startswith("#")]


async def test_series_of_a_service_are_replaced_as_a_whole_and_go_with_it() -> None:
    telemetry = Telemetry()
    services = telemetry.services
    services.replace("team-a", "chat", {("drift_cusum", "support"): 1.0, ("traffic_ratio", "r1"): 1.0})
    services.count("team-a", "chat", "rollouts", "promoted")
    services.count("team-a", "chat", "rollouts", "promoted")
    assert 'serinus_rollouts_total{llmservice="chat",namespace="team-a",outcome="promoted"} 2.0' in await exposed(
        telemetry
    )
    services.replace("team-a", "chat", {("traffic_ratio", "r2"): 1.0})
    lines = await exposed(telemetry)
    assert 'serinus_traffic_ratio{llmservice="chat",namespace="team-a",revision="r2"} 1.0' in lines
    assert not [line for line in lines if "r1" in line or "drift_cusum" in line]
    services.remove("team-a", "chat")
    assert not [line for line in await exposed(telemetry) if "team-a" in line]


async def test_only_a_leader_exports_services() -> None:
    leading = [False]
    telemetry = Telemetry(is_leader=lambda: leading[0])
    telemetry.services.replace("team-a", "chat", {("traffic_ratio", "r1"): 1.0})
    assert not [line for line in await exposed(telemetry) if "team-a" in line]
    leading[0] = True
    assert [line for line in await exposed(telemetry) if "team-a" in line]


@pytest.mark.parametrize("sample", [("unknown",), ("traffic_ratio",), ("rollouts", "promoted"), ()])
def test_sample_outside_of_the_table_is_refused(sample: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="allowed: one of"):
        Telemetry().services.replace("team-a", "chat", {sample: 1.0})


def test_no_family_has_a_label_without_a_bound() -> None:
    labels = {label for family in FAMILIES for label in family.labels}
    assert not labels & {"pod", "user", "prompt", "probe", "message"}


async def test_engine_s_metrics_are_exported() -> None:
    telemetry = Telemetry()
    telemetry.call(Call("patch", Target("apps", "replicasets"), 200, 0.01))
    telemetry.call(Call("patch", Target("serinus.dev", "llmservices", "status"), 409, 0.01))
    telemetry.call(Call("watch", Target("", "pods"), 0, 300.0))
    telemetry.run(0.2, "ok")
    telemetry.event_dropped()
    telemetry.watch_age("pods", lambda: 12.5)
    telemetry.unreadable("pods", lambda: 2)
    telemetry.gauge("queue_depth", "Ready keys.", lambda: 3)
    lines = await exposed(telemetry)
    for line in (
        'serinus_api_calls_total{code="200",resource="replicasets.apps",verb="patch"} 1.0',
        'serinus_api_calls_total{code="409",resource="llmservices/status.serinus.dev",verb="patch"} 1.0',
        'serinus_api_calls_total{code="0",resource="pods",verb="watch"} 1.0',
        'serinus_reconcile_seconds_count{outcome="ok"} 1.0',
        "serinus_events_dropped_total 1.0",
        'serinus_watch_age_seconds{resource="pods"} 12.5',
        'serinus_watch_unreadable{resource="pods"} 2.0',
        "serinus_queue_depth 3.0",
    ):
        assert line in lines
    assert not [line for line in lines if "serinus_api_call_seconds" in line and "watch" in line]


async def test_probes_answer_by_the_checks_and_say_what_is_wrong() -> None:
    age, missing = [10.0], ["pods"]
    server = WebServer(0, host="127.0.0.1")
    live = {"queue": at_most("seconds of the oldest key", lambda: age[0], 60)}
    add_health(server.app, Checks(live, {"caches": none_of("not listed yet", lambda: missing)}))
    telemetry = Telemetry()
    add_metrics(server.app, telemetry.expose)
    url = f"http://127.0.0.1:{await server.start()}"
    async with aiohttp.ClientSession() as session:

        async def ask(path: str) -> tuple[int, str]:
            async with session.get(url + path) as response:
                return response.status, await response.text()

        assert await ask("/healthz") == (200, "ok\n")
        assert await ask("/readyz") == (503, "caches: not listed yet: pods\n")
        missing.clear()
        age[0] = 61.0
        assert await ask("/readyz") == (200, "ok\n")
        assert await ask("/healthz") == (503, "queue: seconds of the oldest key: found 61.0, allowed at most 60\n")
        code, text = await ask("/metrics")
        assert code == 200
        assert "serinus_reconcile_seconds" in text
    await server.stop()


def test_blocked_loop_is_seen_by_the_probes_that_come_after_it() -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        blocked = [0.0]
        pulse = LoopPulse(clock=lambda: loop.time() + blocked[0])
        beating = asyncio.create_task(pulse.run())
        await asyncio.sleep(10.2)
        assert pulse.lag() < 0.1
        blocked[0] = 6.0
        await asyncio.sleep(10)
        assert pulse.lag() == pytest.approx(6.0, abs=0.6)
        await asyncio.sleep(31)
        assert pulse.lag() < 0.1
        beating.cancel()

    run_virtual(play())


def test_log_line_is_one_json_object_with_the_event_and_its_values() -> None:
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("serinus")
    before = root.handlers[:], root.level, ours.level
    try:
        logs.configure("info", stream)
        logs.event(logging.getLogger("serinus.shell.apply"), "applied", object="Service team-a/chat", generation=2)
        logging.getLogger("aiohttp").info("chatter")
        logging.getLogger("serinus").error("bug", exc_info=ValueError("broken"))
    finally:
        root.handlers[:], level, ours_level = before
        root.setLevel(level)
        ours.setLevel(ours_level)
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["event"], first["object"], first["generation"], first["level"]) == (
        "applied",
        "Service team-a/chat",
        2,
        "info",
    )
    assert "ValueError: broken" in second["traceback"]
