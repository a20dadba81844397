"""What `kubectl get` prints, asked of a real API server by its Table API."""

import pytest

from tests.support import objects
from tests.support.apibed import ApiBed
from tests.support.objects import Manifest

pytestmark = pytest.mark.api

_STATUS = {
    "phase": "Progressing",
    "verdict": "Passed",
    "step": "1/2",
    "message": "10 % to r5f9c1a03be: quality passed; baking",
    "until": "2026-11-21T10:30:00Z",
    "readyReplicas": 5,
    "stable": {"revision": objects.BASELINE},
    "canary": {"revision": objects.REVISION, "trafficPercent": {"wanted": 10, "actual": 20}},
}


def _printed(bed: ApiBed, manifest: Manifest) -> tuple[dict[str, object], dict[str, object]]:
    """The cells of the normal and of the wide output, by column; the age is left out."""
    table = bed.client.table(bed.client.path_of(manifest, collection=True))
    columns, cells = table["columnDefinitions"], table["rows"][0]["cells"]
    found: tuple[dict[str, object], dict[str, object]] = ({}, {})
    for column, cell in zip(columns, cells, strict=True):
        found[min(column["priority"], 1)][column["name"]] = cell
    assert found[0].pop("Age") in ("0s", "1s", "2s", "3s")
    return found


def test_services_are_printed_with_revision_canary_traffic_and_verdict(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.llmservice(namespace=namespace))
    bed.client.set_status(stored, _STATUS)
    normal, wide = _printed(bed, stored)
    assert list(normal.items()) == [
        ("Name", "chat"),
        ("Model", "llama-3.1-8b"),
        ("Ready", 5),
        ("Revision", objects.BASELINE),
        ("Canary", objects.REVISION),
        ("Traffic", 20),
        ("Phase", "Progressing"),
        ("Verdict", "Passed"),
    ]
    assert list(wide.items()) == [
        ("Step", "1/2"),
        ("Message", _STATUS["message"]),
        ("Runtime", "vllm"),
        ("Until", "2026-11-21T10:30:00Z"),
    ]


def test_runs_are_printed_with_their_pairs_and_verdict(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.proberun(namespace=namespace))
    pairs = {"lost": 18, "tied": 183, "won": 5, "unscored": 0}
    finished = {"phase": "Finished", "verdict": "Failed", "message": "lost 18 pairs"}
    bed.client.set_status(stored, {**finished, "pairs": pairs, "usage": {"calls": 412}})
    normal, wide = _printed(bed, stored)
    assert list(normal.items())[1:] == [
        ("Service", "chat"),
        ("Gate", "support"),
        ("Purpose", "BeforeTraffic"),
        ("Revision", objects.REVISION),
        ("Verdict", "Failed"),
        ("Calls", 412),
        ("Lost", 18),
        ("Tied", 183),
        ("Won", 5),
    ]
    assert wide == {"Message": "lost 18 pairs"}


def test_probe_sets_are_printed_with_their_number_and_whether_they_are_valid(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.probeset(namespace=namespace))
    valid = {"type": "Valid", "status": "True", "reason": "Read", "message": "2 probes"}
    conditions = [{**valid, "lastTransitionTime": "2026-11-21T10:00:00Z"}]
    bed.client.set_status(stored, {"probes": 2, "digest": objects.DIGEST, "conditions": conditions})
    normal, wide = _printed(bed, stored)
    assert normal == {"Name": "support", "Probes": 2, "Valid": "True"}
    assert wide == {"Digest": objects.DIGEST}


def test_decisions_are_printed_with_action_author_and_state(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.decision(namespace=namespace))
    bed.client.set_status(stored, {"state": "Applied", "message": "promoted", "authorVerified": True})
    normal, wide = _printed(bed, stored)
    assert list(normal.items())[1:] == [
        ("Service", "chat"),
        ("Action", "Approve"),
        ("Revision", objects.REVISION),
        ("By", "jane@example.com"),
        ("State", "Applied"),
    ]
    assert wide == {"Expires": None, "Reason": "looked at the 3 lost pairs", "Message": "promoted"}


def test_short_names_and_the_category_are_served(bed: ApiBed) -> None:
    resources = bed.client.request("GET", f"/apis/{objects.API_VERSION}").json()["resources"]
    names = {r["kind"]: r.get("shortNames", []) for r in resources if "/" not in r["name"]}
    assert names == {"LLMService": ["llm"], "ProbeSet": ["pset"], "ProbeRun": ["prun"], "Decision": []}
    assert all(r["categories"] == ["serinus"] for r in resources if "/" not in r["name"])
    assert {"llmservices/scale", "llmservices/status"} <= {r["name"] for r in resources}
