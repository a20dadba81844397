"""`serinus validate`: says what is wrong with LLMServices, ProbeSets, Decisions and files of tests, without a cluster.

Exit code 0: nothing is wrong; 1: something is, or there is nothing to check; 2: a file cannot be read.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from serinus.cli import context, documents, schemas
from serinus.cli.documents import Document
from serinus.cli.validate_probes import is_probe_file, validate_probeset_file
from serinus.core import naming
from serinus.core.model import InvalidSpec
from serinus.core.parse import parse
from serinus.core.probe import Problem
from serinus.core.probeset import resolve_probe_set
from serinus.core.questions import questions_of
from serinus.plan import Surroundings
from serinus.probes.check import check_probes
from serinus.resources import prometheus_rule
from serinus.resources.context import Context


@dataclass(frozen=True)
class Finding:
    """One problem: where it is, and what is allowed. `line` counts from 1 in the inline source; 0: none."""

    file: str
    object: str
    field: str
    message: str
    line: int = 0


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("validate", help="check LLMServices and ProbeSets", description=__doc__)
    parser.add_argument(
        "file", nargs="+", help="YAML file with objects, or promptfoo's files, CSV or JSON Lines; - is stdin"
    )
    parser.add_argument("--prompt", action="append", default=[], help="prompt for files of tests that have none")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Validate every object of the files."""
    suites = [f for f in options.file if f != "-" and is_probe_file(Path(f))]
    found = documents.read([f for f in options.file if f not in suites])
    ours = [d for d in found if schemas.is_ours(d.body)]
    checked = len(ours) + len(suites)
    if not checked:  # a check of nothing must not look like a check that found nothing
        print(f"serinus: no object of {naming.GROUP} in {', '.join(options.file)}", file=sys.stderr)
    around = context.surroundings(probe_image="serinus:latest", monitor_labels={})
    findings = [finding for document in ours for finding in check(document, found, around)]
    findings += [finding for file in suites for finding in _of_suite(file, tuple(options.prompt))]
    if options.output == "json":
        print(json.dumps({"problems": [asdict(f) for f in findings], "objects": checked}, indent=2))
    else:
        for finding in findings:
            line = f" line {finding.line}:" if finding.line else ""
            print(f"{finding.file}: {finding.object}:{line} {finding.field}: {finding.message}")
        for document in ours:
            _tell_notes(document, around)
    if options.output == "text" and checked:
        plural = "" if len(findings) == 1 else "s"
        print(f"{checked} checked, {len(findings)} problem{plural}", file=sys.stderr)
    return 1 if findings or not checked else 0


def _of_suite(file: str, prompts: tuple[str, ...]) -> list[Finding]:
    folder = Path(file) if Path(file).is_dir() else Path(file).parent
    problems = validate_probeset_file(Path(file), prompts)
    return [Finding(str(folder / p.file), "tests", p.field, p.message, p.line) for p in problems]


def _tell_notes(document: Document, around: Surroundings) -> None:
    """A note is no problem: the object can be acted on as it is."""
    if document.kind == "LLMService" and not schemas.problems(document.body):
        with contextlib.suppress(InvalidSpec):  # it is among the problems
            context.tell_notes(document.title, parse(document.body, around.catalogue))


def check(document: Document, found: list[Document], around: Surroundings) -> list[Finding]:
    """Return the problems of one object of ours; `found` are all objects that were given, for what it refers to."""

    def finding(field: str, message: str, line: int = 0, file: str = "") -> Finding:
        return Finding(file or document.file, document.object, field, message, line)

    problems = [finding(field, message) for field, message in schemas.problems(document.body)]
    if problems:
        return problems
    if document.kind == "ProbeSet":
        wrong = _probe_set(document, found, python=around.settings.allow_python)
        return [finding(p.field, p.message, p.line, p.file) for p in wrong]
    return [finding(*p) for p in _service(document, found, around)] if document.kind == "LLMService" else []


def _probe_set(document: Document, found: list[Document], *, python: bool) -> Sequence[Problem]:
    spec = document.body["spec"]
    wanted, files = context.config_map_of(spec), context.config_map_files(found, document.namespace, spec)
    if wanted and not any(d.kind == "ConfigMap" and d.name == wanted for d in found):
        message = f"found {wanted!r}, which is not among the files given: give its file too, to check the questions"
        return [Problem(line=0, field="spec.source.configMapRef.name", message=message)]
    labels = context.named_config_map(spec, "calibration")
    labelled = context.files_of(found, document.namespace, labels)
    if labels and not labelled:
        message = f"found {labels!r}, which is not among the files given: give its file too, to check the labels"
        return [Problem(line=0, field="spec.calibration.configMapRef.name", message=message)]
    parsed, _ = resolve_probe_set(spec, files, labelled, python=python)
    return parsed.problems or check_probes(parsed)


def _service(document: Document, found: list[Document], around: Surroundings) -> list[tuple[str, str]]:
    try:
        service = parse(document.body, around.catalogue)
    except InvalidSpec as e:
        return [(e.path, e.message)]
    monitored = Context(service=service, settings=around.settings, runtimes=around.catalogue, alerts=around.alerts)
    wrong = [tuple(p.message.split(": ", 1)) for p in prometheus_rule.problems(monitored)]
    sets = context.probe_sets(found, service.namespace, python=around.settings.allow_python)
    # Without a ProbeSet among the files they are elsewhere: whether they exist is for the cluster to say.
    problem = questions_of(service.gates, sets)[1] if sets else None
    if problem is not None:
        wrong.append(tuple(problem.message.split(": ", 1)))
    return [(path, message) for path, message in wrong]
