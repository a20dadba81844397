"""Owns what `up`, `down` and `status` mean in each mode, and how images reach the cluster.

It must not know details of a mode: those are in native/, kind_cluster.py and existing.py.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.cluster import cache, existing, images, kind_cluster, kubectl, state
from tests.cluster.mode import choose, facts
from tests.cluster.native import down as native_down
from tests.cluster.native import up as native_up
from tests.cluster.progress import StepError
from tests.cluster.state import Mode


def ensure(*, use_kubeconfig: bool = False) -> Path:
    """Bring a cluster up in the mode that this host allows, or find it running; return its kubeconfig's path."""
    with exclusive():
        up(choose(facts(use_kubeconfig=use_kubeconfig), state.read_mode()))
    return state.kubeconfig()


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Hold the lock under which clusters come and go on this host."""
    with cache.lock(cache.root() / "locks" / "cluster.lock", "the test cluster"):
        yield


def up(mode: Mode) -> None:
    """Bring the cluster of a mode up; the state folder's kubeconfig works afterwards."""
    match mode:
        case Mode.NATIVE:
            native_up.up()
        case Mode.KIND:
            kind_cluster.up()
        case Mode.EXISTING:
            existing.up()


def down(mode: Mode | None, *, keep: bool) -> None:
    """Remove the cluster; without a known mode, whatever a native one may have left."""
    match mode:
        case Mode.NATIVE | None:
            native_down.down(keep)
        case Mode.KIND:
            kind_cluster.down()
        case Mode.EXISTING:
            existing.down()


def load(*names: str) -> None:
    """Give the cluster the newest archives of the named images; a cluster of the user's own is told what it needs."""
    for name in names:
        if name not in images.IMAGES:
            raise StepError(f"unknown image {name!r}; known: {', '.join(sorted(images.IMAGES))}")
    match state.read_mode():
        case Mode.NATIVE:
            native_up.import_images(list(names))
        case Mode.KIND:
            kind_cluster.load(list(names))
        case Mode.EXISTING:
            existing.tell_images(list(names))
        case None:
            raise StepError("no test cluster to load images into; run `python -m tests.cluster up`")


def image(name: str) -> str:
    """Return the reference under which pods name the image `name`: with REGISTRY in front in a user's cluster."""
    tag = images.IMAGES[name].tag
    return existing.with_registry(tag) if state.read_mode() is Mode.EXISTING else tag


def status(mode: Mode | None) -> tuple[list[str], bool]:
    """Return lines for people, and whether every node is Ready."""
    if mode is None:
        return ["no test cluster", *(f"left over: {line}" for line in native_down.leftovers())], False
    lines = [f"mode: {mode.value}", f"kubeconfig: {state.kubeconfig()}"]
    path = "{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=='Ready')].status} {end}"
    try:
        nodes = kubectl.kubectl("get", "nodes", "-o", f"jsonpath={path}", "--request-timeout=5s").split()
    except StepError as problem:
        return [*lines, f"the API server does not answer: {problem}"], False
    return [*lines, f"nodes: {' '.join(nodes)}"], bool(nodes) and all(node.endswith("=True") for node in nodes)


def check_clean() -> list[str]:
    """Return what a native cluster left on this host, one line each; nothing after a complete `down`."""
    return native_down.leftovers()
