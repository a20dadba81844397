"""Every setting of the model server: flags, environment, limits and help text from one table of fields.

It owns parsing and checking; it must not open files, sockets or clocks.
The flag of a field is `--field-name`, its environment variable `MODEL_SERVER_FIELD_NAME`; flags win.
"""

import argparse
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from . import SERVER_NAME
from .knowledge import DEFAULT_KNOWLEDGE

ENV_PREFIX = "MODEL_SERVER_"


class Mode(StrEnum):
    """How the server answers."""

    GOOD = "good"
    WRONG = "wrong"
    GARBAGE = "garbage"
    EMPTY = "empty"
    CUT = "cut"
    REFUSE = "refuse"
    SLOW = "slow"
    FAIL = "fail"
    DRIFT = "drift"


def option(default: Any, text: str, *, low: float = 0.0, high: float = math.inf) -> Any:
    """Declare a dataclass field that is also a flag; numbers must lie in [low, high]."""
    return field(default=default, metadata={"help": text, "low": low, "high": high})


def percent(default: float, text: str) -> Any:
    """Declare a field that is a share in percent, 0 to 100."""
    return option(default, text, high=100.0)


@dataclass(frozen=True)
class Quality:
    """What the answers are like."""

    mode: Mode = option(Mode.GOOD, "what the answers are like")  # noqa: RUF009 - makes a dataclass field
    wrong_percent: float = percent(15.0, "modes wrong and drift: points of pass rate lost over all questions")
    fail_percent: float = percent(50.0, "mode fail: share of calls answered with 500")
    slow_seconds: float = option(5.0, "mode slow: seconds to the first token")
    drift_after: float = option(5.0, "mode drift: minutes after which answers begin to go wrong")
    drift_over: float = option(0.0, "mode drift: minutes that the change takes; 0 = at once")
    vary_percent: float = percent(30.0, "share of calls answered in other words than usual")
    noise_percent: float = percent(1.0, "share of calls at which even a good model is wrong")
    always_wrong: str = option("", "comma-separated ids of questions that are always answered wrongly")
    seed: int = option(1, "which questions are hard follows from this and their ids")
    call_seed: int = option(-1, "seed of the draws of the calls, for tests; -1 = from the system", low=-1)


@dataclass(frozen=True)
class Pace:
    """How fast answers come and how many at once."""

    first_token_seconds: float = option(0.02, "time from the start of a request's work to its first token")
    tokens_per_second: float = option(100.0, "tokens a second of each request; 0 = all at once")
    max_concurrency: int = option(256, "requests worked on at once; others wait", low=1)
    max_queued: int = option(0, "waiting requests beyond which 503 is answered; 0 = no limit")
    max_model_len: int = option(32768, "longest prompt and answer together, in tokens", low=1)


@dataclass(frozen=True)
class Service:
    """Where and as whom the server serves."""

    host: str = option("0.0.0.0", "address to listen on")
    port: int = option(8000, "port to listen on; 0 = any free one", high=65535)
    served_model_name: str = option("support-model", "the model's name in requests, answers and metrics")
    revision: str = option("", "sent as X-Revision; default: the variables REVISION, POD, then the host name")
    pod: str = option("", "sent as X-Pod; default: the variable POD, then the host name")
    api_key_file: str = option("", "file with the bearer token that /v1 asks for; none: nothing is asked")
    knowledge: str = option(str(DEFAULT_KNOWLEDGE), "file with questions and facts")
    load_seconds: float = option(0.0, "time from start until the port opens, as when weights load")
    linger_seconds: float = option(2.0, "after SIGTERM: how long no request must come before the server ends")
    grace_seconds: float = option(25.0, "after SIGTERM: when the server ends at the latest")


Group = TypeVar("Group", Quality, Pace, Service)


@dataclass(frozen=True)
class Settings:
    """All settings together."""

    quality: Quality = field(default_factory=Quality)
    pace: Pace = field(default_factory=Pace)
    service: Service = field(default_factory=Service)


def env_name(name: str) -> str:
    """The environment variable of a field.

    A Service named model-server makes Kubernetes set MODEL_SERVER_PORT to an address: that name is not used.
    """
    return ENV_PREFIX + ("LISTEN_PORT" if name == "port" else name.upper())


def parse_settings(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Settings from flags and environment; ends the process with status 2 and the flag's name when one is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.modelserver",
        description=f"{SERVER_NAME}. An OpenAI-compatible model server of a set answer quality, part of this "
        "project's demos and tests. It runs no model. Sampling parameters are accepted and change nothing.",
        epilog=f"Every flag can also be set as {ENV_PREFIX}<FLAG> (the port as {env_name('port')}).",
        allow_abbrev=False,
    )
    for group in (Quality, Pace, Service):
        section = parser.add_argument_group((group.__doc__ or "").rstrip("."))
        for item in fields(group):
            section.add_argument(
                f"--{item.name.replace('_', '-')}",
                type=partial(_convert, type(item.default), item.metadata),
                default=environ.get(env_name(item.name), item.default),
                help=f"{item.metadata['help']} (default: {item.default})".replace("%", "%%"),
                metavar="|".join(Mode) if item.name == "mode" else None,
            )
    values = vars(parser.parse_args(argv))
    host = socket.gethostname()
    values["pod"] = values["pod"] or environ.get("POD", host)
    values["revision"] = values["revision"] or environ.get("REVISION") or values["pod"]
    return Settings(_build(Quality, values), _build(Pace, values), _build(Service, values))


def _build(group: type[Group], values: Mapping[str, Any]) -> Group:
    return group(**{item.name: values[item.name] for item in fields(group)})


def _convert(kind: type, limits: Mapping[str, Any], text: str) -> Any:
    try:
        value = kind(text)
    except ValueError as error:
        allowed = ", ".join(Mode) if kind is Mode else f"a number of type {kind.__name__}"
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed: {allowed}") from error
    if isinstance(value, int | float) and not limits["low"] <= value <= limits["high"]:
        raise argparse.ArgumentTypeError(f"found {text}, allowed: {limits['low']:g} to {limits['high']:g}")
    return value


def read_api_key(path: str) -> str | None:
    """The token in a file without the white space around it; None when no file is named."""
    if not path:
        return None
    token = Path(path).read_text(encoding="utf-8").strip()
    if not token:
        raise ValueError(f"--api-key-file {path}: found an empty file, a token is needed")
    return token
