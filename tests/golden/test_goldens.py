"""Owns the proof that the golden files are what the builders render, byte for byte, and that a stale one is seen."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import render


def test_goldens_are_what_the_builders_render() -> None:
    assert render.differences(render.goldens(), render.EXPECTED) == []


def test_every_example_has_every_kind_that_its_runtime_has_something_for() -> None:
    found = {(p.parent.name, p.stem) for p in render.EXPECTED.rglob("*.yaml") if p.parent.name != render.SHARED}
    unscraped = {("ollama", "service-monitor"), ("ollama", "signal-rules")}

    assert found == {(name, kind) for name in render.examples() for kind in render.KINDS} - unscraped
    assert {name for name, _ in found} == {n for n, r in render.library().runtimes.items() if r.serves}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(render.EXPECTED, tmp_path / "expected"))


def moved(copy: Path) -> dict[Path, str]:
    return {copy / path.relative_to(render.EXPECTED): text for path, text in render.goldens().items()}


def test_a_golden_that_differs_by_one_byte_is_stale(copy: Path) -> None:
    golden = copy / "vllm" / "service-monitor.yaml"
    golden.write_text(golden.read_text().replace("interval: 15s", "interval: 16s"))

    assert render.differences(moved(copy), copy) == ["vllm/service-monitor.yaml: stale"]


def test_a_golden_that_is_gone_or_that_nothing_renders_is_seen(copy: Path) -> None:
    (copy / "vllm" / "service-monitor.yaml").rename(copy / "vllm" / "left-over.yaml")

    assert render.differences(moved(copy), copy) == [
        "vllm/service-monitor.yaml: missing",
        "vllm/left-over.yaml: rendered by nothing",
    ]


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    program = "from tests.golden import render; print(render.differences(render.goldens(), render.EXPECTED))"
    for seed in ("0", "1", "4711"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{render.ROOT / 'operator'}"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=render.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "[]\n", f"seed {seed}"
