"""Options that describe a gate and where its questions are, and what they say. It asks nobody and prints nothing."""

import argparse
from pathlib import Path
from typing import Any

from serinus.cli import documents
from serinus.cli.unusable import Unusable
from serinus.cli.validate_probes import is_probe_file, read_suite
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec, QualityGate
from serinus.core.parse import parse_gate


def add_gate(parser: argparse.ArgumentParser) -> None:
    """Add the file of questions, what the gate allows, and its budget."""
    parser.add_argument("-f", "--file", help="a ProbeSet, promptfoo's file or folder, CSV or JSON Lines")
    parser.add_argument("--prompt", action="append", default=[], help="prompt for files of tests that have none")
    gate = parser.add_argument_group("the gate", "as in spec.gates.quality of an LLMService")
    gate.add_argument("--floor-percent", type=float, metavar="N", help="share of the tests that must pass (required)")
    for flag, usual, text in (
        ("margin-points", 5, "a canary that is worse by this must not pass"),
        ("tolerance-points", 0, "a canary that is worse by this is still not worse"),
        ("false-rollback-percent", 5, "chance that an equal canary fails"),
        ("false-promotion-percent", 10, "chance that a canary worse by the margin passes"),
    ):
        gate.add_argument(f"--{flag}", type=float, default=usual, metavar="N", help=f"{text} (default {usual})")
    gate.add_argument("--compare", choices=("Pass", "Score"), default="Pass", help="passes, or scores (default Pass)")
    gate.add_argument("--pairs", type=int, default=1000, metavar="N", help="budget of a run (default 1000)")
    gate.add_argument("--tokens", type=int, default=2_000_000, metavar="N", help="budget of a run (default 2000000)")
    gate.add_argument("--duration", default="2h", help="budget of a run, such as 90s or 1h30m (default 2h)")


def read_gate(name: str, options: argparse.Namespace) -> QualityGate:
    """The gate that the options describe, with the bounds of the API; raises Unusable."""
    raw = {
        "name": name,
        "probeSetRef": {"name": name},
        "floorPercent": options.floor_percent,
        "marginPoints": options.margin_points,
        "tolerancePoints": options.tolerance_points,
        "falseRollbackPercent": options.false_rollback_percent,
        "falsePromotionPercent": options.false_promotion_percent,
        "compare": options.compare,
        "budget": {"pairs": options.pairs, "tokens": options.tokens, "duration": options.duration},
    }
    try:
        return parse_gate(Fields(raw, ""))
    except InvalidSpec as e:
        raise Unusable(f"the gate: {e}") from e


def read_source(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """The spec of a ProbeSet, the files that it reads, and its labelled answers; raises Unusable or Unreadable."""
    path = Path(options.file)
    if is_probe_file(path):
        try:
            return *read_suite(path, tuple(options.prompt)), {}
        except (OSError, UnicodeError, ValueError) as e:
            raise Unusable(f"{path}: cannot be read: {e}") from e
    from serinus.cli import context  # noqa: PLC0415 - only objects need it, and it takes a second to import

    found = documents.read([options.file])
    sets = [d for d in found if d.kind == "ProbeSet"]
    if len(sets) != 1:
        raise Unusable(f"{path}: found {len(sets)} ProbeSets, allowed is one, or a file of tests")
    spec, namespace = dict(sets[0].body.get("spec") or {}), sets[0].namespace
    labelled = context.files_of(found, namespace, context.named_config_map(spec, "calibration"))
    return spec, context.config_map_files(found, namespace, spec), labelled


def check_url(flag: str, url: str) -> str:
    """An address without a key in it, and without a slash at its end; raises Unusable."""
    host = url.partition("://")[2].partition("/")[0]
    if not url.startswith(("http://", "https://")) or not host or "@" in host:
        shown = "an address with a user in it" if "@" in host else repr(url)
        raise Unusable(f"{flag}: found {shown}, allowed is http:// or https:// with host and port")
    return url.rstrip("/")
