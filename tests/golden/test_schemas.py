"""Owns the proof that the CRDs take what we render, with unknown fields refused, and that a typo would be seen."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml

from serinus.core.model import Manifest
from tests.cluster.binaries import ensure, ensure_crds
from tests.golden import render
from tests.golden.crd import SAMPLES, CrdFolder

GOLDENS = sorted(str(p.relative_to(render.EXPECTED)) for p in render.EXPECTED.rglob("*.yaml"))


@cache
def crds() -> CrdFolder:
    return CrdFolder(ensure_crds(), ensure("kyverno-crds"), render.ROOT / "crds", SAMPLES)


def objects(golden: str) -> list[Manifest]:
    return list(yaml.safe_load_all((render.EXPECTED / golden).read_text()))


def custom(golden: str) -> list[Manifest]:
    """Objects of custom kinds: those of Kubernetes itself are asked of a real API server (tests/api)."""
    return [o for o in objects(golden) if "." in o["apiVersion"].removesuffix(".k8s.io/v1")]


@pytest.mark.parametrize("golden", GOLDENS)
def test_golden_fits_its_schema(golden: str) -> None:
    found = {o["kind"]: crds().problems(o) for o in custom(golden)}

    assert found
    assert [problems for problems in found.values() if problems] == []


@pytest.mark.parametrize("example", render.examples())
def test_example_fits_the_schema_of_its_kind(example: str) -> None:
    for document in render.documents(example):
        assert crds().problems(document) == [], document["kind"]


def rename(path: str, wrong: str) -> Callable[[Manifest], None]:
    def spoil(manifest: Manifest) -> None:
        *parents, last = path.split(".")
        at: Any = manifest
        for key in parents:
            at = at[int(key)] if key.isdecimal() else at[key]
        at[wrong] = at.pop(last)

    return spoil


TYPOS = [
    ("service-monitor", "spec.selector.matchLabels", "matchLabel"),
    ("service-monitor", "spec.sampleLimit", "samplesLimit"),
    ("service-monitor", "spec.endpoints.0.relabelings", "relabelConfigs"),
    ("service-monitor", "spec.endpoints.0.relabelings.0.targetLabel", "target_label"),
    ("service-monitor", "metadata.labels", "label"),
    ("prometheus-rule", "spec.groups.0.rules.0.expr", "expression"),
    ("prometheus-rule", "spec.groups.0.rules.0.annotations", "annotation"),
    ("signal-rules", "spec.groups.0.rules.0.record", "records"),
]


@pytest.mark.parametrize(("kind", "path", "wrong"), TYPOS)
def test_a_typo_is_refused(kind: str, path: str, wrong: str) -> None:
    spoilt = copy.deepcopy(objects(f"vllm/{kind}.yaml")[0])
    rename(path, wrong)(spoilt)

    problems = crds().problems(spoilt)

    assert any(f"'{wrong}'" in problem for problem in problems), problems


def test_a_wrong_type_and_a_wrong_value_are_refused() -> None:
    [monitor] = objects("vllm/service-monitor.yaml")
    monitor["spec"]["sampleLimit"] = "20000"
    monitor["spec"]["fallbackScrapeProtocol"] = "PrometheusText"
    monitor["spec"]["endpoints"][0]["interval"] = "15 seconds"

    problems = "\n".join(crds().problems(monitor))

    assert "$.spec.sampleLimit" in problems
    assert "$.spec.fallbackScrapeProtocol" in problems
    assert "$.spec.endpoints[0].interval" in problems
