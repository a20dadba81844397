"""Pure parts of the native cluster: packet filter, DNS messages, mounts, state files, flags."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster import clusters, existing, images, state, waiting
from tests.cluster.native import commands, configs, dns, firewall, layout, mounts, processes
from tests.cluster.progress import StepError

SAVED = """\
:PREROUTING ACCEPT [0:0]
:CNI-1234 - [0:0]
:FOREIGN - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -s 10.1.0.0/16 -j FOREIGN
-A FOREIGN -s 10.244.0.7/32 -m comment --comment "name: \\"serinus-pods\\"" -j CNI-1234
-A KUBE-SERVICES -j KUBE-SERVICES
-A CNI-1234 -d 10.244.0.0/24 -j ACCEPT
COMMIT
""".splitlines()


def test_only_jumps_to_kubernetes_and_its_chains_are_removed() -> None:
    assert firewall.removal(SAVED) == [
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-D FOREIGN -s 10.244.0.7/32 -m comment --comment "name: \\"serinus-pods\\"" -j CNI-1234',
        "-F CNI-1234",
        "-F KUBE-SERVICES",
        "-X CNI-1234",
        "-X KUBE-SERVICES",
    ]


def test_a_table_without_kubernetes_is_left_alone() -> None:
    assert firewall.removal([":INPUT ACCEPT [0:0]", "-A INPUT -j FOREIGN"]) == []


def test_a_dns_question_has_the_form_of_the_standard() -> None:
    assert dns.question(7, "a.bc") == b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x01\0\x01"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (dns.HEADER.pack(7, 0x8500, 1, 1, 0, 0), True),
        (dns.HEADER.pack(8, 0x8500, 1, 1, 0, 0), False),
        (dns.HEADER.pack(7, 0x8503, 1, 0, 0, 0), False),
        (dns.HEADER.pack(7, 0x8500, 1, 0, 0, 0), False),
        (dns.HEADER.pack(7, 0x0500, 1, 1, 0, 0), False),
        (b"\0\x07", False),
    ],
)
def test_only_an_answer_with_an_address_counts(message: bytes, expected: bool) -> None:
    assert dns.has_answer(7, message) is expected


def test_mounts_below_a_folder_come_newest_first_and_others_do_not_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        "1 0 0:1 / / rw - ext4 /dev/a rw",
        "2 1 0:2 / /state rw - tmpfs tmpfs rw",
        "3 1 0:3 / /state/one rw - tmpfs tmpfs rw",
        "4 3 0:4 / /state/one/two\\040words rw shared:1 - tmpfs tmpfs rw",
        "5 1 0:5 / /statement rw - tmpfs tmpfs rw",
    ]
    listing = tmp_path / "mountinfo"
    listing.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(mounts, "MOUNTS", listing)
    assert mounts.below(Path("/state")) == [Path("/state/one/two words"), Path("/state/one")]


def test_the_mode_is_remembered_until_the_folder_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERINUS_CLUSTER_STATE", str(tmp_path / "state"))
    assert state.read_mode() is None
    state.write_mode(state.Mode.KIND)
    assert state.read_mode() is state.Mode.KIND
    assert state.kubeconfig() == tmp_path / "state" / "kubeconfig"


def test_a_state_folder_that_is_too_deep_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERINUS_CLUSTER_STATE", f"/{'x' * 100}")
    with pytest.raises(ValueError, match=r"SERINUS_CLUSTER_STATE: .* is longer than 107 bytes"):
        layout.current()


def test_without_a_cluster_kubectl_and_loading_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERINUS_CLUSTER_STATE", str(tmp_path / "state"))
    with pytest.raises(StepError, match=r"run `python -m tests\.cluster up`"):
        clusters.load("coredns")
    with pytest.raises(StepError, match=r"unknown image 'corends'; known: .*coredns"):
        clusters.load("corends")


def test_a_registry_is_put_before_our_own_images_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY", "registry.example.org/team/")
    assert existing.with_registry("serinus:dev") == "registry.example.org/team/serinus:dev"
    assert existing.with_registry(images.IMAGES["prometheus"].tag) == images.IMAGES["prometheus"].tag
    monkeypatch.delenv("REGISTRY")
    assert existing.with_registry("serinus:dev") == "serinus:dev"


def test_waiting_ends_with_the_last_error_and_what_was_waited_for() -> None:
    def refused() -> bool:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(StepError, match=r"^the door: not so after 0 s; last error: nobody listens$"):
        waiting.wait_for(refused, 0.2, "the door")


def test_nothing_of_the_control_plane_listens_on_an_outer_address(tmp_path: Path) -> None:
    place, kube = layout.Layout(tmp_path), Path("/kube")
    flags = [*commands.etcd(place, kube).command, *commands.apiserver(place, kube).command]
    flags += [*commands.controller_manager(place, kube).command, *commands.scheduler(place, kube).command]
    listening = [flag for flag in flags if "listen" in flag or "bind-address" in flag]
    assert len(listening) == 5
    assert all("127.0.0.1" in flag or layout.NODE_IP in flag for flag in listening)
    assert configs.kubelet(place)["address"] == layout.NODE_IP
    assert configs.kubelet(place)["readOnlyPort"] == 0
    assert configs.proxy(place)["nodePortAddresses"] == ["127.0.0.0/8", f"{layout.NODE_IP}/32"]


def test_the_dns_manifest_has_the_address_that_pods_are_told() -> None:
    text = (Path(__file__).parent / "native" / "dns.yaml").read_text()
    assert f"clusterIP: {layout.DNS_IP}\n" in text
    assert f"image: {images.IMAGES['coredns'].tag}\n" in text


def test_a_daemon_is_found_by_its_mark_restarted_when_its_configuration_changed_and_ended(tmp_path: Path) -> None:
    place, config = layout.Layout(tmp_path), tmp_path / "config"
    config.write_text("one")
    daemon = processes.Daemon("sleeper", ("/bin/sleep", "300"), (config,))
    assert processes.ensure_running(place, daemon) is True
    assert processes.ensure_running(place, daemon) is False
    first = processes.running(place)
    assert [(found.name, found.program) for found in first] == [("sleeper", "sleep")]
    config.write_text("two")
    assert processes.ensure_running(place, daemon) is True
    second = processes.running(place)
    assert [found.pid for found in second] != [found.pid for found in first]
    assert processes.running(layout.Layout(tmp_path / "other")) == []
    processes.end([found.pid for found in second], grace=5.0)
    assert processes.running(place) == []


def test_a_process_that_ignores_the_request_to_end_is_killed() -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 1; done"
    stubborn = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert stubborn.stdout is not None
    assert stubborn.stdout.readline() == "ready\n"
    processes.end([stubborn.pid], grace=0.2)
    assert stubborn.wait(timeout=5) == -9
    stubborn.stdout.close()


def test_a_process_that_is_gone_has_no_start_time() -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    assert processes.start_time(gone.pid) == ""
    assert processes.start_time(os.getpid()).isdigit()


def test_a_replaced_file_is_whole_and_has_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "secret"
    state.replace_file(path, json.dumps({"a": 1}), 0o600)
    assert json.loads(path.read_text()) == {"a": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]
