"""A program for one test: it leads when it can, and writes as fast as it can through the fence.

`python -m tests.engine.fenced_writer <kubeconfig> <namespace> <identity>`; prints the version of each of its writes.
"""

import asyncio
import os
import sys
from pathlib import Path

from serinus.shell.election import Elector
from serinus.shell.kinds import LEASES, Kind
from serinus.shell.kube import Api
from serinus.shell.limits import Limiter
from serinus.shell.login import login, open_session
from serinus.shell.settings import LeaseSettings
from serinus.shell.transport import Timeouts, Transport

_CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")


def _end(why: str) -> None:
    print(f"lost: {why}", flush=True)
    os._exit(1)


async def main(kubeconfig: Path, namespace: str, identity: str) -> None:
    """Lead and write until ended."""
    lease = LeaseSettings("serinus", namespace, identity, 3.0, 2.0, 0.5, 0.8)
    credentials = await login(kubeconfig)
    timeouts = Timeouts(read=lease.write_timeout, write=lease.write_timeout)
    async with open_session(credentials, connections=8) as session:

        def client(**more: object) -> Api:
            limiter = Limiter(qps=1000, burst=1000, concurrency=4)
            transport = Transport(session, credentials, limiter, timeouts=timeouts, **more)  # type: ignore[arg-type]
            return Api(transport, field_manager="serinus", kinds=[LEASES, _CONFIG_MAPS])

        elector = Elector(client(), lease, on_lost=_end)
        api = client(fence=elector.assert_leader)

        async def lead() -> None:
            count = 0
            while True:
                count += 1
                metadata = {"name": f"written-by-{identity}", "namespace": namespace}
                manifest = {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": metadata,
                    "data": {"count": str(count)},
                }
                body, _ = await api.apply(manifest, force=True)
                print(body["metadata"]["resourceVersion"], flush=True)

        await elector.run(lead)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
