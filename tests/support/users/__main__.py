"""Entry point of `python -m tests.support.users`.

It owns flags, signals, the report and the page with the summary; it must not count.
SIGUSR1 prints the summary as it is, SIGTERM and SIGINT end the run; the report comes at the end in any case.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from aiohttp import web

from .client import Kind, Plan, Users


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the flags."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.users",
        description="Ask a model as its users do and report what they met. Bounded in rate, count and time.",
    )
    parser.add_argument("--url", required=True, help="base address, without /v1")
    parser.add_argument("--rate", type=float, default=5.0, help="requests a second, at most 1000")
    parser.add_argument("--duration", type=float, default=60.0, help="seconds")
    parser.add_argument("--count", type=int, default=1_000_000, help="requests at most")
    parser.add_argument("--kind", type=Kind, choices=list(Kind), default=Kind.BOTH)
    parser.add_argument("--stream-percent", type=float, default=25.0, help="share of streamed requests")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for one try")
    parser.add_argument("--model", default="support-model")
    parser.add_argument("--token-file", type=Path, help="file with a bearer token")
    parser.add_argument("--report-file", type=Path, help="write the summary here at the end")
    parser.add_argument("--report-stdout", action="store_true", help="print the summary at the end")
    parser.add_argument("--listen", metavar="HOST:PORT", help="serve /summary, /records and /healthz here")
    parser.add_argument("--stay", action="store_true", help="after the run go on serving until SIGTERM")
    parser.add_argument("--fail-on-error", action="store_true", help="exit with 1 when a request failed")
    arguments = parser.parse_args(argv)
    if not 0 < arguments.rate <= 1000:
        parser.error(f"--rate: found {arguments.rate:g}, allowed: above 0 to 1000")
    if arguments.duration <= 0 or arguments.count < 1:
        parser.error("--duration, --count: must be above 0")
    if arguments.stay and not arguments.listen:
        parser.error("--stay: needs --listen")
    return arguments


def make_app(users: Users) -> web.Application:
    """The page with the summary: /summary, /records (the latest ones, ?last=n), /healthz."""

    async def summary(_request: web.Request) -> web.Response:
        return web.json_response(users.summary.as_dict())

    async def records(request: web.Request) -> web.Response:
        last = request.query.get("last", "1000")
        if not last.isdigit():
            raise web.HTTPBadRequest(text=f"last: found {last!r}, allowed: a whole number")
        latest = list(users.summary.records)[-int(last) :] if int(last) else []
        rows = [{name: getattr(record, name) for name in record.__slots__} for record in latest]
        return web.json_response(rows)

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/summary", summary)
    app.router.add_get("/records", records)
    app.router.add_get("/healthz", healthz)
    return app


def _print(users: Users) -> None:
    sys.stdout.write(json.dumps(users.summary.as_dict()) + "\n")
    sys.stdout.flush()


def make_plan(arguments: argparse.Namespace) -> Plan:
    """The plan that the flags describe."""
    token = arguments.token_file.read_text(encoding="utf-8").strip() if arguments.token_file else None
    return Plan(
        url=arguments.url,
        rate=arguments.rate,
        seconds=arguments.duration,
        count=arguments.count,
        kind=arguments.kind,
        stream_percent=arguments.stream_percent,
        timeout=arguments.timeout,
        model=arguments.model,
        token=token,
    )


async def run(arguments: argparse.Namespace) -> int:
    """Run the users and report; returns 1 when a request failed and --fail-on-error is given, else 0."""
    users = Users(make_plan(arguments))
    ended = asyncio.Event()

    def end() -> None:
        users.stop()
        ended.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGUSR1, _print, users)
    runner = web.AppRunner(make_app(users), access_log=None, shutdown_timeout=0.5)
    if arguments.listen:
        host, _, port = arguments.listen.rpartition(":")
        await runner.setup()
        await web.TCPSite(runner, host, int(port)).start()
        address = runner.addresses[0]
        sys.stderr.write(f"summary at http://{address[0]}:{address[1]}/summary\n")
    await users.run()
    _report(users, arguments)
    if arguments.stay:
        await ended.wait()
    await runner.cleanup()
    return 1 if arguments.fail_on_error and users.summary.failed else 0


def _report(users: Users, arguments: argparse.Namespace) -> None:
    if arguments.report_stdout:
        _print(users)
    if arguments.report_file:
        # renamed, so that nobody reads half a report
        part = arguments.report_file.with_name(arguments.report_file.name + ".part")
        part.write_text(json.dumps(users.summary.as_dict()) + "\n", encoding="utf-8")
        part.replace(arguments.report_file)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse(sys.argv[1:]))))
