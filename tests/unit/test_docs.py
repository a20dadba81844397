"""Owns the proof that what the documents tell people to write is accepted, and that the reference page is fresh."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from serinus.core.decisions import ACTIONS
from serinus.core.gauges import PHASES
from serinus.core.rollout import Stage
from serinus.core.support import IGNORED, RESTRAINING
from tests.support import reasons
from tests.support.generate import ROOT, chart, metrics, reference, runtimes, stages

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


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the tables under a title of a page, without their heads."""
    text = (ROOT / "docs" / page).read_text()
    section = re.split(r"^## ", text.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    kept = [[cell.strip() for cell in line] for line in lines if "---" not in line[0]]
    return [row for row in kept if row[0] not in ("reason", "action", "field", "condition", "phase", "message")]


def test_every_reason_of_a_hold_has_a_row_that_says_what_to_do() -> None:
    table = rows("concepts.md", "Why a rollout is held")

    assert [row[0] for row in table] == sorted(f"`{reason}`" for reason in reasons.held())
    assert all(len(row) == 3 and all(row) for row in table)


def test_the_list_of_holds_is_read_from_the_code() -> None:
    assert reasons.held() >= {"Paused", "NameConflict", "ImagePull", "QuotaExceeded", "ProbesNotFound", "PortChanged"}


def test_every_condition_has_its_reasons() -> None:
    found: dict[str, set[str]] = {}
    kind = ""
    for first, reason, *_ in rows("status.md", "Conditions"):
        kind = first.strip("`") or kind
        found.setdefault(kind, set()).add(reason.strip("`"))

    wanted = {kind: set(known) for kind, known in reasons.conditions().items() if kind != "Valid"}
    assert found == wanted


def test_every_rejection_event_phase_and_sentence_of_a_verdict_is_explained() -> None:
    concepts, status = (" ".join((ROOT / "docs" / p).read_text().split()) for p in ("concepts.md", "status.md"))
    assert [r for r in reasons.rejections() if f"`{r}`" not in concepts] == []
    assert [r for r in reasons.events() if f"`{r}`" not in status] == []
    assert {row[0] for row in rows("status.md", "Phases")} == set(PHASES)
    sentences = {text for reason, text in reasons.verdicts().items() if reason != "Running"}
    assert [s for s in sentences if s not in status] == []


def test_decisions_are_those_that_are_acted_on() -> None:
    assert [row[0] for row in rows("concepts.md", "Decisions")] == list(ACTIONS)


def test_fields_that_are_not_acted_on_are_listed() -> None:
    table = [row[0].strip("`") for row in rows("concepts.md", "What this version does not do yet")]
    assert table == [*RESTRAINING, *IGNORED]


@pytest.mark.parametrize("page", [metrics, runtimes, stages], ids=["metrics", "runtimes", "stages"])
def test_a_page_drawn_from_the_code_is_fresh(page: Any) -> None:
    assert page.PAGE.read_text() == page.page()


def test_an_arrow_without_words_and_words_without_an_arrow_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    known = stages.explore().arrows
    assert known == stages.ARROWS.keys()
    for wrong in (known - {min(known)}, known | {(Stage.STABLE, Stage.BAKING)}):
        monkeypatch.setattr(stages, "ARROWS", dict.fromkeys(wrong, "words"))
        with pytest.raises(ValueError, match="only in the code, or only in the table"):
            stages.page()


def test_metrics_that_nothing_exports_are_said_to_be_so() -> None:
    assert "rollout_phase" in metrics.exported()
    assert {"drift_cusum", "slo_objective"} <= metrics.exported()
    assert "Not exported by this version yet." not in metrics.page()


def test_links_of_the_documents_lead_somewhere() -> None:
    broken = []
    for page in [*PAGES, metrics.PAGE, runtimes.PAGE, stages.PAGE]:
        for target in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)", page.read_text()):
            path = (page.parent / target[0]).resolve() if target[0] else page
            if not path.exists() or (target[1] and target[1][1:] not in anchors(path.read_text())):
                broken.append(f"{page.name}: {''.join(target)}")
    assert broken == []


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
