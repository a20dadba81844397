"""Owns the proof of the tools of the repository: make, the order of rings, the limits of size, skips in CI.

It must not test the product.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import images, recipes
from tests.support import rings, sizes

ROOT = Path(__file__).parents[2]


def targets() -> dict[str, str]:
    """Return the targets of the Makefile that explain themselves."""
    return dict(re.findall(r"^([a-z-]+):.*?## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_make_help_shows_every_target_that_people_call() -> None:
    wanted = {
        "demo",
        "test",
        "lint",
        "type",
        "generate",
        "verify",
        "lock",
        "cluster",
        "cluster-down",
        "image",
        "fmt",
        "clean",
    }
    assert wanted <= set(targets())
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in shown for name in targets())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["python", "PYTHON=python9.9"], "python9.9 is missing: apt install"), (["go"], "go is missing: install Go 1.26")],
    ids=["python", "go"],
)
def test_make_names_a_missing_prerequisite_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    for program in ("sh", "make", "awk", "sed", "date"):
        found = subprocess.run(["/bin/sh", "-c", f"command -v {program}"], capture_output=True, text=True, check=True)
        (tmp_path / program).symlink_to(found.stdout.strip())
    make = [str(tmp_path / "make"), "-s", *arguments]
    done = subprocess.run(make, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if "***" not in line]) == 1
    assert said in done.stderr


def test_make_names_a_go_that_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go1.25.9\n")
    old.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["make", "-s", "go"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "go1.25.9 is too old: Go 1.26 or newer is needed" in done.stderr


def test_every_python_file_is_within_the_limits() -> None:
    files = [path for folder in ("operator", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert [problem for path in files for problem in sizes.problems(path)] == []


def test_a_file_function_or_signature_over_the_limit_is_found(tmp_path: Path) -> None:
    parameters = ", ".join(f"p{i}" for i in range(8))
    body = "    pass\n" * 60
    source = tmp_path / "large.py"
    source.write_text(f"def many({parameters}):\n    pass\n\n\ndef long():\n{body}" + "#\n" * 400)
    words = "\n".join(sizes.problems(source))
    assert "many has 8 parameters" in words
    assert "long has 61 lines" in words
    assert "the file has" in words
    method = tmp_path / "method.py"
    method.write_text("class C:\n    def f(self, a, b, c, d, e, f, g):\n        pass\n")
    assert list(sizes.problems(method)) == []


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"..\n============ 2 passed in 0.10s ============\n", "============ 2 passed in 0.10s ============"),
        (b"==== 1 failed, 2 passed in 61.20s (0:01:01) ====\n", "==== 1 failed, 2 passed in 61.20s (0:01:01) ===="),
        (b"==== test session starts ====\nno tests ran in 0.01s\n", "no tests ran in 0.01s"),
        (b"==== warnings summary ====\nSegmentation fault\n", ""),
    ],
    ids=["passed", "failed", "empty", "crashed"],
)
def test_closing_line_of_pytest_is_found(output: bytes, line: str) -> None:
    assert rings.closing_line(output) == line


def test_rings_cover_every_folder_of_tests() -> None:
    named = {argument for ring in rings.RINGS for argument in ring.arguments if argument.startswith("tests/")}
    folders = {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/__init__.py")}
    # What takes long to build has a target of its own: make verify-consumers.
    assert folders - named == {"tests/support", "tests/consumers"}
    assert named <= folders


def test_every_program_that_a_test_asks_for_is_made_before_the_tests() -> None:
    made = {program for ring in rings.RINGS for program in ring.programs}
    asked = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        if path.parent.name != "consumers"
        for name in re.findall(r'\bensure\("([\w-]+)"\)', path.read_text())
    }
    shipped = {image.program for image in images.IMAGES.values() if isinstance(image, images.ProgramImage)}
    assert (asked & set(recipes.RECIPES)) | shipped <= made <= set(recipes.RECIPES)


def test_a_ring_whose_program_cannot_be_made_does_not_run_and_has_failed(capfd: pytest.CaptureFixture[str]) -> None:
    code, line = rings.run(rings.Ring("some", ("--version",), ("no-such-program",)))

    assert (code, line) == (1, "some: not run, for a program that it needs could not be made")
    assert "unknown program 'no-such-program'" in capfd.readouterr().err


def outcome(folder: Path, source: str, ci: str) -> str:
    """Run one file of tests under the repository's conftest; return pytest's output."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(command, cwd=folder, env={"PATH": "", "CI": ci}, capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.returncode}"


UNRUN = {
    "skip": "import pytest\n\ndef test_a():\n    pytest.skip('no cluster')\n",
    "skip-mark": "import pytest\n\n@pytest.mark.skip(reason='no cluster')\ndef test_a(): pass\n",
    "module": "import pytest\npytest.skip('no cluster', allow_module_level=True)\n",
    "xfail": "import pytest\n\n@pytest.mark.xfail(reason='no cluster')\ndef test_a(): assert False\n",
    "xpass": "import pytest\n\n@pytest.mark.xfail(reason='no cluster')\ndef test_a(): pass\n",
}


@pytest.mark.parametrize("source", UNRUN.values(), ids=UNRUN.keys())
def test_a_test_that_did_not_run_fails_in_ci_only(tmp_path: Path, source: str) -> None:
    said = outcome(tmp_path, source, "true")
    assert re.search(r"1 (failed|error)", said), said
    assert "no cluster" in said
    assert said[-1] in "12"
    assert re.search(r"1 (skipped|xfailed|xpassed) in", outcome(tmp_path, source, ""))


def test_a_test_that_ran_passes_in_ci(tmp_path: Path) -> None:
    assert outcome(tmp_path, "def test_a(): pass\n", "true").endswith("0")
