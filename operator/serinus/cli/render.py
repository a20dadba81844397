"""`serinus render`: prints what the operator would apply for an LLMService in steady state, without a cluster."""

import argparse
import json
import sys
from typing import Any

import yaml

from serinus.cli import context, documents, schemas
from serinus.cli.documents import Document
from serinus.core.model import InvalidSpec
from serinus.plan import Surroundings
from serinus.resources import output_of
from serinus.steady import plan_steady

LLMSERVICE = "LLMService"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("render", help="print what the operator would apply", description=__doc__)
    parser.add_argument("-f", "--file", action="append", required=True, help="YAML file with objects; - is stdin")
    parser.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml")
    parser.add_argument(
        "--api",
        action="append",
        help="an installed API, as monitoring.coreos.com/v1; more than one may be given (default: all)",
    )
    parser.add_argument("--probe-image", default="serinus:latest", help="image of the probe Jobs")
    parser.add_argument("--monitor-label", action="append", default=[], metavar="KEY=VALUE")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Render every LLMService of the files; 1 if one is invalid or if there is none, and then nothing is printed."""
    labels = context.pairs(options.monitor_label, "--monitor-label")
    found = documents.read(options.file)
    around = context.surroundings(probe_image=options.probe_image, monitor_labels=labels)
    services = [d for d in found if d.kind == LLMSERVICE and schemas.is_ours(d.body)]
    if not services:
        print(f"serinus: no {LLMSERVICE} in {', '.join(options.file)}", file=sys.stderr)
        return 1
    manifests: list[dict[str, Any]] = []
    wrong = [problem for document in services for problem in _rendered(document, found, around, manifests)]
    for problem in wrong:
        print(f"serinus: {problem}", file=sys.stderr)
    if wrong:
        return 1
    _print([m for m in manifests if _installed(m, options.api)], options.output)
    return 0


def _rendered(
    document: Document, found: list[Document], around: Surroundings, manifests: list[dict[str, Any]]
) -> list[str]:
    """Add a service's manifests, or return what is wrong with it."""
    problems = schemas.problems(document.body)
    if not problems:
        try:
            allowed = around.settings.allow_python
            known = context.probe_sets(found, document.namespace, python=allowed)
            planned = plan_steady(document.body, around, known)
        except InvalidSpec as e:
            problems = [(e.path, e.message)]
        else:
            manifests += planned.manifests
            context.tell_notes(document.title, planned.view.service)
    return [f"{document.title}: {path}: {message}" for path, message in problems]


def _installed(manifest: dict[str, Any], apis: list[str] | None) -> bool:
    """Whether an output's API is among those given; what is no optional output needs no such API."""
    builder = output_of(manifest["kind"], manifest["metadata"]["name"])
    optional = "." in manifest["apiVersion"] and builder
    if builder is not None and builder.unless and (apis is None or builder.unless in apis):
        return False
    if apis is None or not optional or manifest["apiVersion"] in apis:
        return True
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    print(f"serinus: {name}: skipped, {manifest['apiVersion']} is not installed", file=sys.stderr)
    return False


def _print(manifests: list[dict[str, Any]], output: str) -> None:
    plain = json.loads(json.dumps(manifests))  # without shared parts, which YAML would write as aliases
    if output == "json":
        listed = {"apiVersion": "v1", "kind": "List", "items": plain}
        print(json.dumps(listed, indent=2, sort_keys=True, ensure_ascii=False))
        return
    sys.stdout.write(yaml.safe_dump_all(plain, sort_keys=True, explicit_start=True, width=200, allow_unicode=True))
