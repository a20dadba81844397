"""Owns what holds for the repository as a whole: locks, image, workflows, documents, nothing of one machine.

It must not test the product.
"""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
# Taken apart, so that this file may name them.
MACHINE_BOUND = tuple(
    re.compile("".join(parts))
    for parts in (
        (r"(?<![\w.-])/wo", r"rk/"),
        (r"(?<![\w.])/home", r"/\w+/"),
        (r"(?<![\w.])/ro", r"ot/\w"),
        (r"pypi\.o", r"rg/simple"),
        (r"pythonhost", r"ed\.org"),
        (r"proxy\.gol", r"ang"),
        (r"sum\.gol", r"ang\.org"),
        (r"registry\.npm", r"js"),
        (r"deb\.deb", r"ian\.org"),
    )
)


def tracked() -> list[Path]:
    """Return the files that Git knows and that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def machine_bound(text: str) -> list[str]:
    """Return what in a text is a path of one machine or the address of a package registry."""
    return [match.group() for pattern in MACHINE_BOUND for match in pattern.finditer(text)]


def locked(name: str) -> dict[str, str]:
    """Return the versions of a lock file by their names."""
    found = re.findall(r"^([\w.-]+)==(\S+) \\$", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def test_no_file_names_a_path_of_one_machine_or_a_package_registry() -> None:
    found = {}
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if hits := machine_bound(text):
            found[str(path.relative_to(ROOT))] = sorted(set(hits))
    assert found == {}


@pytest.mark.parametrize(
    "parts",
    [("see /wo", "rk/main"), ("--index-url https://pypi.o", "rg/simple"), ("GOPROXY=https://proxy.gol", "ang.org")],
)
def test_a_path_of_one_machine_or_a_package_registry_is_found(parts: tuple[str, str]) -> None:
    assert machine_bound("".join(parts))


def test_words_that_only_look_like_such_a_path_are_not_found() -> None:
    assert machine_bound("emptyDir at /var/work/x, rework/this, root/run, https://go.dev/dl") == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_release_has_hashes_and_nothing_else_is_in_the_lock(name: str) -> None:
    entry = re.compile(r"[\w.-]+==[\w.]+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+")
    rest = entry.sub("", (ROOT / name).read_text())
    assert [line for line in rest.splitlines() if not line.startswith("#")] == []
    assert locked(name)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.lock", PYPROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PYPROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PYPROJECT["project"]["optional-dependencies"]["dev"]),
    ],
    ids=["runtime", "runtime-in-dev", "dev"],
)
def test_lock_fulfils_what_the_package_asks_for(name: str, wanted: list[str]) -> None:
    versions = locked(name)
    for requirement in map(Requirement, wanted):
        assert versions.get(canonicalize_name(requirement.name), "none") in requirement.specifier, str(requirement)


def test_both_locks_choose_the_same_releases() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert runtime.items() <= development.items()
    assert canonicalize_name("kubernetes_asyncio") not in development


def test_source_root_is_no_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile as (NAME, arguments), continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(" ", 1)[0].upper(), line.split(" ", 1)[1]) for line in joined.splitlines()]


def image_problems(text: str) -> set[str]:
    """Return which rules for our image a Dockerfile breaks."""
    found = instructions(text)
    problems = set()
    last_stage = found[max(i for i, (name, _) in enumerate(found) if name == "FROM") :]
    bases = [value.split("=", 1)[1] for name, value in found if name == "ARG" and value.startswith("BASE=")]
    bases += [value.split(" ")[0] for name, value in found if name == "FROM" and not value.startswith("${BASE}")]
    if any(":" not in base or base.endswith(":latest") for base in bases):
        problems.add("base without a version")
    if [value for name, value in last_stage if name == "USER"] != ["65532:65532"]:
        problems.add("not user 65532")
    if any(name == "ADD" for name, _ in found):
        problems.add("ADD")
    pip = [value for name, value in found if name == "RUN" and "pip install" in value]
    if not pip or not all("--require-hashes" in value and "--only-binary=:all:" in value for value in pip):
        problems.add("pip without hashes or with sources")
    if any(word in value for name, value in found if name == "RUN" for word in ("apt", "curl", "wget", "sudo")):
        problems.add("installs or downloads")
    if not any(name == "ENTRYPOINT" and value.startswith("[") for name, value in last_stage):
        problems.add("entry point with a shell")
    return problems


def test_image_is_pinned_unprivileged_and_built_from_the_lock() -> None:
    assert image_problems((ROOT / "Dockerfile").read_text()) == set()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("python:3.11-slim", "python:latest", "base without a version"),
        ("USER 65532:65532", "USER root", "not user 65532"),
        ("COPY alert-rules", "ADD https://example.com/a", "ADD"),
        ("--require-hashes ", "", "pip without hashes or with sources"),
        ("WORKDIR /src", "RUN apt-get update", "installs or downloads"),
        ('["python", "-m", "serinus"]', "python -m serinus", "entry point with a shell"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_worse_image_is_refused(before: str, after: str, problem: str) -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert before in text
    assert problem in image_problems(text.replace(before, after))


def test_image_context_holds_what_the_image_copies_and_no_more() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = [
        v.split() for n, v in instructions((ROOT / "Dockerfile").read_text()) if n == "COPY" and "--from" not in v
    ]
    assert {words[0] for words in copies} == allowed
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*"


def steps(workflow: Path) -> list[dict[str, Any]]:
    """Return the steps of all jobs of a workflow."""
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_pins_actions_by_commit_and_asks_for_few_rights(workflow: Path) -> None:
    text = workflow.read_text()
    uses = re.findall(r"uses: (\S+)(.*)", text)
    assert uses
    for action, comment in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{action}: {comment!r}"
    parsed = yaml.safe_load(text)
    assert parsed["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in parsed["jobs"].values())


def test_one_action_has_one_version_in_all_workflows() -> None:
    uses = {use for workflow in WORKFLOWS for use in re.findall(r"uses: (\S+@\w+)", workflow.read_text())}
    assert len({use.split("@")[0] for use in uses}) == len(uses)


def test_ci_calls_the_test_command_of_the_readme() -> None:
    ci = ROOT / ".ci" / "run"
    assert ci.stat().st_mode & 0o111
    assert "CI=true exec make test" in ci.read_text()
    for name in ("ci.yaml", "release.yaml"):
        assert any(".ci/run" in step.get("run", "") for step in steps(ROOT / ".github" / "workflows" / name))
    assert "make demo\nmake test\n" in (ROOT / "README.md").read_text()


MARKDOWN = [path for path in tracked() if path.suffix == ".md"]


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]+`", "code", page.read_text(), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]
    broken = [link for link in links if not link.startswith("#") and not (page.parent / link.split("#")[0]).exists()]
    assert broken == []


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_targets_that_the_makefile_has(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_changelog_keeps_its_form() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])
