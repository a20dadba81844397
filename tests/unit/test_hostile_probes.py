"""Probes and answers that mean harm: each ends in a clear error of its probe, within its limit; the next one works."""

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from serinus.cli.validate_probes import validate_probeset_file
from serinus.core.probe import Assertion, Probe
from serinus.core.probeset import parse_probe_set
from serinus.probes import python_runner, quickjs_engine
from serinus.probes.outcome import Ask, Misconfigured, NoScore, Outcome, Said
from serinus.probes.prepared import prepare
from serinus.probes.scoring import MAX_ANSWER, Scorer
from serinus.probes.templates import Templates
from serinus.probes.toolbox import make_tools

TOOLS = make_tools()
LIMIT = 8.0
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{c}: &{c} [{','.join([f'*{p}'] * 10)}]\n" for p, c in pairwise("abcdefgh")
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quickjs_engine, "SECONDS", 0.3)
    monkeypatch.setattr(python_runner, "SECONDS", 0.5)


@pytest.fixture(autouse=True, scope="module")
def _ended() -> Iterator[None]:
    yield
    TOOLS.python.close()


def score(text: str = "x", **fields: Any) -> list[Outcome | Ask | NoScore]:
    probe = Probe(id="hostile", prompt="{{q}}", variables={"q": "hi"}, assertions=(Assertion(**fields),))
    start = time.monotonic()
    try:
        return list(prepare(probe, Templates(), TOOLS).score(Said(text=text)))
    finally:
        assert time.monotonic() - start < LIMIT


def failed(text: str = "x", **fields: Any) -> str:
    (found,) = score(text, **fields)
    assert isinstance(found, Outcome)
    assert not found.passed
    return found.reason


def works() -> None:
    (js,) = score(type="javascript", value="output === 'x'")
    (python,) = score(type="python", value="output == 'x'")
    assert isinstance(js, Outcome)
    assert isinstance(python, Outcome)
    assert js.passed
    assert python.passed


SCRIPTS = [
    ("javascript", "while (true) {}\nreturn 1", "longer than"),
    ("javascript", "const a = [];\nfor (;;) a.push('x'.repeat(100000) + a.length)", "MiB"),
    ("javascript", "(function f() { return f() + 1 })()", "stack"),
    ("javascript", "/^(a+)+$/.test('a'.repeat(50) + 'b')", "longer than"),
    ("javascript", "require('fs').readFileSync('/etc/passwd')", "require"),
    ("javascript", "process.env.TOKEN", "undefined"),
    ("javascript", "output.constructor.constructor('return this.process.env')()", "undefined"),
    ("python", "while True: pass\nreturn True", "longer than"),
    ("python", "(lambda f: f(f))(lambda f: f(f) + 1)", "RecursionError"),
    ("python", "len('x' * (2 * 1024 ** 3))", "256 MiB"),
    ("python", "bytearray(1024 ** 3)", "256 MiB"),
    ("python", "__import__('os').kill(__import__('os').getpid(), 9)", "without a result"),
    ("python", "__import__('os')._exit(0)", "without a result"),
    ("python", "open('/tmp/serinus-escape', 'wb', 0).write(b'x')", "OSError"),
    ("python", "__import__('os').fork()", "Error"),
    ("python", "'x' * (2 * 1024 ** 2)", "more than 1 MiB"),
    ("python", "exec('raise SystemExit(3)')", "SystemExit"),
]


@pytest.mark.parametrize(("kind", "value", "why"), SCRIPTS)
def test_hostile_script_fails_its_own_probe_and_the_next_one_works(kind: str, value: str, why: str) -> None:
    if "fork" in value and os.getuid() == 0:
        value = "__import__('resource').getrlimit(6)[0] == 0 and 1 / 0"  # root is not held by the limit of processes
    assert why in failed(type=kind, value=value)
    works()
    Path("/tmp/serinus-escape").unlink(missing_ok=True)


def test_python_finds_no_environment_and_cannot_read_that_of_its_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "secret")
    (found,) = score(type="python", value="len(__import__('os').environ.get('JUDGE_KEY', '')) == 0")
    assert isinstance(found, Outcome)
    assert found.passed


def test_pattern_that_explodes_fails_in_both_directions() -> None:
    for negated in (False, True):
        reason = failed("a" * 50 + "b", type="regex", value="^(a+)+$", negated=negated)
        assert "longer than" in reason
    works()


def test_prototypes_that_a_script_changes_are_whole_again_for_the_next_one() -> None:
    score(
        type="javascript", value="Object.prototype.pass = true;\nString.prototype.includes = () => true;\nreturn true"
    )
    assert failed(type="javascript", value="output.includes('y') || ({}).pass === true")
    grade = '{"__proto__": {"pass": true, "score": 1, "reason": ""}}'
    assert failed(grade, type="javascript", value="JSON.parse(output)")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ q.__init__ }}",
        "{% for i in range(999999999) %}x{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as o %}{{ o }}",
        "{{ lipsum(n=99999) }}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
    ],
)
def test_template_cannot_leave_its_sandbox_or_grow_without_end(template: str) -> None:
    probe = Probe(id="hostile", prompt=template, variables={"q": "hi"}, assertions=(Assertion(type="is-json"),))
    start = time.monotonic()
    with pytest.raises(Misconfigured, match="hostile"):
        prepare(probe, Templates(), TOOLS)
    assert time.monotonic() - start < LIMIT


@pytest.mark.parametrize("source", ["import helpers", "from .helpers import x", "from helpers.deep import x"])
def test_python_file_that_needs_other_files_is_found_before_anything_is_asked(source: str) -> None:
    source += "\ndef get_assert(output, context):\n    return True\n"
    with pytest.raises(Misconfigured, match="must stand alone"):
        score(type="python", value=source, module="check.py", literal=True)


async def test_answer_of_50_megabytes_has_no_score_and_reaches_no_script() -> None:
    scorer = Scorer("unused", (Probe(id="p", prompt="q"),))
    found = await scorer.score(0, Said(text="x" * 50_000_000))
    assert found is not None
    assert found.passed is None
    assert str(MAX_ANSWER) in found.reason


@pytest.mark.parametrize("text", ["\ud800", "\x00\udfff\n", "\ufffe" * 10])
def test_answer_that_is_no_valid_unicode_is_scored(text: str) -> None:
    for kind, value in (("equals", "y"), ("levenshtein", "a" * 40), ("rouge-n", "y"), ("javascript", "output === 'y'")):
        assert failed(text, type=kind, value=value)
    assert failed(text, type="python", value="output == 'y'")


def problems(text: str, files: dict[str, str] | None = None) -> list[str]:
    source: dict[str, Any] = {"configMapRef": {"name": "x", "key": "main.yaml"}} if files else {"inline": text}
    spec = {"prompts": ["{{q}}"], "source": source}
    start = time.monotonic()
    found = parse_probe_set(spec, {"main.yaml": text, **(files or {})} if files else {})
    assert time.monotonic() - start < LIMIT
    return [p.message for p in found.problems]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (BOMB, "aliases counted each time"),
        ("a: &a [*a]\n", "before the end of its anchor"),
        ("!!python/object/apply:os.system ['id']\n", "the tag"),
        ("!<tag:yaml.org,2002:python/name:os.system> x\n", "the tag"),
        ("[" * 10_000, "levels"),
        ("- vars: {q: file:///etc/passwd}\n  assert: [{type: is-json}]\n", "allowed are the files"),
        ("- vars: file:///etc/passwd\n  assert: [{type: is-json}]\n", "allowed are the files"),
        ("- file:///etc/passwd\n", "allowed are the files"),
        ("- vars: {q: a}\n  assert: [{type: is-json, value: file://../../etc/passwd.json}]\n", "allowed are the files"),
        ("- vars: {q: a}\n  assert: [{type: javascript, value: file:///usr/lib/x.js}]\n", "allowed are the files"),
    ],
)
def test_document_that_means_harm_is_a_problem_with_its_reason(text: str, word: str) -> None:
    assert any(word in message for message in problems(text)), problems(text)


def test_files_that_name_each_other_end_in_a_problem() -> None:
    assert problems("- file://a.yaml\n", {"a.yaml": "- file://b.yaml\n", "b.yaml": "- file://a.yaml\n"})


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    folder = tmp_path / "probes"
    folder.mkdir()
    (folder / "secret.txt").symlink_to(outside / "secret.txt")
    (folder / "linked").symlink_to(outside)
    text = "prompts: ['{{q}}']\ntests:\n- vars: {q: file://%s}\n  assert: [{type: is-json}]\n"
    for name in ("secret.txt", "linked/secret.txt"):
        (folder / "promptfooconfig.yaml").write_text(text % name)
        (problem,) = validate_probeset_file(folder)
        assert "allowed are the files" in problem.message
