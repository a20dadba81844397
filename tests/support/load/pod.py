"""Owns the operator as a pod runs it: a service account's files and an address in place of a kubeconfig."""

import shutil
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.apibed import ApiBed
from tests.support.operatorproc import Operator


@dataclass
class PodOperator(Operator):
    """An operator that logs in as in a pod; `kubeconfig` is the folder of its service account."""

    url: str = ""

    def command(self) -> list[str]:  # type: ignore[explicit-override]
        """How it is started."""
        found = urlsplit(self.url)
        process = [sys.executable, "-m", "tests.support.load.as_pod"]
        return [*process, str(self.kubeconfig), str(found.hostname), str(found.port)]


def in_pod(bed: ApiBed, user: str, settings: dict[str, str]) -> PodOperator:
    """An operator of this user that is not started."""
    folder = bed.server.folder / "serviceaccount"
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(bed.token(user))
    shutil.copy(bed.ca, folder / "ca.crt")
    return PodOperator(folder, bed.server.folder / "operator.log", settings, url=bed.url)
