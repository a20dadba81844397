"""How the way to a test cluster is chosen, and what is said when there is none."""

from dataclasses import replace

import pytest

from tests.cluster.mode import Facts, choose, facts, is_debian_like
from tests.cluster.native.prerequisites import PACKAGES, Privileges, missing, refusal
from tests.cluster.progress import StepError
from tests.cluster.state import Mode

NOTHING = Facts(
    use_kubeconfig=False,
    forced=None,
    docker_answers=False,
    kind_on_path=False,
    debian_like=False,
    root=False,
    machine="Linux",
)
DEBIAN_ROOT = replace(NOTHING, debian_like=True, root=True)
DOCKER_AND_KIND = replace(NOTHING, docker_answers=True, kind_on_path=True)


@pytest.mark.parametrize(
    ("found", "begun", "mode"),
    [
        (DEBIAN_ROOT, None, Mode.NATIVE),
        (DOCKER_AND_KIND, None, Mode.KIND),
        (replace(DEBIAN_ROOT, docker_answers=True, kind_on_path=True), None, Mode.KIND),
        (replace(DEBIAN_ROOT, docker_answers=True), None, Mode.NATIVE),
        (replace(DEBIAN_ROOT, kind_on_path=True), None, Mode.NATIVE),
        (replace(DOCKER_AND_KIND, use_kubeconfig=True), None, Mode.EXISTING),
        (replace(NOTHING, use_kubeconfig=True), Mode.EXISTING, Mode.EXISTING),
        (replace(DEBIAN_ROOT, docker_answers=True, kind_on_path=True), Mode.NATIVE, Mode.NATIVE),
        (DEBIAN_ROOT, Mode.KIND, Mode.KIND),
        (replace(DOCKER_AND_KIND, forced=Mode.NATIVE), None, Mode.NATIVE),
    ],
)
def test_the_mode_follows_from_the_host_and_from_what_was_begun(found: Facts, begun: Mode | None, mode: Mode) -> None:
    assert choose(found, begun) is mode


def test_a_host_without_any_way_is_told_what_each_way_lacks_in_one_line() -> None:
    with pytest.raises(StepError) as caught:
        choose(NOTHING, None)
    message = str(caught.value)
    assert "\n" not in message
    assert "kind needs a Docker that answers `docker info` and kind on PATH" in message
    assert "the native cluster needs Debian or Ubuntu and root" in message
    assert "--use-kubeconfig" in message


def test_only_what_is_missing_is_named() -> None:
    with pytest.raises(StepError) as caught:
        choose(replace(NOTHING, docker_answers=True, debian_like=True), None)
    assert "kind needs kind on PATH; the native cluster needs root;" in str(caught.value)


def test_a_native_cluster_is_not_silently_replaced_by_a_kubeconfig() -> None:
    with pytest.raises(StepError, match="a native test cluster is up: run `down` before one of mode existing"):
        choose(replace(NOTHING, use_kubeconfig=True), Mode.NATIVE)


def test_an_unknown_forced_mode_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERINUS_CLUSTER_MODE", "minikube")
    with pytest.raises(StepError, match="SERINUS_CLUSTER_MODE: found 'minikube', allowed: native, kind, existing"):
        facts(use_kubeconfig=False)


def test_a_forced_mode_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERINUS_CLUSTER_MODE", "kind")
    assert facts(use_kubeconfig=False).forced is Mode.KIND


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', True),
        ("NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ('ID=fedora\nID_LIKE="rhel centos"\n', False),
        ("", False),
    ],
)
def test_debian_and_its_children_are_recognised(release: str, expected: bool) -> None:
    assert is_debian_like(release) is expected


def test_missing_packages_are_those_whose_proof_is_not_found() -> None:
    assert missing(PACKAGES, lambda _: True) == []
    assert missing(PACKAGES, lambda proof: proof not in {"runc", "ip"}) == ["runc", "iproute2"]
    assert missing(PACKAGES, lambda _: False) == list(PACKAGES)


def test_missing_packages_are_refused_in_one_line_where_they_cannot_be_installed() -> None:
    packages = ["runc", "socat"]
    assert refusal(packages, Privileges(root=True, apt=True)) == ""
    assert refusal([], Privileges(root=False, apt=False)) == ""
    without_apt = refusal(packages, Privileges(root=True, apt=False))
    without_root = refusal(packages, Privileges(root=False, apt=True))
    assert without_apt == ("missing here: runc socat, and apt-get is not there: install them with the package manager")
    assert "this user is not root" in without_root
