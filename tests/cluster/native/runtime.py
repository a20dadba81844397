"""Owns what containerd holds: which image archives are imported, once each.

It must not build archives.
"""

import hashlib
from pathlib import Path

from tests.cluster import host, state
from tests.cluster.native.layout import Layout


def import_archive(layout: Layout, name: str, archive: Path) -> bool:
    """Import an archive unless this very one (by its path, which carries its content's key) is there; tell which."""
    mark = layout.imported / hashlib.sha256(name.encode()).hexdigest()[:16]
    wanted = f"{name} {archive.parent.name}\n"
    if mark.is_file() and mark.read_text() == wanted:
        return False
    ctr(layout, "images", "import", str(archive))
    state.replace_file(mark, wanted)
    return True


def answers(layout: Layout) -> bool:
    """Tell whether containerd answers on its socket."""
    return layout.containerd_socket.is_socket() and bool(ctr(layout, "version"))


def ctr(layout: Layout, *arguments: str) -> str:
    """Run containerd's own client in the namespace of Kubernetes."""
    return host.output("ctr", "--address", str(layout.containerd_socket), "--namespace", "k8s.io", *arguments)
