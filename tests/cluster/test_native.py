"""The native cluster comes, goes, and survives being killed at any point.

These tests need root on Debian or Ubuntu, and the host to themselves: run them without pytest-xdist. A cluster that
runs already is put aside with its data and brought back.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import clusters, state
from tests.cluster.host import output
from tests.cluster.lifecycle import (
    apply_workload,
    finish,
    foreign_things,
    host_to_ourselves,
    kill_daemons,
    kill_everything,
    kill_when,
    pods,
    run,
    runs,
    workload_answers,
)
from tests.cluster.native import firewall, layout, network, processes, sysctls
from tests.cluster.native.commands import NAMES
from tests.cluster.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def own_host() -> Iterator[None]:
    with host_to_ourselves():
        yield


@pytest.fixture
def clean_host(own_host: None) -> Iterator[None]:
    """A host with no trace of a cluster before and after."""
    finish(run("down"))
    assert clusters.check_clean() == []
    yield
    finish(run("down"))
    assert clusters.check_clean() == []


@pytest.fixture
def workload(own_host: None) -> None:
    finish(run("up"))
    apply_workload()


def pids() -> dict[str, int]:
    found = processes.running(layout.current())
    return {f.name: f.pid for f in found if f.program in {"kube", "containerd"}}


def settings() -> dict[str, str]:
    names = (*sysctls.WANTED, *sysctls.CHANGED_BY_OTHERS)
    return {name: (sysctls.SYS / name).read_text() for name in names if (sysctls.SYS / name).is_file()}


def test_up_up_down_starts_once_and_leaves_nothing_but_what_was_there(clean_host: None) -> None:
    before = settings()
    with foreign_things() as are_there:
        said = finish(run("up"))
        assert str(state.kubeconfig()) in said
        first = pids()
        assert sorted(first) == sorted(NAMES)
        kinds = {line.split()[0] for line in clusters.check_clean()}
        assert kinds >= {"process", "mount", "link", "chain", "control", "file", "state"}
        finish(run("up"))
        assert pids() == first
        assert "nodes: serinus=True" in finish(run("status"))
        finish(run("down"))
        assert clusters.check_clean() == []
        assert settings() == before
        assert are_there()
    finish(run("down"))


def test_killed_control_plane_comes_back_and_pods_are_not_touched(workload: None) -> None:
    before = pods()
    kill_daemons("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
    finish(run("up"))
    assert workload_answers()
    assert pods() == before


def test_killed_containerd_comes_back_and_pods_are_not_touched(workload: None) -> None:
    before = pods()
    kill_daemons("containerd")
    assert workload_answers()
    finish(run("up"))
    assert pods() == before


def test_after_everything_was_killed_the_pods_are_started_again(workload: None) -> None:
    before = pods()
    kill_everything()
    assert not workload_answers()
    finish(run("up"))
    wait_for(workload_answers, 60.0, "the workload after the crash")
    wait_for(lambda: pods() == {name: count + 1 for name, count in before.items()}, 60.0, "one restart of each pod")


def test_data_survives_down_with_keep(workload: None) -> None:
    before = pods()
    finish(run("down --keep"))
    assert [line for line in clusters.check_clean() if not line.startswith("state folder")] == []
    finish(run("up"))
    wait_for(workload_answers, 60.0, "the workload after down --keep")
    assert set(pods()) == set(before)


def test_a_changed_address_of_the_bridge_is_repaired(workload: None) -> None:
    kill_everything()
    output("ip", "address", "add", "10.99.0.1/24", "dev", layout.BRIDGE)
    output("ip", "address", "del", network.ADDRESS, "dev", layout.BRIDGE)
    finish(run("up"))
    wait_for(workload_answers, 60.0, "the workload after the repair")
    assert network.addresses() == [network.ADDRESS]


def test_down_after_everything_but_shims_and_pods_was_killed_leaves_nothing(workload: None) -> None:
    kill_daemons(*NAMES)
    assert clusters.check_clean() != []
    finish(run("down"))
    assert clusters.check_clean() == []


@pytest.mark.parametrize("daemon", ["etcd", "kube-apiserver", "containerd", "kubelet", "kube-proxy"])
def test_up_that_was_killed_is_continued_by_the_next(clean_host: None, daemon: str) -> None:
    kill_when(run("up"), lambda: runs(daemon), f"the start of {daemon}")
    assert runs(daemon)
    finish(run("up"))
    apply_workload()


def test_up_that_was_killed_among_certificates_is_continued_by_the_next(clean_host: None) -> None:
    certificate = layout.current().certificates / "apiserver.crt"
    kill_when(run("up"), certificate.is_file, "the API server's certificate")
    finish(run("up"))
    apply_workload()


@pytest.mark.parametrize("gone", ["kubelet", "containerd", "kube-apiserver", "link"])
def test_down_that_was_killed_is_finished_by_the_next(workload: None, gone: str) -> None:
    bridge = Path(f"/sys/class/net/{layout.BRIDGE}")
    moment = (lambda: not bridge.exists()) if gone == "link" else (lambda: not runs(gone))
    kill_when(run("down"), moment, f"the end of {gone}")
    finish(run("down"))
    assert clusters.check_clean() == []


def test_up_refuses_to_share_the_host_with_another_kubernetes(clean_host: None) -> None:
    output("iptables", "-t", "nat", "-N", "KUBE-SERVICES")
    try:
        process = run("up")
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "chains of another Kubernetes are in this host's packet filter" in said
        finish(run("down"))
        assert firewall.leftovers() == ["iptables nat KUBE-SERVICES"]
    finally:
        output("iptables", "-t", "nat", "-X", "KUBE-SERVICES")
