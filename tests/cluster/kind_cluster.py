"""Owns the test cluster in kind, where Docker runs: made, given images, removed by kind itself.

It must not touch another kind cluster of the user.
"""

from tests.cluster import binaries, cache, host, images, progress, state, waiting

NAME = "serinus"


def up() -> None:
    """Create the kind cluster unless it is there, and write its kubeconfig into the state folder."""
    binaries.ensure("kubectl")
    state.write_mode(state.Mode.KIND)
    if NAME not in host.output("kind", "get", "clusters").split():
        progress.say("creating the kind cluster (1-3 min when its node image is not there yet)")
        log = state.folder() / "kind.log"
        command = ["kind", "create", "cluster", "--name", NAME, "--kubeconfig", str(state.kubeconfig())]
        progress.run([*command, "--wait", "120s"], "kind create cluster", log, cwd=state.folder())
    state.replace_file(state.kubeconfig(), host.output("kind", "get", "kubeconfig", "--name", NAME), 0o600)
    kubectl = [str(binaries.ensure("kubectl")), "--kubeconfig", str(state.kubeconfig())]
    command = [*kubectl, "wait", "--for=condition=Ready", "node", "--all", "--timeout=2s"]
    waiting.wait_for(lambda: host.output(*command), 120.0, "the kind node")


def load(names: list[str]) -> None:
    """Load the archives into kind's node, each version once."""
    for name in names:
        archive = images.build(name)
        mark = state.folder() / "images" / name
        if mark.is_file() and mark.read_text() == archive.parent.name:
            continue
        host.output("kind", "load", "image-archive", str(archive), "--name", NAME)
        state.replace_file(mark, archive.parent.name)
        progress.say(f"loaded image {name}")


def down() -> None:
    """Delete the kind cluster and the state folder."""
    host.output("kind", "delete", "cluster", "--name", NAME)
    cache.remove_tree(state.folder())
