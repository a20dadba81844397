"""`serinus runtimes`: which servers, gateways, clients and devices are known, what is recorded of each, and what not.

Exit code 0; 2: there is no runtime of that name, or the catalogue cannot be read.
"""

import argparse
import json
import sys
from typing import Any

import yaml

from serinus.cli import context
from serinus.cli.unusable import Unusable
from serinus.core.runtime import Catalogue, Requirement, Runtime
from serinus.resources import signal_rules

_LIST = ("name", "kind", "serves", "observes", "metrics", "signals", "gaps")


def add_parser(commands: Any) -> None:
    """Add the command and its two forms to the parser."""
    parser = commands.add_parser("runtimes", help="list what is known, with signals and gaps", description=__doc__)
    parser.add_argument("-o", "--output", choices=("table", "json", "yaml"), default="table")
    parser.set_defaults(run=run, name="")
    forms = parser.add_subparsers(metavar="show")
    show = forms.add_parser("show", help="one runtime, with every series", description="Show one runtime.")
    show.add_argument("name", help="name of a runtime, as in spec.runtime")
    show.add_argument("-o", "--output", choices=("table", "json", "yaml"), default=argparse.SUPPRESS)
    show.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print all runtimes, or one of them; raises Unusable for a name that is not known."""
    catalogue = context.surroundings(probe_image="", monitor_labels={}).catalogue
    found: Any = [described(runtime) for runtime in catalogue.values()]
    if options.name:
        found = described(_named(catalogue, options.name))
    if options.output == "json":
        print(json.dumps(found, indent=2))
    elif options.output == "yaml":
        sys.stdout.write(yaml.safe_dump(found, sort_keys=False, width=120))
    elif options.name:
        _print_one(found)
    else:
        _print_all(found)
    return 0


def described(runtime: Runtime) -> dict[str, Any]:
    """Everything that is known of a runtime, as plain data."""
    needs = [*runtime.requires, *(need for part in runtime.components for need in part.requires)]
    own, attached = signal_rules.rules(runtime), signal_rules.attached_rules(runtime)
    scraped = {"port": runtime.metrics_number or runtime.port_number, "path": runtime.metrics_path}
    return {
        "name": runtime.name,
        "title": runtime.title,
        "kind": str(runtime.kind),
        "serves": runtime.serves,
        "observes": runtime.attaches,
        "port": runtime.port_number,
        "metrics": scraped if runtime.metrics_path else None,
        "health": runtime.health_path,
        "components": [
            {"name": c.name, "role": c.role, "port": c.port_number, "path": c.path} for c in runtime.components
        ],
        "requires": [_required(need) for need in needs],
        "modelLabel": runtime.model_label,
        "signals": list(runtime.signals),
        "gaps": list(signal_rules.gaps(runtime)),
        "series": sorted({rule.record for rule in own}),
        "observedSeries": sorted({rule.record for rule in attached}),
    }


def _named(catalogue: Catalogue, name: str) -> Runtime:
    if name not in catalogue:
        raise Unusable(f"runtime: found {name!r}, allowed are {', '.join(catalogue)}")
    return catalogue[name]


def _required(need: Requirement) -> dict[str, Any]:
    told: dict[str, Any] = {"flag": need.flag, "variable": need.env, "fileOf": list(need.files)}
    told |= {"signals": list(need.signals), "forbidden": need.forbidden}
    return {key: value for key, value in told.items() if value}


def _print_all(found: list[dict[str, Any]]) -> None:
    rows = [[_cell(runtime, column) for column in _LIST] for runtime in found]
    widths = [max(len(cell) for cell in column) for column in zip(_LIST, *rows, strict=True)]
    for row in ([name.upper() for name in _LIST], *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(runtime: dict[str, Any], column: str) -> str:
    match runtime[column]:
        case bool() as value:
            return "yes" if value else "no"
        case list() as value:
            return str(len(value))
        case {"port": port, "path": path}:
            return f":{port}{path}" if port else str(path)
        case None:
            return "none"
        case value:
            return str(value)


def _print_one(found: dict[str, Any]) -> None:
    for key, value in found.items():
        match value:
            case list():
                print(f"{key}:{'' if value else ' none'}")
                for item in value:
                    print(f"  {_pairs(item) if isinstance(item, dict) else item}")
            case dict():
                print(f"{key}: {_pairs(value)}")
            case bool() | None:
                print(f"{key}: {'yes' if value else 'no'}")
            case _:
                print(f"{key}: {value or 'none'}")


def _pairs(item: dict[str, Any]) -> str:
    return ", ".join(f"{key} {', '.join(v) if isinstance(v, list) else v}" for key, v in item.items())
