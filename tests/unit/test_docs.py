"""Owns the proof that what the documents tell people to write is accepted, and that the reference page is fresh."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from tests.support.generate import ROOT, chart, reference

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
Manifest = dict[str, Any]


def objects(page: Path) -> Iterator[Manifest]:
    """Yield the objects of ours that a page shows as YAML."""
    for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for item in yaml.safe_load_all(block):
            if str(item.get("apiVersion", "")).startswith("serinus.dev/"):
                yield item


SHOWN = [(page, item) for page in PAGES for item in objects(page)]


def closed(schema: Any) -> Any:
    """Return a schema of a CRD that refuses unknown fields where the API server would drop them without a word."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    kept = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not kept:
        inner["additionalProperties"] = False
    return inner


def problems(item: Manifest) -> list[str]:
    """Return what the CRD of an object's kind refuses in its spec."""
    for path in (ROOT / "crds").glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())
        if crd["spec"]["names"]["kind"] == item["kind"]:
            schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
            validator = Draft4Validator(closed(schema))
            return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(item["spec"])]
    return [f"no kind {item['kind']}"]


@pytest.mark.parametrize(("page", "item"), SHOWN, ids=[f"{page.stem}-{item['kind']}" for page, item in SHOWN])
def test_what_a_document_shows_is_what_the_api_takes(page: Path, item: Manifest) -> None:
    assert problems(item) == [], page


def test_documents_show_a_service_its_questions_and_a_decision() -> None:
    assert {item["kind"] for _, item in SHOWN} >= {"LLMService", "ProbeSet", "Decision"}


def test_an_unknown_field_or_value_in_a_document_is_found() -> None:
    item = next(item for _, item in SHOWN if item["kind"] == "LLMService")
    assert problems({**item, "spec": {**item["spec"], "replicas": 4}})
    assert problems({**item, "spec": {**item["spec"], "rollout": {"mode": "Careful"}}})


def test_reference_page_is_fresh() -> None:
    assert reference.API_PAGE.read_text() == reference.api_page()


def test_reference_page_has_every_kind_and_its_bounds() -> None:
    page = reference.api_page()
    for kind in ("LLMService", "ProbeSet", "ProbeRun", "Decision"):
        assert f"\n## {kind}\n" in page
    assert "| **`spec.servedModelName`** | string |" in page
    assert "One of `Enforce`, `Advise`, `Ungated`." in page


def test_values_are_read_from_their_comments() -> None:
    text = "a:\n  # -- First\n  # line | two\n  b: [1]\n  # no value\n\n# -- Top\nc: {}\nd: 1\n"
    assert list(chart.value_rows(text)) == [("a.b", "[1]", "First line \\| two"), ("c", "{}", "Top")]
