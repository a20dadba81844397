"""The alert receiver: one line for each alert, a bounded list, and refusals that name the field."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.support.receiver import InvalidNotification, Receiver, make_app, read_pages

ROOT = Path(__file__).resolve().parents[2]
ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "LLMQualityDropped", "severity": "critical", "namespace": "shop", "llmservice": "chat"},
    "annotations": {"summary": "Answers of chat are worse than\nbefore"},
    "startsAt": "2026-11-21T10:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "c0ffee",
}


def notification(*alerts: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "demo", "alerts": list(alerts)}


def test_line_names_status_severity_alert_service_and_summary_in_one_line() -> None:
    (page,) = read_pages(notification(ALERT), "2026-11-21T10:00:05Z")
    assert page.line() == (
        "2026-11-21T10:00:05Z FIRING critical LLMQualityDropped shop/chat Answers of chat are worse than before"
    )


def test_line_of_an_alert_without_labels_says_so_instead_of_failing() -> None:
    (page,) = read_pages(notification({"status": "resolved", "labels": {}}), "now")
    assert page.line() == "now RESOLVED - - -/- (no summary)"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "alerts"),
        ({"alerts": 3}, "alerts"),
        (notification(ALERT) | {"receiver": 3}, "receiver: found 3"),
        (notification("x"), r"alerts\[0\]"),
        (notification({**ALERT, "status": "maybe"}), r"alerts\[0\].status.*firing, resolved"),
        (notification(ALERT, {**ALERT, "labels": {"a": 1}}), r"alerts\[1\].labels"),
    ],
)
def test_a_body_that_is_no_notification_is_refused_with_its_field(body: Any, said: str) -> None:
    with pytest.raises(InvalidNotification, match=said):
        read_pages(body, "now")


async def test_received_alerts_are_said_and_listed() -> None:
    lines: list[str] = []
    receiver = Receiver(say=lines.append)
    async with TestClient(TestServer(make_app(receiver))) as client:
        resolved = {**ALERT, "status": "resolved"}
        for path, body in (("/", notification(ALERT)), ("/hooks/demo", notification(ALERT, resolved))):
            async with client.post(path, json=body) as response:
                assert response.status == 200
        async with client.get("/alerts") as response:
            listed = await response.json()
        async with client.get("/healthz") as response:
            assert response.status == 200
    assert [line.split()[1] for line in lines] == ["FIRING", "FIRING", "RESOLVED"]
    assert listed["total"] == 3
    assert [alert["status"] for alert in listed["alerts"]] == ["firing", "firing", "resolved"]
    assert listed["alerts"][0]["labels"] == ALERT["labels"]
    assert {alert["receiver"] for alert in listed["alerts"]} == {"demo"}
    assert listed["alerts"][0]["fingerprint"] == "c0ffee"


async def test_list_is_bounded_and_keeps_the_latest() -> None:
    receiver = Receiver(kept=2, say=lambda _: None)
    async with TestClient(TestServer(make_app(receiver))) as client:
        for name in "abc":
            async with client.post("/", json=notification({**ALERT, "fingerprint": name})):
                pass
    assert [page.fingerprint for page in receiver.pages] == ["b", "c"]
    assert receiver.total == 3


async def test_nonsense_is_answered_with_400_and_nothing_is_said() -> None:
    lines: list[str] = []
    async with TestClient(TestServer(make_app(Receiver(say=lines.append)))) as client:
        for raw in (b"{", b"{}", b'{"alerts": [7]}'):
            async with client.post("/", data=raw, headers={"Content-Type": "application/json"}) as response:
                assert response.status == 400
                assert (await response.json())["error"]
    assert lines == []


async def test_command_prints_pages_on_stdout_and_ends_on_sigterm() -> None:
    command = (sys.executable, "-m", "tests.support.receiver", "--host=127.0.0.1", "--port=0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().split()[-1]
            async with aiohttp.ClientSession() as client, client.post(address, json=notification(ALERT)) as response:
                assert response.status == 200
            assert b" FIRING critical LLMQualityDropped shop/chat " in await process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
