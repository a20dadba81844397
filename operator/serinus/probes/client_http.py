"""One HTTP call: a new connection, no redirects, no cookies, bounded bodies, connecting timed apart from reading.

It knows nothing of what is asked, of models or of scores.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

MAX_BODY: Final = 4 * 1024 * 1024
CONNECT_SECONDS: Final = 10.0
MAX_WAIT: Final = 30.0
"""Seconds that a busy server may make a call wait before it is asked again."""

Feed = Callable[[bytes, float], None]
"""Takes a part of a body and the milliseconds since the call began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete response; `body` is None where it was larger than 4 MiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Unreachable(Exception):
    """Nobody took the call: nothing was sent, so that it may be sent again."""


class CallFailed(Exception):
    """Somebody took the call, and gave no complete response: it may have been acted on."""


class Transport:
    """An asynchronous context. `timeout`: seconds for a response, connecting apart."""

    def __init__(
        self,
        *,
        timeout: float,
        token: str = "",
        connect: float = CONNECT_SECONDS,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._timeout = timeout
        self._connect = connect
        self._session: aiohttp.ClientSession | None = None
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Type": "application/json",
            "User-Agent": "serinus-probe",
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **dict(headers),
        }

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0, ttl_dns_cache=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            # The whole may last for both, so that a slow connection takes nothing from the answer's own time.
            timeout=aiohttp.ClientTimeout(
                total=self._timeout + self._connect, connect=self._connect, sock_read=self._timeout
            ),
            headers=self._headers,
            skip_auto_headers=("Accept-Encoding",),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, feed: Feed | None = None) -> Response:
        """Send a body; raises Unreachable or CallFailed. `feed` sees a successful body as it comes."""
        assert self._session is not None
        start = time.perf_counter()
        try:
            async with self._session.post(url, data=body, allow_redirects=False) as response:
                content = await _bounded(response, feed if response.status == 200 else None, start)
                return Response(status=response.status, headers=response.headers, body=content)
        except aiohttp.ClientConnectorError as e:
            raise Unreachable(f"no connection: {e.os_error.strerror or type(e.os_error).__name__}") from e
        except aiohttp.ConnectionTimeoutError as e:
            raise Unreachable(f"no connection within {self._connect:g} s") from e
        except TimeoutError as e:
            raise CallFailed(f"no answer within {self._timeout:g} s") from e
        except (aiohttp.ClientError, ConnectionError) as e:
            raise CallFailed(f"the connection was cut: {type(e).__name__}") from e


async def _bounded(response: aiohttp.ClientResponse, feed: Feed | None, start: float) -> bytes | None:
    """The body, or None when it is larger than 4 MiB."""
    parts: list[bytes] = []
    size = 0
    async for part in _parts(response):
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
        if feed is not None:
            feed(part, (time.perf_counter() - start) * 1000)
    return b"".join(parts)


def _parts(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    return response.content.iter_any()


def retry_after(text: str) -> float:
    """Seconds that a server asks for; 0 where it did not say, or said a date."""
    text = text.strip()
    return float(text[:6]) if text.isascii() and text.isdigit() else 0.0


async def pause(asked: float, times: int, chance: float) -> None:
    """Wait as long as a busy server asks, at most 30 s; else longer each time, by chance (in [0, 1])."""
    await asyncio.sleep(min(MAX_WAIT, asked if asked > 0 else 2.0 ** min(times, 5) * chance))
