"""Owns the yardstick of the load ring: a bare client that applies as the operator does, and what that costs it.

No queue, no plan, no memory, no metrics: aiohttp, JSON and the connection. It runs as a process of its own, on the same
machine in the same minute, so that what it needs can be held against what the operator needs.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from serinus.shell import wire
from serinus.shell.login import load_credentials, open_session

CALLS = 600
_AT_ONCE = 16
_ROWS = 40
"""Of a ConfigMap of about the size of a child: 2.5 KiB with what the server adds."""


def manifest(namespace: str, number: int) -> dict[str, Any]:
    """One child of ordinary size."""
    labels = {f"example.dev/label-{i}": "value" for i in range(6)}
    metadata = {"name": f"bare-{number}", "namespace": namespace, "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {f"key-{i}": "v" for i in range(_ROWS)},
    }


async def measure(kubeconfig: Path, namespace: str) -> float:
    """Milliseconds of CPU of one server-side apply: request, answer, both as JSON, over TLS."""
    credentials = load_credentials(kubeconfig)
    headers = {**credentials.headers(), "Content-Type": "application/apply-patch+yaml"}
    numbers = iter(range(CALLS))
    async with open_session(credentials, connections=_AT_ONCE) as session:

        async def work() -> None:
            for number in numbers:
                body = manifest(namespace, number)
                path = f"/api/v1/namespaces/{namespace}/configmaps/{body['metadata']['name']}"
                query = {"fieldManager": "bare", "force": "false"}
                url = credentials.server + path
                async with session.patch(url, params=query, data=wire.encode(body), headers=headers) as answer:
                    answer.raise_for_status()
                    wire.decode(await answer.read())

        started = time.process_time()
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        return 1000 * (time.process_time() - started) / CALLS


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), sys.argv[2]))))
