"""Owns calls of kubectl against the test cluster, with the kubeconfig that `up` wrote.

It must not start a cluster: a missing kubeconfig is an error that names the command to run.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.cluster import binaries, host, state
from tests.cluster.progress import StepError
from tests.cluster.waiting import wait_for

__all__ = ["environment", "kubectl", "popen", "proxy", "wait_available", "wait_for"]


def kubectl(*arguments: str, input: str | None = None) -> str:  # noqa: A002 - the name that subprocess has
    """Run kubectl against the test cluster and return what it printed; StepError with its words when it fails."""
    return host.output(*_command(), *arguments, stdin=input)


def popen(*arguments: str, stdout: int | None = None) -> subprocess.Popen[str]:
    """Start kubectl in the background (port-forward, watch, logs -f); the caller ends it."""
    return subprocess.Popen(
        [*_command(), *arguments], stdin=subprocess.DEVNULL, stdout=stdout, text=True, start_new_session=True
    )


@contextlib.contextmanager
def proxy() -> Iterator[str]:
    """Yield the address on loopback at which `kubectl proxy` answers for the API server while the block runs."""
    process = popen("proxy", "--port=0", stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        said = process.stdout.readline().split()
        if not said:
            raise StepError(f"`kubectl proxy` ended with {process.wait()} before it served")
        yield f"http://{said[-1]}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def environment() -> dict[str, str]:
    """Return this process's environment with KUBECONFIG set to the test cluster's and its kubectl first on PATH."""
    path = f"{binaries.ensure('kubectl').parent}:{os.environ.get('PATH', '')}"
    return os.environ | {"KUBECONFIG": str(_kubeconfig()), "PATH": path}


def wait_available(kind: str, name: str, namespace: str, deadline: float) -> None:
    """Wait until a Deployment or StatefulSet has rolled out its newest generation with every replica ready."""
    what = f"{kind} {namespace}/{name}"
    wait_for(lambda: kubectl("-n", namespace, "rollout", "status", f"{kind}/{name}", "--timeout=2s"), deadline, what)


def _command() -> list[str]:
    return [str(binaries.ensure("kubectl")), "--kubeconfig", str(_kubeconfig())]


def _kubeconfig() -> Path:
    path = state.kubeconfig()
    if not path.is_file():
        raise StepError(f"no test cluster: {path} is missing; run `python -m tests.cluster up`")
    return path
