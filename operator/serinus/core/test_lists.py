"""Lists of tests as they are written: tests, files of tests, patterns of files, rows. What a test means is not here."""

import csv
import io
from typing import Final

from serinus.core.findings import Place
from serinus.core.probecsv import read_csv
from serinus.core.rows import is_test, listed_rows, read_lines, to_test
from serinus.core.sources import FILE, YAML_ENDINGS, Sources, is_other_script, is_reference, is_script
from serinus.core.tree import from_plain

LINES: Final = ".jsonl"
CSV: Final = ".csv"
_ENDINGS: Final = (*YAML_ENDINGS, ".json", LINES, CSV)
_OUTSIDE: Final = ("http://", "https://", "huggingface://", "s3://", "az://", "gs://", "sharepoint://")


def read_tests(sources: Sources, where: Place | None) -> tuple[Place, ...]:
    """Tests of a list in which each entry is a test or leads to a file of them; problems go to the findings."""
    if where is None:
        return ()
    single = isinstance(where.node.value, str) or "path" in where.node.fields
    entries = [where] if single else where.each()
    if not entries:
        sources.findings.problem(where, f"found {where.node.kind()}, allowed is a list of tests")
    return tuple(test for entry in entries for test in _listed(sources, entry))


def read_file(sources: Sources, text: str, name: str, *, rows: bool = False) -> tuple[Place, ...]:
    """Tests of one file, by its ending; with `rows` its entries are rows of a data set."""
    if name.endswith(LINES) or (rows and not name.endswith((*YAML_ENDINGS, ".json", CSV)) and not _is_whole(text)):
        return tuple(to_test(sources.findings, row) for row in read_lines(sources.findings, text, name))
    if name.endswith(CSV):
        return _csv_rows(sources, text, name) if rows else read_csv(sources.findings, text, name)
    tree = sources.tree(text, name)
    if tree is None:
        return ()
    if rows:
        return tuple(to_test(sources.findings, row) for row in listed_rows(tree))
    if not tree.node.items and "tests" in tree.node.fields and not is_test(tree):
        return read_tests(sources, tree.at("tests"))
    return tuple(tree.each()) if tree.node.items else (tree,)


def _is_whole(text: str) -> bool:
    """Whether a text without a name is one JSON list, and not JSON Lines."""
    return text.lstrip("\ufeff \t\r\n").startswith("[")


def _listed(sources: Sources, entry: Place) -> tuple[Place, ...]:
    if "path" in entry.node.fields and not is_test(entry):
        entry = entry.at("path")
    reference = entry.node.value
    if not isinstance(reference, str):
        return (entry,)
    if reference.startswith(_OUTSIDE):
        message = f"found {reference[:100]!r}: tests are read from the ProbeSet alone, nothing is downloaded"
        sources.findings.problem(entry, message)
        return ()
    if is_script(reference) or is_other_script(reference):
        message = f"found {reference[:100]!r}: tests that a program makes are not run, allowed are files of tests"
        sources.findings.problem(entry, message)
        return ()
    if "*" in reference:
        return _matching(sources, entry, reference)
    if not is_reference(reference) and not sources.has(reference):
        sources.findings.problem(entry, f"found {reference[:100]!r}, allowed are tests and file:// references to them")
        return ()
    return _of_file(sources, entry, reference)


def _matching(sources: Sources, entry: Place, pattern: str) -> tuple[Place, ...]:
    names = sources.matching(pattern)
    if not names:
        sources.findings.problem(entry, f"found {pattern[:100]!r}, which no file of the ProbeSet matches")
    return tuple(test for name in names for test in _of_file(sources, entry, FILE + name))


def _of_file(sources: Sources, entry: Place, reference: str) -> tuple[Place, ...]:
    found = sources.text(entry, reference) if sources.open_list(entry) else None
    if found is None:
        return ()
    name, text = found
    if not name.endswith(_ENDINGS):
        sources.findings.problem(entry, f"found {reference[:100]!r}, allowed are files {', '.join(_ENDINGS)}")
        return ()
    tests = read_file(sources, text, name)
    return tuple(t for test in tests for t in (_listed(sources, test) if test.node.is_text else (test,)))


def _csv_rows(sources: Sources, text: str, name: str) -> tuple[Place, ...]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[Place] = []
    try:
        for row in reader:
            plain = {k: v for k, v in row.items() if isinstance(k, str) and isinstance(v, str)}
            here = Place(from_plain(plain, reader.line_num), f"row {len(rows) + 1}", name)
            rows.append(to_test(sources.findings, here))
    except csv.Error as e:
        sources.findings.problem(Place(from_plain(None, reader.line_num), "", name), f"not CSV: {e}")
    return tuple(rows)
