"""Entry point of `python -m tests.support.receiver`.

It owns flags and signals; it must not read notifications.
"""

import argparse
import asyncio
import signal
import sys

from aiohttp import web

from .server import KEPT, Receiver, make_app


async def serve(host: str, port: int, kept: int) -> None:
    """Receive until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(make_app(Receiver(kept)), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    address = runner.addresses[0]
    sys.stdout.write(f"receiving at http://{address[0]}:{address[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and receive."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.receiver",
        description="Print every alert that Alertmanager sends to this webhook in one line; list them at /alerts.",
    )
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8080, help="0 = any free one")
    parser.add_argument("--keep", type=int, default=KEPT, help="how many alerts /alerts remembers")
    arguments = parser.parse_args(argv)
    asyncio.run(serve(arguments.host, arguments.port, arguments.keep))
    return 0


if __name__ == "__main__":
    sys.exit(main())
