"""`serinus operator`: runs the operator until it is told to stop. Settings come from the environment and `--set`."""

import argparse
import os
import sys
from typing import Any

from serinus.cli.context import pairs
from serinus.shell import lean
from serinus.shell.setting_types import InvalidSetting
from serinus.shell.settings import load_settings


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("operator", help="run the operator", description=__doc__)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting, as leaseDuration=15s; the variable of that name is SERINUS_LEASE_DURATION",
    )
    parser.add_argument("--kubeconfig", help="path; default: the pod's service account, else the usual places")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run; 2 if a setting cannot be used."""
    lean.import_kopf()
    from serinus.shell.engine import run_operator  # noqa: PLC0415 - kopf takes 0.4 s to import, and comes alone

    try:
        settings = load_settings(os.environ, pairs(options.set, "--set"))
    except InvalidSetting as e:
        print(f"serinus: {e}", file=sys.stderr)
        return 2
    lean.seldom_collect()
    return run_operator(settings, options.kubeconfig)
