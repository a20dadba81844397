"""The receiver's web server: notifications in, lines and a list out.

It owns the routes and the bounded list; it must not interpret alerts.
"""

import sys
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from .page import InvalidNotification, Page, read_pages

KEPT = 1000


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Receiver:
    """Keeps the latest pages and says each in one line; `total` counts all that came."""

    def __init__(self, kept: int = KEPT, say: Callable[[str], None] = _print) -> None:
        self.pages: deque[Page] = deque(maxlen=kept)
        self.total = 0
        self._say = say

    async def notify(self, request: web.Request) -> web.Response:
        """Take one notification; 400 with the field's name when it is none."""
        received = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            pages = read_pages(await request.json(), received)
        except ValueError as error:
            reason = str(error) if isinstance(error, InvalidNotification) else f"body: not JSON: {error}"
            return web.json_response({"error": reason}, status=400)
        for page in pages:
            self.total += 1
            self.pages.append(page)
            self._say(page.line())
        return web.json_response({"received": len(pages)})

    async def alerts(self, _request: web.Request) -> web.Response:
        """The latest pages, oldest first."""
        return web.json_response({"total": self.total, "alerts": [page.as_dict() for page in self.pages]})

    async def healthz(self, _request: web.Request) -> web.Response:
        """Alive."""
        return web.Response(text="ok\n")


def make_app(receiver: Receiver) -> web.Application:
    """The application: POST to any path, GET /alerts and /healthz."""
    app = web.Application(client_max_size=4 << 20)
    app.router.add_get("/alerts", receiver.alerts)
    app.router.add_get("/healthz", receiver.healthz)
    app.router.add_post("/{path:.*}", receiver.notify)
    return app
