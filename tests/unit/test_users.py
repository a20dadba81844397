"""The imitated users: what they count, when they retry, and that they are bounded."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.support.modelserver.settings import Mode, Pace, Quality
from tests.support.modelserver.testing import LOCAL, SETTINGS, serving, until
from tests.support.users import Kind, Plan, Record, Summary, Users
from tests.support.users.__main__ import parse

ROOT = Path(__file__).resolve().parents[2]
Connection = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Connection) -> AsyncIterator[str]:
    """A server that does what `talk` says with the number of the connection, to show clients a broken one."""
    numbers = iter(range(1_000_000))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(next(numbers), reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def read_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    await reader.readexactly(length)


def plan(url: str, **changes: object) -> Plan:
    return replace(Plan(url, rate=1000, count=20, seed=1, timeout=10), **changes)  # type: ignore[arg-type]


async def test_every_request_is_counted_once_with_the_revision_that_answered() -> None:
    async with serving() as (server, _):
        summary = await Users(plan(server.url)).run()
    found = summary.as_dict()
    assert (found["total"], found["ok"], found["failed"], found["retried"]) == (20, 20, 0, 0)
    assert found["revisions"]["r1"]["total"] == 20
    assert found["kinds"] == {"fresh": {"ok": 10, "failed": 0}, "keep-alive": {"ok": 10, "failed": 0}}
    assert found["statuses"] == {"200": 20}
    assert all("days" in r.text or "euros" in r.text or "years" in r.text for r in summary.records)
    json.dumps(found)


async def test_two_revisions_are_counted_apart() -> None:
    other = replace(SETTINGS, service=replace(LOCAL, revision="r2"))
    summary = Summary()
    async with serving() as (one, _), serving(other) as (two, _):
        for server, count in ((one, 3), (two, 5)):
            users = Users(plan(server.url, count=count))
            users.summary = summary
            await users.run()
    totals = {name: found["total"] for name, found in summary.as_dict()["revisions"].items()}
    assert totals == {"r1": 3, "r2": 5}
    assert summary.revisions == {"r1", "r2"}


async def test_http_errors_are_failures_with_status_and_revision() -> None:
    failing = replace(SETTINGS, quality=Quality(mode=Mode.FAIL, fail_percent=100))
    async with serving(failing) as (server, _):
        found = (await Users(plan(server.url)).run()).as_dict()
    assert (found["failed"], found["retried"]) == (20, 0)
    assert found["revisions"]["r1"]["failed"] == 20
    assert found["statuses"] == {"500": 20}
    assert found["errors"] == {"http 500": 20}
    assert "as it was told to" in found["failures"][0]["error"]


async def test_refused_connections_fail_and_only_keep_alive_clients_retry_them() -> None:
    async with serving() as (server, _):
        url = server.url
    found = (await Users(plan(url)).run()).as_dict()
    assert (found["failed"], found["retried"]) == (20, 10)
    assert found["errors"] == {"ClientConnectorError": 20}
    assert set(found["revisions"]) == {"unknown"}


GOOD = b'{"choices": [{"message": {"content": "30 days"}}]}'


async def close_the_first(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    if number:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD))
        await writer.drain()


@pytest.mark.parametrize(("kind", "failed", "retried"), [(Kind.KEEP_ALIVE, 0, 1), (Kind.FRESH, 1, 0)])
async def test_a_connection_closed_before_the_answer_is_retried_once_by_keep_alive_clients(
    kind: Kind, failed: int, retried: int
) -> None:
    async with raw_server(close_the_first) as url:
        found = (await Users(plan(url, count=1, kind=kind, stream_percent=0)).run()).as_dict()
    assert (found["failed"], found["retried"]) == (failed, retried)


async def cut_the_stream(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Revision: r9\r\n\r\n")
    writer.write(b'data: {"choices": [{"delta": {"content": "30"}}]}\n\n')
    await writer.drain()


async def test_a_stream_without_its_end_mark_is_a_failure_that_is_not_retried() -> None:
    async with raw_server(cut_the_stream) as url:
        found = (await Users(plan(url, count=4, stream_percent=100)).run()).as_dict()
    assert (found["failed"], found["retried"]) == (4, 0)
    assert found["errors"] == {"stream cut": 4}
    assert found["revisions"]["r9"]["failed"] == 4


async def answer_nonsense(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    await writer.drain()


async def test_a_body_that_is_no_completion_is_a_failure() -> None:
    async with raw_server(answer_nonsense) as url:
        found = (await Users(plan(url, count=2, stream_percent=0)).run()).as_dict()
    assert found["errors"] == {"not a completion": 2}


async def test_a_timeout_is_a_failure() -> None:
    slow = replace(SETTINGS, pace=Pace(first_token_seconds=60))
    async with serving(slow) as (server, _):
        found = (await Users(plan(server.url, count=2, timeout=0.1)).run()).as_dict()
    assert (found["failed"], found["retried"]) == (2, 0)
    assert all("Timeout" in name for name in found["errors"])


async def test_run_is_bounded_in_time_and_open_requests_are_waited_for() -> None:
    slow = replace(SETTINGS, pace=Pace(first_token_seconds=0.2, tokens_per_second=0))
    async with serving(slow) as (server, _):
        summary = await Users(plan(server.url, rate=100, seconds=0.1, count=10_000)).run()
    assert summary.total == 10
    assert summary.failed == 0


async def test_requests_beyond_the_open_limit_are_not_sent_and_said() -> None:
    slow = replace(SETTINGS, pace=Pace(first_token_seconds=0.5, tokens_per_second=0))
    async with serving(slow) as (server, _):
        summary = await Users(plan(server.url, count=8, open_at_once=3)).run()
    assert (summary.total, summary.not_sent) == (3, 5)


async def test_users_as_a_context_ask_until_it_is_left() -> None:
    async with serving() as (server, _):
        async with Users(plan(server.url, rate=200, count=1_000_000)) as users:
            await until(lambda: users.summary.total >= 5)
        total = users.summary.total
    assert users.summary.failed == 0
    assert total < 1_000_000


def record(seconds: float, *, ok: bool = True) -> Record:
    return Record(at=1.0, ok=ok, kind="fresh", revision="r1", seconds=seconds, status=200 if ok else None)


def test_latency_quantiles_are_exact_to_five_percent() -> None:
    summary = Summary()
    for number in range(1, 1001):
        summary.add(record(number / 1000))
    seconds = summary.as_dict()["revisions"]["r1"]["seconds"]
    assert seconds["p50"] == pytest.approx(0.5, rel=0.05)
    assert seconds["p99"] == pytest.approx(0.99, rel=0.05)
    assert seconds["max"] == 1.0


def test_memory_is_bounded_while_sums_stay_exact() -> None:
    summary = Summary()
    for _ in range(300):
        summary.add(record(0.1, ok=False))
    assert (summary.failed, len(summary.failures)) == (300, 200)


@pytest.mark.parametrize(
    "flags", [["--rate", "0"], ["--rate", "5000"], ["--duration", "0"], ["--count", "0"], ["--stay"]]
)
def test_unbounded_or_senseless_flags_are_refused(flags: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--url", "http://127.0.0.1", *flags])


async def test_command_serves_the_summary_prints_it_on_sigusr1_and_reports_at_the_end(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    flags = ("--rate=100", "--duration=60", "--listen=127.0.0.1:0", f"--report-file={report}", "--fail-on-error")
    async with serving() as (server, _), asyncio.timeout(30):
        command = (sys.executable, "-m", "tests.support.users", f"--url={server.url}", *flags)
        users = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert users.stdout is not None
        assert users.stderr is not None
        try:
            address = (await users.stderr.readline()).decode().split()[-1]
            async with aiohttp.ClientSession() as client:
                served = {"total": 0}
                while served["total"] < 3:
                    async with client.get(address) as response:
                        served = await response.json()
                async with client.get(address.replace("/summary", "/records?last=2")) as response:
                    assert len(await response.json()) == 2
            users.send_signal(signal.SIGUSR1)
            printed = json.loads(await users.stdout.readline())
            users.send_signal(signal.SIGTERM)
            assert await users.wait() == 0
        finally:
            if users.returncode is None:
                users.kill()
            await users.communicate()
    final = json.loads(report.read_text())
    assert 3 <= served["total"] <= printed["total"] <= final["total"]
    assert final["failed"] == 0
