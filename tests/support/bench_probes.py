"""CPU of the probe runner per call, beside a bare loop, in one run: `python -m tests.support.bench_probes [PAIRS]`.

The server is a process of its own that answers at once, so that its CPU is not counted. Both loops keep 50 calls in
flight and make a new connection for each; the runner scores every answer with two assertions, one of them JavaScript.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path

import aiohttp

from tests.support.probing import BUDGET, POLICY, Run, probe_set

CONCURRENCY = 50
ANSWER = json.dumps(
    {
        "id": "",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Yes, 30 days."}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
).encode()
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(ANSWER),
    ANSWER,
)
ASSERTIONS = [{"type": "icontains", "value": "30 DAYS"}, {"type": "javascript", "value": "output.length > {{least}}"}]


class Instant(asyncio.Protocol):
    """Answers every request with the same bytes as soon as its body may be there, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        self._data += data
        head, separator, body = self._data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if separator and len(body) >= length:
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(RESPONSE)
            self._transport.close()


async def serve() -> None:
    """Serve until the parent goes away; prints the port."""
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


async def bare(url: str, calls: int) -> None:
    """Ask and look for a substring; nothing else."""
    left = iter(range(calls))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "How long?"}]}).encode()

    async def work(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(url + "/v1/chat/completions", data=body) as response:
                found = json.loads(await response.read())
            assert "30 days" in found["choices"][0]["message"]["content"]

    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, headers={"Content-Type": "application/json"}) as session:
        await asyncio.gather(*(work(session) for _ in range(CONCURRENCY)))


async def measured(url: str, calls: int) -> tuple[float, float, float]:
    """Milliseconds of CPU per call of the bare loop and of the runner, and the runner's calls a second."""
    start = cpu()
    await bare(url, calls)
    plain = (cpu() - start) / calls * 1000
    tests = [
        {"vars": {"q": f"How long, {i}?", "least": i % 7}, "assert": ASSERTIONS, "description": f"q{i}"}
        for i in range(100)
    ]
    probes = probe_set(json.dumps({"prompts": ["{{q}}"], "tests": tests}), concurrency=CONCURRENCY)
    policy = replace(POLICY, beta=1e-306, budget=replace(BUDGET, pairs=calls, tokens=10**9, duration=600))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder=Path(folder), probes=probes, canary=url, policy=policy)
        start, began = cpu(), time.monotonic()
        report = await run.make()
        used, seconds = cpu() - start, time.monotonic() - began
    assert report.canary.passed == calls, report
    return plain, used / calls * 1000, calls / seconds


async def main(calls: int) -> None:
    """Start the server, measure, print."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.bench_probes", "serve", stdin=PIPE, stdout=PIPE
    )
    assert server.stdout is not None
    assert server.stdin is not None
    port = int(await server.stdout.readline())
    try:
        plain, full, rate = await measured(f"http://127.0.0.1:{port}", calls)
    finally:
        server.stdin.close()
        await server.wait()
    sys.stdout.write(
        f"{calls} calls, {CONCURRENCY} at once, a connection each\n"
        f"bare loop with a substring: {plain:.3f} ms of CPU a call\n"
        f"probe runner, two assertions, one JavaScript: {full:.3f} ms of CPU a call, {rate:.0f} calls/s\n"
    )


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1:] == ["serve"] else main(int((sys.argv[1:] or ["4000"])[0])))
