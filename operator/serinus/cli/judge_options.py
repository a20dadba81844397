"""Options that name judges, labelled answers and embeddings for files whose assertions need them. It asks nobody."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from serinus.cli.gate_options import check_url, read_source
from serinus.cli.unusable import Unusable
from serinus.core import naming
from serinus.core.probe import ProbeSet
from serinus.core.questions import first_problem, read_probe_set
from serinus.core.runspec import JudgeEndpoint
from serinus.core.seen import Questions

_LABELS: Final = "labels"


def add_judges(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    judges = parser.add_argument_group("judges", "for assertions such as llm-rubric and similar")
    judges.add_argument("--judge", action="append", default=[], metavar="[NAME=]URL", help="1, 3 or 5 of them")
    judges.add_argument("--judge-model", metavar="NAME", help="their model, where no ProbeSet names it")
    judges.add_argument(
        "--judge-token-env", action="append", default=[], metavar="[NAME=]VAR", help="variable with their bearer token"
    )
    judges.add_argument("--labels", action="append", default=[], metavar="FILE", help="labelled answers")
    judges.add_argument("--embeddings", metavar="URL", help="the endpoint of embeddings")
    judges.add_argument("--embeddings-model", metavar="NAME", help="its model, where no ProbeSet names it")


def read_questions(options: argparse.Namespace, request: dict[str, Any]) -> tuple[Questions, ProbeSet]:
    """The questions of the file with the judges of the options; `request` overrides the file's own.

    Raises Unusable or Unreadable with one line.
    """
    spec, files, labelled = read_source(options)
    own = spec.get("request")
    spec["request"] = {**(own if isinstance(own, dict) else {}), **request}
    _name_judges(options, spec)
    if options.labels:
        labelled = {Path(name).name: _read(name) for name in options.labels}
        spec["calibration"] = {"configMapRef": {"name": _LABELS}}
    seen, probes = read_probe_set(options.file, spec, files, labelled)
    if seen.questions is None:
        raise Unusable(f"{options.file}: {first_problem(probes)}")
    return seen.questions, probes


def _name_judges(options: argparse.Namespace, spec: dict[str, Any]) -> None:
    """Judges and embeddings endpoint of a file that names none."""
    if options.judge and not spec.get("judges"):
        if not options.judge_model:
            raise Unusable("--judge-model: found none, it is required with --judge where no ProbeSet names the judges")
        names = [_split(text, f"judge-{i}")[0] for i, text in enumerate(options.judge, 1)]
        spec["judges"] = [{"name": n, "model": options.judge_model, "endpointRef": {"name": n}} for n in names]
    if options.embeddings and not spec.get("embeddings"):
        if not options.embeddings_model:
            raise Unusable("--embeddings-model: found none, it is required with --embeddings")
        spec["embeddings"] = {"model": options.embeddings_model, "endpointRef": {"name": naming.EMBEDDINGS}}


def judge_endpoints(options: argparse.Namespace, probes: ProbeSet) -> tuple[JudgeEndpoint, ...]:
    """Where judges and embeddings are; a token's place is the name of its variable. Raises Unusable."""
    names = [judge.name for judge in probes.judging.judges]
    if options.judge and not names:
        raise Unusable("--judge: found one, allowed is none: no assertion of the file asks a judge")
    given = [_split(text, name) for text, name in zip(options.judge, [*names, *options.judge], strict=False)]
    found: tuple[JudgeEndpoint, ...] = ()
    if names:
        from serinus.cli.judge_test import endpoints  # noqa: PLC0415 - takes long to import

        found = endpoints(probes.judging, [f"{name}={url}" for name, url in given])
    tokens = _tokens(options.judge_token_env, names)
    judges = tuple(replace(j, url=check_url("--judge", j.url), token_path=tokens(j.name)) for j in found)
    if probes.judging.embeddings is None:
        return judges
    if not options.embeddings:
        raise Unusable("--embeddings: found none, it is required: the file asks for embeddings")
    url = check_url("--embeddings", options.embeddings)
    return (*judges, JudgeEndpoint(name=naming.EMBEDDINGS, url=url, token_path=tokens(naming.EMBEDDINGS)))


def read_variable(what: str, name: str) -> str:
    """The value of an environment variable that holds a secret; raises Unusable, which never shows the value."""
    value = os.environ.get(name, "").strip()
    if not value or not value.isascii() or not value.isprintable():
        raise Unusable(f"{what}: variable {name}: found no value, allowed is one line of printable ASCII characters")
    return value


def _tokens(given: Sequence[str], names: Sequence[str]) -> Callable[[str], str]:
    """From the name of a judge to the variable with its token; one without a name is for all."""
    found = dict(_split(text, "") for text in given)
    allowed = (*names, naming.EMBEDDINGS)
    for name, variable in found.items():
        if name and name not in allowed:
            raise Unusable(f"--judge-token-env: found {name!r}, allowed are {', '.join(allowed)}")
        read_variable("--judge-token-env", variable)
    return lambda name: found.get(name, found.get("", ""))


def _split(text: str, usual: str) -> tuple[str, str]:
    """Read `[NAME=]VALUE`; a query of an address is no name."""
    name, sign, value = text.partition("=")
    return (name, value) if sign and "/" not in name else (usual, text)


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as e:
        raise Unusable(f"--labels: {name}: cannot be read: {getattr(e, 'strerror', None) or type(e).__name__}") from e
