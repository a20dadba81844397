"""`serinus validate`: says what is wrong with LLMServices and ProbeSets, without a cluster, with line numbers.

Exit code 0: nothing; 1: there are problems; 2: a file cannot be read.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any

from serinus.cli import context, documents, schemas
from serinus.cli.documents import Document
from serinus.core.model import InvalidSpec
from serinus.core.parse import parse
from serinus.core.probeset import parse_probe_set
from serinus.core.questions import questions_of
from serinus.plan import Surroundings


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
    parser.add_argument("file", nargs="+", help="YAML file with objects; - is stdin")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Validate every object of the files."""
    found = documents.read(options.file)
    around = context.surroundings(probe_image="serinus:latest", monitor_labels={})
    findings = [finding for document in found for finding in check(document, found, around)]
    if options.output == "json":
        print(json.dumps({"problems": [asdict(f) for f in findings], "objects": len(found)}, indent=2))
    else:
        for finding in findings:
            line = f" line {finding.line}:" if finding.line else ""
            print(f"{finding.file}: {finding.object}:{line} {finding.field}: {finding.message}")
        checked = sum(d.body["kind"] in ("LLMService", "ProbeSet") for d in found)
        print(f"{checked} checked, {len(findings)} problem{'' if len(findings) == 1 else 's'}")
    return 1 if findings else 0


def check(document: Document, found: list[Document], around: Surroundings) -> list[Finding]:
    """Return the problems of one object; of a kind that is not ours there are none."""
    kind = document.body["kind"]
    if kind not in ("LLMService", "ProbeSet"):
        return []
    metadata = document.body.get("metadata") or {}
    name = f"{kind} {metadata.get('namespace', 'default')}/{metadata.get('name', '?')}"

    def finding(field: str, message: str, line: int = 0, file: str = "") -> Finding:
        return Finding(file or document.file, name, field, message, line)

    problems = [finding(field, message) for field, message in schemas.problems(document.body)]
    if problems:
        return problems
    if kind == "ProbeSet":
        files = context.config_map_files(found, metadata.get("namespace", "default"), document.body["spec"])
        parsed = parse_probe_set(document.body["spec"], files)
        return [finding(p.field, p.message, p.line, p.file) for p in parsed.problems]
    try:
        service = parse(document.body, around.catalogue)
    except InvalidSpec as e:
        return [finding(e.path, e.message)]
    sets = context.probe_sets(found, service.namespace)
    if not sets:
        return []  # its ProbeSets are elsewhere: whether they exist is for the cluster to say
    problem = questions_of(service.gates, sets)[1]
    if problem is None:
        return []
    field, _, message = problem.message.partition(": ")
    return [finding(field, message)]
