"""A user's own cluster, and kind: the first for real against the native cluster, the second with a fake `kind`.

Docker does not run everywhere these tests do. The fake records what it is called with and hands out the native
cluster's kubeconfig, so what is tested is our side: the calls, the marks, the files.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import clusters, images, kind_cluster, state
from tests.cluster.lifecycle import REPOSITORY
from tests.cluster.progress import StepError
from tests.cluster.state import Mode

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

FAKE_KIND = """\
#!/bin/sh
echo "$*" >> {calls}
case "$1 $2" in
"get clusters") cat {clusters} ;;
"create cluster") echo serinus >> {clusters} ;;
"delete cluster") : > {clusters} ;;
"get kubeconfig") cat {kubeconfig} ;;
esac
"""


@pytest.fixture(scope="module")
def native() -> Path:
    """The kubeconfig of a real cluster."""
    return clusters.ensure()


@pytest.fixture
def own_state(native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERINUS_CLUSTER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def calls(native: Path, tmp_path: Path, own_state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The record of the fake kind's calls; the fake is first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    record, known = tmp_path / "calls", tmp_path / "clusters"
    known.touch()
    record.touch()
    (folder / "kind").write_text(FAKE_KIND.format(calls=record, clusters=known, kubeconfig=native))
    (folder / "kind").chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(folder), prepend=":")
        yield record


def command(*arguments: str, kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"KUBECONFIG": str(kubeconfig), "REGISTRY": "registry.example.org"}
    return subprocess.run(
        [sys.executable, "-m", "tests.cluster", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_users_cluster_is_used_and_forgotten_but_never_removed(native: Path, own_state: Path) -> None:
    up = command("up", "--use-kubeconfig", kubeconfig=native)
    assert up.returncode == 0, up.stderr
    assert up.stdout.strip() == str(own_state / "kubeconfig")
    assert "needed in the cluster: registry.example.org/serinus:dev" in up.stderr
    assert state.read_mode() is Mode.EXISTING
    status = command("status", kubeconfig=Path("/nowhere"))
    assert "mode: existing" in status.stdout
    assert "=True" in status.stdout
    down = command("down", kubeconfig=native)
    assert down.returncode == 0, down.stderr
    assert not own_state.exists()
    assert native.is_file()


def test_a_users_cluster_that_does_not_answer_is_refused_and_leaves_nothing(native: Path, own_state: Path) -> None:
    dead = own_state.with_name("dead-kubeconfig")
    dead.write_text(native.read_text().replace(":6443", ":1"))
    up = command("up", "--use-kubeconfig", kubeconfig=dead)
    assert up.returncode == 1
    assert "readyz" in up.stderr
    assert not own_state.exists()


def test_kind_is_created_once_loaded_once_for_each_content_and_deleted(calls: Path, own_state: Path) -> None:
    kind_cluster.up()
    kind_cluster.up()
    assert state.read_mode() is Mode.KIND
    clusters.load("pause")
    clusters.load("pause")
    kind_cluster.down()
    said = calls.read_text().splitlines()
    assert [line for line in said if line.startswith("create")] == [
        f"create cluster --name serinus --kubeconfig {own_state}/kubeconfig --wait 120s"
    ]
    assert [line for line in said if line.startswith("load")] == [
        f"load image-archive {images.build('pause')} --name serinus"
    ]
    assert said[-1] == "delete cluster --name serinus"
    assert not own_state.exists()


def test_a_failing_kind_is_reported_in_its_own_words(calls: Path) -> None:
    fake = Path(calls).with_name("bin") / "kind"
    fake.write_text("#!/bin/sh\necho 'ERROR: no nodes found' >&2\nexit 1\n")
    with pytest.raises(StepError, match=r"`kind get clusters` ended with 1: ERROR: no nodes found"):
        kind_cluster.up()
