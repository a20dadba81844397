"""The form of the custom resources' schemas: every field described and bounded, rules that a reader can act on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.apibed import ROOT

Node = dict[str, Any]
_FILES = sorted((ROOT / "crds").glob("*.yaml"))
_DURATION = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
_NO_DESCRIPTION_NEEDED = ("apiVersion", "kind", "metadata")
_OBJECT_BOUNDS = ("properties", "maxProperties")


def _schema(path: Path) -> Node:
    crd = yaml.safe_load(path.read_text())
    schema: Node = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _fields(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Every field below a node, items of lists and values of maps included."""
    for name, below in node.get("properties", {}).items():
        yield f"{path}.{name}", below
        yield from _fields(below, f"{path}.{name}")
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(key), dict):
            yield f"{path}{suffix}", node[key]
            yield from _fields(node[key], f"{path}{suffix}")


def _all(root: str) -> list[tuple[str, Node]]:
    return [(f"{f.stem}:{p}", n) for f in _FILES for p, n in _fields(_schema(f)["properties"][root], root)]


def _unbounded(node: Node) -> bool:
    """Whether a value of this schema may be of any size."""
    match node.get("type"):
        case "string":
            return not ("maxLength" in node or "enum" in node)
        case "array":
            return "maxItems" not in node
        case "integer" | "number":
            return not ("minimum" in node and "maximum" in node)
        case "object":
            return not any(bound in node for bound in _OBJECT_BOUNDS)
        case None:
            return not ("x-kubernetes-validations" in node or "pattern" in node)
        case _:
            return False


def test_there_are_four_kinds() -> None:
    assert [f.name for f in _FILES] == [
        "serinus.dev_decisions.yaml",
        "serinus.dev_llmservices.yaml",
        "serinus.dev_proberuns.yaml",
        "serinus.dev_probesets.yaml",
    ]


@pytest.mark.parametrize("root", ["spec", "status"])
def test_every_field_has_a_description_in_a_whole_sentence(root: str) -> None:
    named = [(p, n) for p, n in _all(root) if not p.endswith(("[]", "{}"))]
    assert len(named) > 50
    assert [p for p, n in named if not n.get("description", "").strip().endswith(".")] == []


def test_every_field_of_a_spec_has_a_bound() -> None:
    assert [p for p, n in _all("spec") if _unbounded(n)] == []


def test_every_text_list_and_map_of_a_status_has_a_bound() -> None:
    sized = [(p, n) for p, n in _all("status") if n.get("type") in ("string", "array", "object")]
    assert [p for p, n in sized if _unbounded(n)] == []


@pytest.mark.parametrize(
    "node",
    [
        {"type": "string", "pattern": "a*"},
        {"type": "array"},
        {"type": "integer", "minimum": 0},
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        {"x-kubernetes-int-or-string": True},
    ],
)
def test_the_check_for_bounds_finds_what_has_none(node: Node) -> None:
    assert _unbounded(node)


def test_no_key_is_empty_by_a_comma_in_a_flow_mapping() -> None:
    def empty(node: object) -> bool:
        if isinstance(node, dict):
            return any(v is None or empty(v) for v in node.values())
        return isinstance(node, list) and any(map(empty, node))

    assert empty({"a": [{"description": "Gateway; absent", "this one.": None}]})
    assert [f.name for f in _FILES if empty(yaml.safe_load(f.read_text()))] == []


def test_every_rule_has_a_message() -> None:
    nodes = [n for f in _FILES for n in (_schema(f), *(n for _, n in _fields(_schema(f), "")))]
    rules = [r for n in nodes for r in n.get("x-kubernetes-validations", [])]
    assert len(rules) > 50
    assert [r["rule"] for r in rules if len(r.get("message", "")) < 15] == []


def test_fractional_minimum_stands_beside_a_rule_because_the_server_cuts_it_for_whole_numbers() -> None:
    assert [p for p, n in _all("spec") if n.get("minimum", 0) != int(n.get("minimum", 0))] == []


def test_every_duration_has_the_pattern_of_gep_2257() -> None:
    ends = ("bake", "Timeout", "Duration", "duration", "every", "interval", ".for", ".timeout", "Request", ".request")
    durations = [n for p, n in _all("spec") if p.endswith(ends) and n.get("type") == "string"]
    assert len(durations) >= 14
    assert {n["pattern"] for n in durations} == {_DURATION}


def test_no_field_takes_a_namespace_but_the_parents_of_a_route() -> None:
    found = [p for p, _ in _all("spec") if p.rsplit(".", 1)[-1].lower().endswith("namespace")]
    assert found == ["serinus.dev_llmservices:spec.traffic.gateway.parentRefs[].namespace"]


def test_no_field_takes_an_address_but_the_runbook() -> None:
    found = [p for p, n in _all("spec") if "url" in p.lower() or "://" in n.get("pattern", "")]
    assert found == ["serinus.dev_llmservices:spec.owner.runbook"]


def test_only_functions_of_kubernetes_1_31_are_used_in_rules() -> None:
    later = ("format.", "semver(", "isSemver(", "jsonpatch.", "sets.", "base64.", "transformList(", "cel.bind(")
    nodes = [n for f in _FILES for n in (_schema(f), *(n for _, n in _fields(_schema(f), "")))]
    rules = [r["rule"] for n in nodes for r in n.get("x-kubernetes-validations", [])]
    assert [r for r in rules if any(word in r for word in later)] == []
