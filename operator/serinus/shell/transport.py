"""One HTTP exchange with the API server: credentials, bounds, the fence, retries, errors.

It knows verbs and paths and no object; what a path means is `kube.py`'s.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from serinus.shell import wire
from serinus.shell.api_errors import Unavailable, error_of, unanswered
from serinus.shell.limits import Limiter
from serinus.shell.login import Credentials, LoginFailed
from serinus.shell.request import METHODS, Call, Request, Target

__all__ = ["Call", "Request", "Target", "Timeouts", "Transport"]

MAX_BODY = 32 * 1024 * 1024
MAX_PAUSE = 2.0
SILENCE = "Silence"
"""Reason of a stream that was opened, and then said nothing for too long."""
_CONNECT = 5.0
_TOKEN_AGE = 60.0
_RETRIES = 2
_FIRST_DELAY = 0.1
_NETWORK = (aiohttp.ClientError, TimeoutError, OSError)
_log = logging.getLogger(__name__)
_jitter = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a whole read or write may take; `write` plus the renew deadline stays below the lease's duration."""

    read: float = 30.0
    write: float = 4.0


class Transport:
    """Sends requests. `fence` is called immediately before every write, `observers` after every exchange."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        limiter: Limiter,
        *,
        timeouts: Timeouts = Timeouts(),
        fence: Callable[[], None] = lambda: None,
        observers: Sequence[Callable[[Call], None]] = (),
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._limiter = limiter
        self._read_timeout = aiohttp.ClientTimeout(total=timeouts.read, sock_connect=_CONNECT)
        self._write_timeout = aiohttp.ClientTimeout(total=timeouts.write, sock_connect=_CONNECT)
        self._fence = fence
        self._observers = tuple(observers)
        self._token_read_at = float("-inf")

    async def send(self, request: Request) -> tuple[int, Any]:
        """Status code and parsed JSON of a call that succeeded; raises ApiError, or what the fence raises."""
        retries, renewed = 0, False
        while True:
            try:
                return await self._exchange(request)
            except Unavailable as error:
                if error.code == HTTPStatus.UNAUTHORIZED and not renewed:
                    renewed = True
                    await self._renew()
                    continue
                if error.code == HTTPStatus.TOO_MANY_REQUESTS:
                    self._limiter.pause(min(error.retry_after or 0.0, MAX_PAUSE))
                delay = _FIRST_DELAY * 2**retries * (1 + _jitter()) if error.retry_after is None else error.retry_after
                if not request.again or retries >= _RETRIES or delay > MAX_PAUSE:
                    raise
                retries += 1
            await asyncio.sleep(delay)

    async def lines(self, request: Request, *, inactivity: float) -> AsyncGenerator[bytes, None]:
        """Lines of a stream until the server ends it; Unavailable after `inactivity` seconds without a byte."""
        await self._limiter.token()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=inactivity)
        code, started = 0, asyncio.get_running_loop().time()
        try:
            async with self._open(request, timeout) as response:
                code = response.status
                if code != HTTPStatus.OK:
                    raise error_of(request.what, code, await _read(response, request), response.headers)
                self._note(request, code, started)
                try:
                    async with aclosing(_split(response, request)) as lines:
                        async for line in lines:
                            yield line
                finally:
                    _abort(response)
        except TimeoutError as error:
            what = SILENCE if code == HTTPStatus.OK else type(error).__name__
            raise unanswered(request.what, what, f"not a byte for {inactivity} s") from error
        except _NETWORK as error:
            raise unanswered(request.what, type(error).__name__, str(error)) from error
        finally:
            if code != HTTPStatus.OK:
                self._note(request, code, started)
            if code == HTTPStatus.UNAUTHORIZED:
                await self._renew()

    async def _exchange(self, request: Request) -> tuple[int, Any]:
        if self._credentials.token_file and asyncio.get_running_loop().time() - self._token_read_at > _TOKEN_AGE:
            await self._renew()
        async with self._limiter:
            if request.writes:
                self._fence()
            code, started = 0, asyncio.get_running_loop().time()
            timeout = self._write_timeout if request.writes else self._read_timeout
            try:
                async with self._open(request, timeout) as response:
                    body = await _read(response, request)
                    code = response.status
            except _NETWORK as error:
                raise unanswered(request.what, type(error).__name__, str(error)) from error
            finally:
                self._note(request, code, started)
        if code >= HTTPStatus.MULTIPLE_CHOICES:
            raise error_of(request.what, code, body, response.headers)
        return code, _parse(body, request)

    def _open(self, request: Request, timeout: aiohttp.ClientTimeout) -> Any:
        headers = {**self._credentials.headers(), "Accept": request.accept}
        data = None
        if request.body is not None:
            headers["Content-Type"] = request.content_type
            data = wire.encode(request.body)
        return self._session.request(
            METHODS[request.verb],
            URL(self._credentials.server + request.address, encoded=True),
            data=data,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            server_hostname=self._credentials.tls_server_name,
        )

    async def _renew(self) -> None:
        self._token_read_at = asyncio.get_running_loop().time()
        try:
            self._credentials = await asyncio.to_thread(self._credentials.reload)
        except LoginFailed as error:
            _log.warning("credentials not renewed: %s", error)

    def _note(self, request: Request, code: int, started: float) -> None:
        call = Call(request.verb, request.target, code, asyncio.get_running_loop().time() - started)
        for observer in self._observers:
            observer(call)


async def _read(response: aiohttp.ClientResponse, request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            response.close()
            raise unanswered(request.what, "BodyTooLarge", f"more than {MAX_BODY} bytes in one answer")
        chunks.append(chunk)
    return b"".join(chunks)


def _abort(response: aiohttp.ClientResponse) -> None:
    """Drop the connection of a stream that is left early, without the TLS farewell that nobody would wait for."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


async def _split(response: aiohttp.ClientResponse, request: Request) -> AsyncGenerator[bytes, None]:
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_BODY:
            raise unanswered(request.what, "BodyTooLarge", f"more than {MAX_BODY} bytes in one event")
        for line in lines:
            if line.strip():
                yield line


def _parse(body: bytes, request: Request) -> Any:
    try:
        return wire.decode(body)
    except ValueError as error:
        raise unanswered(request.what, "BadBody", f"the answer is not JSON: {error}") from error
