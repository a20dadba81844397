"""Images: built once for the same inputs, anew for others, with what belongs in them and nothing else."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster import archive, bytecode, images, pythonapp, rootfs
from tests.cluster.archive import Copy
from tests.cluster.progress import StepError


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERINUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def layers(path: Path) -> list[list[str]]:
    """Return the names in each layer of an archive, from the lowest to the highest."""
    found = []
    with tarfile.open(path) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        for name in json.load(manifest)[0]["Layers"]:
            with tarfile.open(fileobj=tar.extractfile(name)) as layer:
                found.append(layer.getnames())
    return found


def test_a_program_image_is_built_once_and_holds_users_and_the_program(own_cache: Path) -> None:
    path = images.build("pause")
    written = path.stat().st_mtime_ns
    assert images.build("pause") == path
    assert path.stat().st_mtime_ns == written
    assert layers(path) == [["tmp", "etc/passwd", "etc/group"], ["pause"]]


def test_the_same_inputs_give_the_same_archive_in_another_cache(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = images.build("pause").read_bytes()
    monkeypatch.setenv("SERINUS_CACHE", str(tmp_path / "another"))
    assert images.build("pause").read_bytes() == first


def test_a_changed_row_gives_another_archive_and_only_one_old_one_is_kept(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [images.build("pause")]
    for target in ("/pause2", "/pause3"):
        row = images.ProgramImage("registry.k8s.io/pause:3.10", "pause", target)
        monkeypatch.setitem(images.IMAGES, "pause", row)
        made.append(images.build("pause"))
    assert len({path.parent.name for path in made}) == 3
    kept = [path.parent.name for path in (own_cache / "images").glob("pause-*/pause.tar")]
    assert len(kept) == 2
    assert made[-1].parent.name in kept


def test_an_unknown_image_is_refused_with_the_known_names() -> None:
    with pytest.raises(StepError, match=r"unknown image 'serinos'; known: .*serinus"):
        images.build("serinos")


def test_a_trees_digest_changes_with_content_name_and_mode_but_not_with_caches(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    source = tree / "module.py"
    source.write_text("one")
    copies = [Copy(tree, "/app")]
    seen = [pythonapp.tree_digest(copies)]
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "module.pyc").write_text("compiled")
    assert pythonapp.tree_digest(copies) == seen[0]
    source.write_text("two")
    seen.append(pythonapp.tree_digest(copies))
    source.chmod(0o755)
    seen.append(pythonapp.tree_digest(copies))
    source.rename(tree / "other.py")
    seen.append(pythonapp.tree_digest(copies))
    assert len(set(seen)) == 4


def test_our_images_carry_the_tree_as_it_lies_in_the_repository() -> None:
    targets = {copy.target for copy in pythonapp.operator_copies()}
    assert {"/app/operator/serinus", "/app/crds"} <= targets
    support = [copy.target for copy in pythonapp.support_copies("receiver")]
    assert {"/app/tests/__init__.py", "/app/tests/support/__init__.py", "/app/tests/support/receiver"} <= set(support)
    assert not any("modelserver" in target for target in support)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("usr/bin/python3.11", True),
        ("usr/lib/python3.11/ssl.py", True),
        ("usr/lib/python3.11/test/test_ssl.py", False),
        ("usr/bin/perl", False),
        ("bin/sh", False),
        ("lib/x86_64-linux-gnu/libc.so.6", True),
        ("usr/share/doc/python3.11/copyright", False),
        ("etc/passwd", False),
        ("etc/resolv.conf", False),
        ("etc/hostname", False),
        ("etc/apt/sources.list", False),
        ("etc/mime.types", True),
    ],
)
def test_the_python_base_keeps_python_and_drops_shells_and_papers(name: str, kept: bool) -> None:
    assert rootfs.is_kept(name, tarfile.TarInfo(name)) is kept


@pytest.mark.cluster
def test_the_python_images_layers_are_the_same_bytes_when_made_twice(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [rootfs.python_layer().read_bytes(), pythonapp.dependencies_layer().read_bytes()]
    monkeypatch.setenv("SERINUS_CACHE", str(tmp_path / "another"))
    assert rootfs.python_layer().read_bytes() == first[0]
    assert pythonapp.dependencies_layer().read_bytes() == first[1]


def test_the_archive_of_an_image_names_this_machines_architecture(own_cache: Path) -> None:
    with tarfile.open(images.build("pause")) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        assert json.load(index)["manifests"][0]["platform"]["architecture"] in archive.ARCHITECTURES.values()


@pytest.mark.cluster
def test_every_module_of_the_operator_and_of_python_comes_compiled_when_root_makes_the_image() -> None:
    assert bytecode.possible()
    names = [set(layer) for layer in layers(images.build("serinus"))]
    assert len(names) == 4
    for layer, module in ((names[0], "usr/lib/python3.11/ssl"), (names[3], "app/operator/serinus/__main__")):
        folder, _, stem = module.rpartition("/")
        assert f"{module}.py" in layer
        assert f"{folder}/__pycache__/{stem}.cpython-311.pyc" in layer
    sources = [name for name in names[3] if name.endswith(".py")]
    assert len([name for name in names[3] if name.endswith(".pyc")]) == len(sources) > 10
