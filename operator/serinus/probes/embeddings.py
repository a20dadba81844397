"""The embeddings endpoint of a run: texts in, vectors out, each text asked for once. It compares nothing."""

import asyncio
import json
import math
import random
from collections.abc import Sequence
from typing import Any, Final, Self

from serinus.core.judge import JudgeSpec
from serinus.probes.client_http import CallFailed, Response, Transport, Unreachable, pause, retry_after
from serinus.probes.judge import AT_ONCE, DEFAULT_PATIENCE, Patience, Spent, api_url
from serinus.probes.ports import NoVerdict

Vector = tuple[float, ...]
MAX_LENGTH: Final = 16_384
MAX_TEXT: Final = 32_768
"""Characters of a text that are sent: no model of today reads more."""
_MAX_REMEMBERED: Final = 5_000


class EmbeddingsClient:
    """One endpoint as an asynchronous context; raises NoVerdict for whatever goes wrong."""

    def __init__(self, spec: JudgeSpec, url: str, *, token: str = "", patience: Patience = DEFAULT_PATIENCE) -> None:
        self.spent = Spent()
        self._model = spec.model
        self._url = api_url(url, "embeddings")
        self._patience = patience
        self._transport = Transport(timeout=patience.timeout, token=token, connect=patience.connect)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._known: dict[str, Vector] = {}
        self._chance = random.Random()  # noqa: S311 - spreads waiting, no secret

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.__aexit__()

    async def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector for each text, all of one length; raises NoVerdict."""
        wanted = [text[:MAX_TEXT] for text in texts]
        missing = list(dict.fromkeys(text for text in wanted if text not in self._known))
        fresh = dict(zip(missing, await self._ask(missing), strict=True)) if missing else {}
        if len(self._known) + len(fresh) <= _MAX_REMEMBERED:
            self._known |= fresh
        found = [fresh[text] if text in fresh else self._known[text] for text in wanted]
        if len({len(vector) for vector in found}) > 1:
            raise NoVerdict("embeddings: found vectors of different lengths")
        return found

    async def _ask(self, texts: list[str]) -> list[Vector]:
        body = json.dumps({"model": self._model, "input": texts, "encoding_format": "float"}).encode()
        async with self._turn:
            response = await self._send(body)
        if response.status != 200:
            raise NoVerdict(f"embeddings: the endpoint answered with {response.status}")
        try:
            document = json.loads(response.body or b"")
            rows = sorted(document["data"], key=lambda row: row["index"])
            vectors = [_vector(row["embedding"]) for row in rows]
            tokens = (document.get("usage") or {}).get("total_tokens", 0)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            raise NoVerdict(f"embeddings: the response is none: {e}") from e
        if len(vectors) != len(texts):
            raise NoVerdict(f"embeddings: found {len(vectors)} vectors for {len(texts)} texts")
        self.spent.tokens += tokens if type(tokens) is int and 0 <= tokens < 10_000_000 else 0
        return vectors

    async def _send(self, body: bytes) -> Response:
        pauses, busy, waited = iter(self._patience.pauses), 0, 0.0
        while True:
            self.spent.calls += 1
            try:
                found = await self._transport.post(self._url, body)
                if found.status == 429 and waited <= self._patience.busy:
                    busy += 1
                    asked = retry_after(found.headers.get("Retry-After", "")) or 2.0 ** min(busy, 5)
                    waited += min(30.0, asked)
                    await pause(asked, busy, self._chance.random())
                    continue
                if found.status < 500:
                    return found
                problem = f"the endpoint answered with {found.status}"
            except (Unreachable, CallFailed) as e:
                problem = str(e)
            wait = next(pauses, None)
            if wait is None:
                raise NoVerdict(f"embeddings: {problem}")
            await asyncio.sleep(wait)


def _vector(raw: Any) -> Vector:
    if not isinstance(raw, list) or not 0 < len(raw) <= MAX_LENGTH:
        raise ValueError(f"allowed is a list of 1 to {MAX_LENGTH} numbers")
    vector = tuple(float(x) for x in raw)
    if not all(math.isfinite(x) for x in vector):
        raise ValueError("allowed are finite numbers")
    return vector
