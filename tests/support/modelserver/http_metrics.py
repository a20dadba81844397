"""The HTTP metrics that vLLM's instrumentator adds beside the engine's.

It owns counting requests by handler, method and status class; it must not change a response.
"""

import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, Summary

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOT_COUNTED = frozenset({"/health", "/metrics"})
_FINE = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5),
    *(10, 30, 60),
)


class HttpMetrics:
    """Counts what `middleware` lets through; /health and /metrics are not counted, as in vLLM."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "http_requests",
            "Total number of requests by method, status and handler.",
            ("handler", "status", "method"),
            registry=registry,
        )
        self._asked = Summary(
            "http_request_size_bytes", "Content length of requests by handler.", ("handler",), registry=registry
        )
        self._sent = Summary(
            "http_response_size_bytes", "Content length of responses by handler.", ("handler",), registry=registry
        )
        self._fine = Histogram(
            "http_request_duration_highr_seconds", "Latency with many buckets.", buckets=_FINE, registry=registry
        )
        self._coarse = Histogram(
            "http_request_duration_seconds",
            "Latency with only few buckets by handler.",
            ("handler", "method"),
            buckets=(0.1, 0.5, 1),
            registry=registry,
        )

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Time and count one request; a client that leaves before the answer is not counted, for it has no status."""
        began = time.perf_counter()
        try:
            response = await handler(request)
        except web.HTTPException as refused:
            self._count(request, refused.status, 0, time.perf_counter() - began)
            raise
        except Exception:
            self._count(request, 500, 0, time.perf_counter() - began)
            raise
        self._count(request, response.status, response.content_length or 0, time.perf_counter() - began)
        return response

    def _count(self, request: web.Request, status: int, sent: int, seconds: float) -> None:
        if request.path in NOT_COUNTED:
            return
        resource = request.match_info.route.resource
        handler = resource.canonical if resource is not None else "none"
        self._total.labels(handler, f"{status // 100}xx", request.method).inc()
        self._asked.labels(handler).observe(request.content_length or 0)
        self._sent.labels(handler).observe(sent)
        self._fine.observe(seconds)
        self._coarse.labels(handler, request.method).observe(seconds)
