"""Owns the use of a cluster that the user has: checks that it answers, keeps a copy of its kubeconfig.

It must not load images, and must not delete anything but the copy: the cluster is not ours.
"""

import os

from tests.cluster import binaries, cache, host, images, progress, state


def up() -> None:
    """Write the current context's kubeconfig into the state folder; StepError when the cluster does not answer."""
    kubectl = str(binaries.ensure("kubectl"))
    view = host.output(kubectl, "config", "view", "--raw", "--minify", "--flatten")
    host.output(kubectl, "get", "--raw", "/readyz", "--request-timeout=10s")
    state.write_mode(state.Mode.EXISTING)
    state.replace_file(state.kubeconfig(), view, 0o600)
    context = host.output(kubectl, "config", "current-context").strip()
    progress.say(f"using the cluster of context {context}; nothing is loaded into it")
    tell_images([name for name, image in images.IMAGES.items() if "/" not in image.tag])


def tell_images(names: list[str]) -> None:
    """Say which images the cluster's nodes must be able to get, and how to bring them there."""
    for name in names:
        tag = images.IMAGES[name].tag
        reference = with_registry(tag)
        if reference == tag and "/" in tag:
            progress.say(f"needed in the cluster: {tag} (an upstream image, which the nodes pull)")
            continue
        progress.say(
            f"needed in the cluster: {reference}. To bring it there: python -m tests.cluster.images save DIR {name}; "
            f"docker load -i DIR/{name}.tar; docker tag {tag} {reference}; docker push {reference}"
        )


def with_registry(tag: str) -> str:
    """Return the reference of an image of our own with REGISTRY in front; an upstream image keeps its name."""
    registry = os.environ.get("REGISTRY", "").rstrip("/")
    return f"{registry}/{tag}" if registry and "/" not in tag else tag


def down() -> None:
    """Forget the cluster; what was installed in it stays."""
    cache.remove_tree(state.folder())
    progress.say("forgot the cluster of the kubeconfig; what was installed in it stays there")
