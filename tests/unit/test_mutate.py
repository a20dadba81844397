"""The mutation test itself: which changes it makes, and that tests which notice nothing are told."""

from pathlib import Path

import pytest

from tests.support import mutate


def test_every_operator_and_number_is_changed_once() -> None:
    source = "def f(a, b):\n    'text'\n    return not a or a + b >= 2 and b is None\n"
    found = dict(mutate.mutants(source))
    assert list(found) == [
        "line 3: Or -> And",
        "line 3: And -> Or",
        "line 3: GtE -> Gt",
        "line 3: Is -> IsNot",
        "line 3: Add -> Sub",
        "line 3: 2 -> 3",
    ]
    assert found["line 3: Add -> Sub"].endswith("return not a or (a - b >= 2 and b is None)")


def test_module_without_operators_has_no_mutants() -> None:
    assert list(mutate.mutants("NAME = 'a'\n")) == []


@pytest.mark.parametrize(("test", "alive"), [("assert half(6) == 3", 0), ("assert half(0) == 0", 2)])
def test_survivors_are_the_changes_that_no_test_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test: str, alive: int
) -> None:
    module = tmp_path / "operator" / "halves.py"
    module.parent.mkdir()
    module.write_text("def half(x):\n    return x / 2\n")
    (tmp_path / "test_halves.py").write_text(f"from halves import half\n\n\ndef test_half():\n    {test}\n")
    monkeypatch.chdir(tmp_path)
    count, found = mutate.survivors(Path("operator/halves.py"), ["test_halves.py"])
    assert (count, len(found)) == (2, alive)
    assert module.read_text() == "def half(x):\n    return x / 2\n"
