"""Owns the proof that the command line answers a wrong call or file in one line, with the right code, and keeps quiet
on standard output but for data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serinus.__main__ import main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "manifests" / "examples" / "vllm.yaml"
OURS = "apiVersion: serinus.dev/v1alpha1\n"

UNREADABLE = [
    ("a directory", None, "cannot be read: Is a directory"),
    ("a binary file", b"\xff\xfe\x00\x01", "cannot be read: byte 1 is not UTF-8"),
    ("a file of zeros", b"\x00\x00", "not YAML: "),
    ("a YAML error", b"a: [1\nb: 2\n", "not YAML: line 2, column 2: expected ',' or ']'"),
    ("a key twice", b"kind: A\nkind: B\n", "not YAML: line 2, column 1: key 'kind' stands there twice"),
    ("a list", b"- kind: LLMService\n", "document 1: found a list, allowed is a Kubernetes object"),
    ("a word", b"hello\n", "document 1: found a string, allowed is a Kubernetes object"),
    ("no kind", b"kind: LLMService\n---\na: 1\n", "document 2: kind: found nothing, allowed is the kind"),
    ("a kind that is a number", b"kind: 5\n", "document 1: kind: found a number, allowed is the kind"),
    ("metadata that is a list", b"kind: A\nmetadata: []\n", "document 1: metadata: found a list, allowed is"),
    (
        "a name that is a number",
        b"kind: A\nmetadata: {name: 1}\n",
        "document 1: metadata.name: found a number",
    ),
    ("a number that JSON has not", b"kind: A\nspec: .nan\n", "cannot be written as JSON, which Kubernetes needs"),
    ("an object of Python", b"kind: !!python/object:os.system {}\n", "not YAML: line 1, column 7: "),
]


@pytest.fixture(params=[["render", "-f"], ["validate"]], ids=["render", "validate"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """Either command that reads files."""
    return list(request.param)


@pytest.mark.parametrize(("content", "said"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_a_file_that_cannot_be_read_is_named_in_one_line(
    command: list[str], content: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "given.yaml"
    path.mkdir() if content is None else path.write_bytes(content)

    code = main([*command, str(path)])

    written = capsys.readouterr()
    assert (code, written.out) == (2, "")
    [line] = written.err.splitlines()
    assert line.startswith(f"serinus: {path}: {said}"), line


def test_a_file_that_is_not_there_is_named(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "/nowhere/a.yaml"]) == 2
    written = capsys.readouterr()
    assert written.err == "serinus: /nowhere/a.yaml: cannot be read: No such file or directory\n"
    assert written.out == ""


@pytest.mark.parametrize(
    "content", ["", "---\n---\n", "kind: ConfigMap\napiVersion: v1\n"], ids=["empty", "rules", "other"]
)
def test_nothing_to_look_at_is_not_success(
    command: list[str], content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "given.yaml"
    path.write_text(content)

    assert main([*command, str(path)]) == 1

    written = capsys.readouterr()
    assert written.out == ""
    assert len(written.err.splitlines()) == 1
    assert str(path) in written.err


WRONG_CALLS = [
    ([], "serinus: the following arguments are required: COMMAND"),
    (["bogus"], "serinus: argument COMMAND: invalid choice: 'bogus'"),
    (["render"], "serinus render: the following arguments are required: -f/--file"),
    (["render", "-f", "x", "--bogus"], "serinus: unrecognized arguments: --bogus"),
    (["render", "-f", str(EXAMPLE), "-o", "xml"], "serinus render: argument -o/--output: invalid choice: 'xml'"),
    (
        ["render", "-f", str(EXAMPLE), "--monitor-label", "a"],
        "serinus: --monitor-label: found 'a', allowed is",
    ),
    (["validate"], "serinus validate: the following arguments are required: file"),
    (["operator", "--set"], "serinus operator: argument --set: expected one argument"),
    (["operator", "--set", "workers"], "serinus: --set: found 'workers', allowed is KEY=VALUE"),
    (["operator", "--set", "=1"], "serinus: --set: found '=1', allowed is KEY=VALUE"),
    (["operator", "--set", "bogus=1"], "serinus: bogus: found '1'; allowed: one of the flags admissionPolicy, "),
    (["operator", "--set", "leaseDuration=x"], "serinus: SERINUS_LEASE_DURATION: found 'x'; allowed: a duration"),
    (["operator", "--set", "workers=0"], "serinus: SERINUS_WORKERS: found '0'; allowed: "),
    (["operator", "--kubeconfig", "/nowhere"], "serinus: no credentials for the API server in /nowhere: "),
    (["operator", "now"], "serinus: unrecognized arguments: now"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), WRONG_CALLS, ids=[" ".join(a)[:40] or "nothing" for a, _ in WRONG_CALLS]
)
def test_a_wrong_call_is_answered_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments)
    except SystemExit as e:
        code = int(str(e.code))

    written = capsys.readouterr()
    assert (code, written.out) == (2, "")
    [line] = written.err.splitlines()
    assert line.startswith(said), line


@pytest.mark.parametrize("content", ["a: [1\nb: 2", "clusters: 5\ncurrent-context: a\n", "[]", ""], ids=range(4))
def test_a_kubeconfig_that_is_none_is_said_in_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)

    assert main(["operator", "--kubeconfig", str(path)]) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"serinus: no credentials for the API server in {path}: ")


@pytest.mark.parametrize("name", ["render", "validate", "operator"])
def test_help_is_data_and_names_every_flag(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    written = capsys.readouterr()
    assert (ended.value.code, written.err) == (0, "")
    assert written.out.startswith(f"usage: serinus {name} ")


def run(command: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run a shell command in which `serinus` is the program, as a person would."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    script = f'serinus() {{ "{sys.executable}" -m serinus "$@"; }}; {command}'
    return subprocess.run(["bash", "-c", script], input=given, env=environment, capture_output=True, check=False)


def test_standard_input_is_read_and_a_closed_or_binary_one_is_said() -> None:
    assert run("serinus validate -", EXAMPLE.read_bytes()).returncode == 0

    for command, given, said in (
        ("serinus validate - <&-", b"", b"serinus: -: cannot be read: standard input is closed\n"),
        ("serinus validate -", b"\xff", b"serinus: -: cannot be read: byte 1 is not UTF-8\n"),
    ):
        done = run(command, given)
        assert (done.returncode, done.stdout, done.stderr) == (2, b"", said)


def test_a_reader_that_has_enough_hears_no_complaint() -> None:
    done = run(f"serinus render -f {EXAMPLE} | head -n 1; exit ${{PIPESTATUS[0]}}")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"---\n", b"")
