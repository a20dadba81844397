"""The archive writer: same bytes twice, and an archive whose parts agree with each other."""

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.archive import Command, Copy, Image, full_name, write_archive, write_layer


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "inner" / "__pycache__").mkdir(parents=True)
    (folder / "inner" / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    (folder / "inner" / "program").write_text("#!/bin/sh\n")
    (folder / "inner" / "program").chmod(0o750)
    (folder / "data.txt").write_text("data")
    (folder / "link").symlink_to("data.txt")
    return folder


def archive_of(layer: Path, target: Path) -> Path:
    write_archive(Image("serinus:dev", (layer,), Command(("/app/inner/program",))), target)
    return target


def read_json(tar: tarfile.TarFile, name: str) -> Any:
    handle = tar.extractfile(name)
    assert handle is not None
    return json.load(handle)


def test_the_same_files_give_the_same_bytes_at_another_time_and_place(tree: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.tar"
    write_layer(first, [Copy(tree, "/app")])
    for path in tree.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    moved = tree.rename(tmp_path / "moved")
    second = tmp_path / "second.tar"
    write_layer(second, [Copy(moved, "/app")])
    assert first.read_bytes() == second.read_bytes()
    one, two = archive_of(first, tmp_path / "one"), archive_of(second, tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()


def test_a_changed_byte_changes_the_layer(tree: Path, tmp_path: Path) -> None:
    write_layer(tmp_path / "before.tar", [Copy(tree, "/app")])
    (tree / "data.txt").write_text("Data")
    write_layer(tmp_path / "after.tar", [Copy(tree, "/app")])
    assert (tmp_path / "before.tar").read_bytes() != (tmp_path / "after.tar").read_bytes()


def test_a_layer_holds_parents_modes_and_links_but_no_caches_and_no_owner(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "layer.tar"
    write_layer(target, [Copy(tree, "/opt/app")])
    with tarfile.open(target) as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert list(entries) == [
        "opt",
        "opt/app",
        "opt/app/data.txt",
        "opt/app/inner",
        "opt/app/inner/program",
        "opt/app/link",
    ]
    assert entries["opt/app/inner/program"].mode == 0o755
    assert entries["opt/app/data.txt"].mode == 0o644
    assert entries["opt/app/link"].linkname == "data.txt"
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries.values()} == {(0, 0, 0)}


def test_a_single_file_gets_the_name_that_it_is_copied_to(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "layer.tar"
    write_layer(target, [Copy(tree / "inner" / "program", "/bin/tool")])
    with tarfile.open(target) as tar:
        assert tar.getnames() == ["bin", "bin/tool"]


def test_both_halves_of_an_archive_name_the_same_blobs_with_true_digests(tree: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layer.tar"
    write_layer(layer, [Copy(tree, "/app")])
    with tarfile.open(archive_of(layer, tmp_path / "image.tar")) as tar:
        docker = read_json(tar, "manifest.json")[0]
        listed = read_json(tar, "index.json")["manifests"][0]
        manifest = read_json(tar, f"blobs/sha256/{listed['digest'].removeprefix('sha256:')}")
        config = read_json(tar, docker["Config"])
        blobs = [entry for entry in tar.getmembers() if entry.name.startswith("blobs/")]
        for blob in blobs:
            handle = tar.extractfile(blob)
            assert handle is not None
            assert hashlib.sha256(handle.read()).hexdigest() == Path(blob.name).name
        assert read_json(tar, "oci-layout") == {"imageLayoutVersion": "1.0.0"}
    assert docker["RepoTags"] == ["serinus:dev"]
    assert listed["annotations"]["io.containerd.image.name"] == "docker.io/library/serinus:dev"
    assert docker["Config"] == "blobs/sha256/" + manifest["config"]["digest"].removeprefix("sha256:")
    layers = [entry["digest"].removeprefix("sha256:") for entry in manifest["layers"]]
    assert docker["Layers"] == [f"blobs/sha256/{digest}" for digest in layers]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in layers]
    assert config["config"]["Entrypoint"] == ["/app/inner/program"]
    assert config["config"]["User"] == "65532:65532"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("serinus:dev", "docker.io/library/serinus:dev"),
        ("team/serinus:1", "docker.io/team/serinus:1"),
        ("quay.io/prometheus/prometheus:v3.15.0", "quay.io/prometheus/prometheus:v3.15.0"),
        ("localhost/serinus:1", "localhost/serinus:1"),
        ("registry:5000/serinus:1", "registry:5000/serinus:1"),
    ],
)
def test_a_name_is_kept_as_containerd_keeps_it(given: str, kept: str) -> None:
    assert full_name(given) == kept
