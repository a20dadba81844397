"""Speed, memory and CPU of the probe runner beside promptfoo and a bare loop: `make bench-probes`.

All three ask the same server the same 1,000 questions of the same promptfooconfig.yaml, 50 at once, and (the bare loop
apart) score each answer with two assertions, one of them JavaScript. Each is a process of its own, measured from its
start to its end with all of its children; the server is another process and is not counted. Ratios are what counts: a
busy machine makes all of them slower.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml

from tests.parity.__main__ import install, install_node

CONCURRENCY = 50
CALLS = 1000
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
PROMISED = {"calls a second": 5.0, "memory": 4.0, "CPU": 5.0}
"""How many times better than promptfoo the runner must be."""
CPU_PER_CALL = 2.5
"""Times the bare loop's CPU a call, at most, once the runner has started; the bare loop's start is in its share."""
_LOOK_SECONDS = 0.1
_TIMEOUT_SECONDS = 900.0


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


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a program used from its start to its end, with its children. Memory is the peak of the sum, in MB."""

    name: str
    calls: int
    seconds: float
    cpu: float
    memory: float

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


def measure(name: str, command: Sequence[str], calls: int, *, folder: Path) -> Used:
    """Run a program to its end; raises SystemExit with its words if it fails or does not end."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
    }
    log = folder / f"{name.split(maxsplit=1)[0]}.log"
    began, memory = time.monotonic(), 0.0
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=stream, stderr=stream)
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        memory = max(memory, _memory(process.pid))
        if time.monotonic() - began > _TIMEOUT_SECONDS:
            process.kill()
            raise SystemExit(f"{name}: has not ended after {_TIMEOUT_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{name}: ended with {process.returncode}: {log.read_text(errors='replace')[-800:]}")
    return Used(name=name, calls=calls, seconds=seconds, cpu=used.ru_utime + used.ru_stime, memory=memory)


def _memory(pid: int) -> float:
    """Memory of a process and its descendants in MB; what they share is counted once (PSS)."""
    total, waiting = 0.0, [pid]
    while waiting:
        folder = Path("/proc") / str(waiting.pop())
        try:
            text = (folder / "smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1000
            for task in (folder / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, StopIteration):
            continue  # it has ended meanwhile
    return total


@contextmanager
def server() -> Iterator[str]:
    """The server's address, while it runs."""
    command = [sys.executable, "-m", "tests.support.bench_probes", "serve"]
    process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(10)


def write_file(folder: Path, url: str, tests: int) -> Path:
    """The file of tests that all read."""
    provider = {"id": "openai:chat:m", "config": {"apiBaseUrl": f"{url}/v1", "apiKey": "none"}}
    rows = [
        {"vars": {"q": f"How long, {i}?", "least": i % 7}, "assert": ASSERTIONS, "description": f"q{i}"}
        for i in range(tests)
    ]
    path = folder / "promptfooconfig.yaml"
    path.write_text(yaml.safe_dump({"prompts": ["{{q}}"], "providers": [provider], "tests": rows}), encoding="utf-8")
    return path


def ours(file: Path, url: str, calls: int) -> list[str]:
    """The runner by its command line; one round is enough for its verdict, so it asks each question once."""
    options = ["-f", str(file), "--canary", url, "--model", "m", "--floor-percent", "50"]
    options += ["--pairs", str(calls)]
    options += ["--concurrency", str(CONCURRENCY), "--evidence", str(file.with_suffix(".jsonl"))]
    return [sys.executable, "-m", "serinus", "probe", *options]


def theirs(file: Path) -> list[str]:
    """Promptfoo's own command, without its cache and its database."""
    package = install() / "node_modules/promptfoo/dist/src/entrypoint.js"
    options = ["--no-cache", "-j", str(CONCURRENCY), "--no-table", "--no-progress-bar", "--no-write"]
    return [
        str(install_node()),
        str(package),
        "eval",
        "-c",
        str(file),
        *options,
        "-o",
        str(file.with_suffix(".out.json")),
    ]


def table(found: Sequence[Used]) -> str:
    """One line a program."""
    lines = ["| program | calls/s | CPU s | CPU ms a call | peak memory MB |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {u.name} | {u.rate:,.0f} | {u.cpu:.2f} | {1000 * u.cpu / u.calls:.2f} | {u.memory:.0f} |" for u in found
    ]
    return "\n".join(lines)


def verdicts(runner: Used, other: Used, loop: Used, per_call: float) -> list[tuple[bool, str]]:
    """Each promise, whether it is kept, and the numbers."""
    ratios = {
        "calls a second": runner.rate / other.rate,
        "memory": other.memory / runner.memory,
        "CPU": other.cpu / runner.cpu,
    }
    rows = [
        (ratios[name] >= least, f"{name}: {ratios[name]:.1f} times better than promptfoo (promised {least:g})")
        for name, least in PROMISED.items()
    ]
    times = per_call / (1000 * loop.cpu / loop.calls)
    text = (
        f"CPU a call once started: {per_call:.2f} ms, {times:.1f} times the bare loop's (promised {CPU_PER_CALL:.1f})"
    )
    return [*rows, (times <= CPU_PER_CALL, text)]


def main(arguments: Sequence[str]) -> int:
    """Measure all three, print, and return 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.bench_probes", description=__doc__)
    parser.add_argument("--without-promptfoo", action="store_true", help="the runner and the bare loop alone")
    options = parser.parse_args(arguments)
    run: Callable[..., Used] = measure
    with tempfile.TemporaryDirectory() as name, server() as url:
        folder = Path(name)
        file, more = write_file(folder, url, CALLS), folder / "more"
        more.mkdir()
        runner = run("serinus probe", ours(file, url, CALLS), CALLS, folder=folder)
        twice = run("serinus probe", ours(write_file(more, url, 2 * CALLS), url, 2 * CALLS), 2 * CALLS, folder=folder)
        loop = [sys.executable, "-m", "tests.support.bench_probes", "bare", url, str(CALLS)]
        found = [runner, run("bare loop", loop, CALLS, folder=folder)]
        if not options.without_promptfoo:
            found.append(run("promptfoo 0.123.1", theirs(file), CALLS, folder=folder))
            stats = json.loads(file.with_suffix(".out.json").read_text(encoding="utf-8"))["results"]["stats"]
            assert stats["successes"] == CALLS, stats
    print(f"{CALLS} tests, {CONCURRENCY} calls at once, two assertions, one JavaScript\n\n{table(found)}\n")
    if options.without_promptfoo:
        return 0
    # The second thousand costs what a call costs: reading the file, scoring and counting included, starting not.
    rows = verdicts(runner, found[-1], found[1], 1000 * (twice.cpu - runner.cpu) / CALLS)
    print("\n".join(f"{'kept' if kept else 'NOT KEPT'}: {text}" for kept, text in rows))
    return int(not all(kept for kept, _ in rows))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(serve())
        case ["bare", where, number]:
            asyncio.run(bare(where, int(number)))
        case others:
            sys.exit(main(others))
