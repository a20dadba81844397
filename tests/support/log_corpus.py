"""The corpus of log lines with planted secrets, and services that would have written them. It judges nothing."""

import copy
import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from serinus.core.logs import Profile
from serinus.core.model import Service
from serinus.core.parse import parse
from serinus.core.runtime import Catalogue, LogFormat
from serinus.shell.catalogue import RUNTIMES, load

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples" / "logs"
NAMES = tuple(sorted(path.stem for path in SAMPLES.glob("*.log")))
PARSERS = {"json": LogFormat.JSON, "logfmt": LogFormat.LOGFMT}


@cache
def _catalogue() -> Catalogue:
    return load(RUNTIMES, ROOT / "alert-rules").runtimes


def lines(name: str) -> list[str]:
    """The lines of one corpus."""
    return (SAMPLES / f"{name}.log").read_text(encoding="utf-8").splitlines()


def mixed(number: int) -> list[str]:
    """Lines in which texts that look like something stand in all kinds of places, the same ones each time."""
    dice = random.Random(20261121)
    return [dice.choice(_PLACES).replace("@@", _text(dice)).replace("##", _text(dice)) for _ in range(number)]


_PLACES = (
    "INFO 11-21 10:00:00 [x.py:1] @@ and ##",
    '{"level":"info","msg":"@@\\n##","n":1}',
    '{"level":"debug","prompt":"@@","x":"##"}',
    '{"level":"debug","msg":"{\\"content\\": \\"@@\\", \\"n\\": 1} ##"}',
    "level=warn a=@@ b=## text=@@",
    "INFO prompt: '@@', params: (##), output: \"##\"",
    "messages=[{'role': 'user', 'content': '@@'}, ['##']], api_key=@@",
    "@@ ## @@, ##;@@|##",
    "Authorization: Bearer @@ x-api-key=## https://u:@@@host/##",
)


def _text(dice: random.Random) -> str:
    digits = "".join(dice.choices("0123456789", k=dice.randint(11, 21)))
    country = dice.choice(("DE", "de", "NO", "GB", "FR", "XX"))
    account = f"{country}{dice.randint(2, 98):02}" + "".join(dice.choices("0123456789ABC", k=dice.randint(10, 25)))
    length = {"DE": 22, "NO": 15, "GB": 22, "FR": 27}.get(country.upper(), 20)
    bank = "".join(dice.choices("0123456789", k=length - 4))
    check = 98 - int("".join(str(int(c, 36)) for c in f"{bank}{country}00")) % 97
    groups = " ".join(digits[i : i + 4] for i in range(0, 16, 4))
    return dice.choice(
        (
            digits,
            dice.choice("3456") + digits[:15],
            groups,
            groups.replace(" ", dice.choice("-. ")),
            account,
            f"{country}{check:02}{bank}",
            f"jö.{digits[:3]}@ex-ample.co{digits[0]}.org",
            f"+{digits[:2]} {digits[2:5]} {digits[5:11]}",
            f"({digits[:3]}) {digits[3:6]}-{digits[6:10]}",
            f"sk-{account}",
            f"0.{digits}",
            "None",
            'it\\\'s \\"quoted\\"',
            "plain words, ümlaut … 漢字",
        )
    )


def planted() -> list[str]:
    """Every text that no stored line may hold."""
    return (SAMPLES / "planted.txt").read_text(encoding="utf-8").splitlines()


def harmless(name: str) -> list[str]:
    """The lines of a corpus in which nothing is planted."""
    secrets = planted()
    return [line for line in lines(name) if not any(secret in line for secret in secrets)]


def profile(name: str, **changes: Any) -> Profile:
    """The profile by which a corpus is read."""
    return Profile(parser=PARSERS.get(name, LogFormat.TEXT), **changes)


def service(name: str, **logs: Any) -> Service:
    """A service that writes a corpus, with fields of spec.monitoring.logs."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "examples" / "vllm.yaml").read_text(encoding="utf-8"))
    body = copy.deepcopy(next(d for d in documents if d["kind"] == "LLMService"))
    body["metadata"] |= {"name": name, "namespace": "team-a"}
    monitoring = body["spec"].setdefault("monitoring", {})
    monitoring["logs"] = {"parser": str(PARSERS.get(name, LogFormat.TEXT)), **logs}
    monitoring["outputs"] = {"lokiRules": True}
    return parse(body, _catalogue())
