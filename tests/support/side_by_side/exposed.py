"""What runtimes expose today: the newest sample of each, what samples leave out, and what old names are called now.

It owns names, labels and types. It must not read a rule of ours, nor a file of others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from serinus.core.runtime import Runtime
from tests.alerts.sample import FOLDER, Sample
from tests.golden import render

HERE: Final = Path(__file__).parent
ALIASES: Final = "llm-d-epp-gie-1.5.prom"
"""Names of an older endpoint picker, which today's exposes besides its own."""
COMPLETE: Final = ("vllm:", "sglang:", "sglang_", "tgi_", "trtllm_", "llamacpp:", "lmdeploy:", "inference_")
"""Beginnings of names of which nothing else exists today: a name that is not known is gone, or never was."""
TARGET: Final = frozenset(
    ("job", "instance", "pod", "namespace", "service", "endpoint", "container", "node", "cluster", "prometheus")
)
"""Labels that come from the target: what they say depends on where it is installed."""
PARTS: Final = ("_bucket", "_sum", "_count")
"""Endings of the series of a histogram."""
_STAND_IN: Final = "sample"


@dataclass(frozen=True)
class Exposed:
    """All series: `labels` of each name with the values seen, `types` of each family, `inputs` for promtool."""

    labels: dict[str, dict[str, set[str]]]
    types: dict[str, str]
    inputs: list[dict[str, str]]
    synthetic: frozenset[str]

    def family(self, name: str) -> str:
        """The family of a series: a histogram's without its ending."""
        bare = next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)
        return bare if bare in self.types and name not in self.types else name

    def type_of(self, name: str) -> str:
        """counter, gauge, histogram, summary; empty for a name that is not known."""
        return self.types.get(self.family(name), "")

    def today(self, name: str) -> str | None:
        """What a name that is gone is called today, empty for nothing; None if that is not known."""
        known = _renamed()
        part = next((p for p in PARTS if name.endswith(p)), "")
        bare = name.removesuffix(part)
        if f"{name}_total" in self.labels:
            return f"{name}_total"
        if bare in known or name in known:
            return known.get(name) if name in known else _ended(known[bare], part)
        for old, new in known.items():
            if old.endswith("*") and name.startswith(old[:-1]):
                now = new[:-1] + name.removeprefix(old[:-1])
                return now if now in self.labels or f"{now}_total" in self.labels else new
        return None


def _ended(name: str, part: str) -> str:
    return f"{name}{part}" if name else name


@cache
def exposed() -> Exposed:
    """Read everything once."""
    samples = [*_samples(), *(Sample(text, ours=False, target=_where(i)) for i, text in enumerate(_further()))]
    labels: dict[str, dict[str, set[str]]] = {"up": {}}
    for row in (row for sample in samples for row in sample.rows):
        of_name = labels.setdefault(row.name, {})
        for label, value in row.labels.items():
            of_name.setdefault(label, set()).add(value)
    inputs = {series["series"]: series for sample in samples for series in sample.input_series()}
    synthetic = {row.name for sample in samples[-len(_further()) :] for row in sample.rows}
    return Exposed(labels, dict(_types()), list(inputs.values()), frozenset(synthetic))


def _samples() -> Iterator[Sample]:
    for i, file in enumerate(_files()):
        yield Sample.of(file, ours=False, target={"job": file, "pod": f"pod-{i}", "namespace": "team-a"})


def _where(i: int) -> dict[str, str]:
    return {"job": "further", "pod": f"further-{i}", "namespace": "team-a"}


def _files() -> list[str]:
    """The newest sample of each runtime, of its components, and of the names that are still exposed besides."""
    runtimes: list[Runtime] = list(render.library().runtimes.values())
    names = [f"{r.name}.prom" for r in runtimes] + [f"{r.name}-{c.name}.prom" for r in runtimes for c in r.components]
    return sorted({*(n for n in names if (FOLDER / n).exists()), ALIASES})


def _types() -> Iterator[tuple[str, str]]:
    texts = [(FOLDER / file).read_text(encoding="utf-8") for file in _files()]
    for line in "\n".join([*texts, *_further()]).splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            yield name, kind


@cache
def _further() -> tuple[str, ...]:
    """Expositions of what the samples leave out, with a value for each label."""
    data: list[dict[str, Any]] = yaml.safe_load((HERE / "further.yaml").read_text(encoding="utf-8"))
    return tuple("".join(_exposition(n, m["type"], m["labels"]) for n, m in d["metrics"].items()) for d in data)


def _exposition(name: str, kind: str, labels: list[str]) -> str:
    inside = [f'{label}="{_STAND_IN}"' for label in labels]
    own = f"{{{','.join(inside)}}}" if inside else ""
    if kind != "histogram":
        return f"# TYPE {name} {kind}\n{name}{own} 3\n"
    counts = (("0.1", 2), ("1", 5), ("+Inf", 6))
    edges = ((",".join([*inside, f'le="{le}"']), count) for le, count in counts)
    buckets = "".join(f"{name}_bucket{{{text}}} {count}\n" for text, count in edges)
    return f"# TYPE {name} histogram\n{buckets}{name}_sum{own} 4\n{name}_count{own} 6\n"


@cache
def _renamed() -> dict[str, str]:
    """Old names to those of today, from the catalogue and the list beside."""
    found: dict[str, str] = dict(yaml.safe_load((HERE / "renamed.yaml").read_text(encoding="utf-8")))
    for runtime in render.library().runtimes.values():
        for signal in runtime.signals.values():
            for source in (s for sources in signal.classes.values() for s in sources):
                for old in source.metrics[1:]:
                    found.setdefault(old, source.metrics[0])
    return found
