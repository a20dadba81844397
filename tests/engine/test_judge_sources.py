"""What a ProbeSet refers to is read, and what runs have measured of its judges is told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from serinus.core import judge_quality
from serinus.shell.api_errors import Answer, NotFound, Refused, Unavailable
from serinus.shell.kinds import Object, Ref
from serinus.shell.probe_sources import Unread, read_source
from serinus.shell.records import Recorder
from serinus.shell.settings import InvalidSetting, load_settings
from serinus.shell.watches import Watches
from serinus.shell.world import PROBERUN, PROBESET, Customs
from tests.support import objects

NAMESPACE = "team-a"
GONE = NotFound("get", Answer(404, "NotFound", "gone"))
DOWN = Unavailable("get", Answer(503, "ServiceUnavailable", "down"))
DENIED = Refused("get", Answer(403, "Forbidden", "no"))
JUDGE = {"name": "local", "model": "qwen", "serviceRef": {"name": "qwen", "port": 80}}
SPEC: Object = {
    "source": {"configMapRef": {"name": "questions"}},
    "calibration": {"configMapRef": {"name": "labels"}},
    "judges": [JUDGE, {"name": "out", "model": "big", "endpointRef": {"name": "outside"}}],
    "embeddings": {"model": "e5", "serviceRef": {"name": "qwen", "port": 81}},
}


def service(**spec: Any) -> Object:
    ports = [{"port": 80, "targetPort": "http"}, {"port": 81}]
    return {
        "metadata": {"name": "qwen", "resourceVersion": "7"},
        "spec": {"selector": {"b": "2", "a": "1"}, "ports": ports, **spec},
    }


@dataclass
class Things:
    """A stand-in for the client: objects by kind and name; an error is raised."""

    found: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, ref: Ref) -> Object:
        key = f"{ref.kind.kind}/{ref.name}"
        self.asked.append(key)
        await asyncio.sleep(0)
        thing = self.found.get(key, NotFound(f"get {key}", Answer(404, "NotFound", "not found")))
        if isinstance(thing, Exception):
            raise thing
        body: Object = thing
        return body


def whole(**changes: Any) -> Things:
    def config_map(name: str, version: str) -> Object:
        return {"metadata": {"name": name, "resourceVersion": version}, "data": {f"{name}.yaml": name}}

    found = {
        "ConfigMap/questions": config_map("questions", "5"),
        "ConfigMap/labels": config_map("labels", "6"),
        "Service/qwen": service(),
    }
    return Things(found | changes)


async def read(api: Any, spec: Object = SPEC) -> Any:
    return await read_source(api, NAMESPACE, spec)


async def test_questions_labels_and_services_are_read_with_one_version() -> None:
    found = await read(whole())
    assert (found.files, found.labelled) == ({"questions.yaml": "questions"}, {"labels.yaml": "labels"})
    assert found.version == "5,6,7,7"
    first, second = found.services
    assert (first.port, first.target, first.selector) == (80, "http", (("a", "1"), ("b", "2")))
    assert (second.port, second.target) == (81, "81")


async def test_source_without_references_reads_nothing() -> None:
    api = Things()
    found = await read(api, {"source": {"inline": "x"}, "judges": [SPEC["judges"][1]]})
    assert (found.version, found.services, api.asked) == ("", (), [])


@pytest.mark.parametrize(
    ("changes", "where", "words", "later"),
    [
        ({"ConfigMap/labels": GONE}, "spec.calibration", "allowed is a ConfigMap", False),
        ({"ConfigMap/questions": DOWN}, "spec.source", "could not be read", True),
        ({"Service/qwen": DENIED}, "spec.judges[local].serviceRef", "may not read", False),
        ({"Service/qwen": GONE}, "spec.judges[local]", "allowed is a Service", False),
        ({"Service/qwen": service(selector=None)}, "spec.judges[local].serviceRef.name", "without a selector", False),
        ({"Service/qwen": service(ports=[{"port": 81}])}, "spec.judges[local].serviceRef.port", "qwen: 81", False),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_named_by_its_field(
    changes: dict[str, Any], where: str, words: str, later: bool
) -> None:
    with pytest.raises(Unread) as e:
        await read(whole(**changes))
    assert e.value.where.startswith(where)
    assert words in e.value.message
    assert e.value.later is later


@dataclass
class Written:
    """A client that keeps what is written to status."""

    status: list[tuple[str, Object]] = field(default_factory=list)

    async def patch_status(self, ref: Ref, found: Object, **_: Any) -> Object:
        self.status.append((ref.text, found))
        body = objects.probeset(ref.name, NAMESPACE)
        body["metadata"] |= {"uid": "uid", "resourceVersion": str(10 + len(self.status)), "generation": 1}
        return body | {"status": found}


MEASURED = {"goodPassed": 45, "sensitivityPercent": 90.0, "specificityPercent": 80.0, "j": 0.7, "message": "J 0.70"}


def run(name: str, digest: str, finished: str, **judge: Any) -> Object:
    spec = {"probeSet": {"name": "support", "digest": digest}, "llmServiceRef": {"name": "chat"}}
    status = {"finishedAt": finished, "judge": MEASURED | judge}
    metadata = {"name": name, "namespace": NAMESPACE, "uid": name, "resourceVersion": "1"}
    return {"metadata": metadata, "spec": spec, "status": status}


def test_newest_measurement_of_the_same_questions_counts() -> None:
    runs = [
        run("old", "sha256:1", "2026-11-21T10:00:00Z", j=0.9),
        run("new", "sha256:1", "2026-11-21T11:00:00Z", j=0.7),
        run("other", "sha256:2", "2026-11-21T12:00:00Z", j=0.1),
        {"metadata": {"name": "bare"}},
    ]
    found = judge_quality.newest(runs, "support", "sha256:1")
    assert found == {
        "run": "new",
        "sensitivityPercent": 90.0,
        "specificityPercent": 80.0,
        "j": 0.7,
        "message": "J 0.70",
    }
    assert judge_quality.newest(runs, "support", "sha256:3") == {}


async def test_probe_set_says_what_a_run_has_measured() -> None:
    customs, api = Customs(), Written()
    body = objects.probeset("support", NAMESPACE)
    body["metadata"] |= {"uid": "uid", "resourceVersion": "1", "generation": 1}
    body["status"] = {"digest": "sha256:1", "judge": {"judges": 1}}
    customs.offer(PROBESET, body)
    customs.offer(PROBERUN, run("new", "sha256:1", "2026-11-21T11:00:00Z"))
    client: Any = api
    recorder = Recorder(client, customs, Watches([]), clock=lambda: 0.0)
    await recorder._tell_probe_set(NAMESPACE, "support")
    await recorder._tell_probe_set(NAMESPACE, "support")
    [(written, status)] = api.status
    assert written == "ProbeSet team-a/support"
    assert status["judge"] == {
        "judges": 1,
        "run": "new",
        "sensitivityPercent": 90.0,
        "specificityPercent": 80.0,
        "j": 0.7,
        "message": "J 0.70",
    }


def test_address_blocks_of_endpoints_are_a_setting() -> None:
    found = load_settings({"SERINUS_ENDPOINT_CIDRS": '{"judge": ["192.0.2.0/24", "2001:db8::/32"]}'})
    assert found.endpoint_cidrs == {"judge": ("192.0.2.0/24", "2001:db8::/32")}
    for wrong in ('{"judge": ["192.0.2.1/24"]}', '{"judge": []}', '{"judge": "192.0.2.0/24"}', '{"a b": ["::/0"]}'):
        with pytest.raises(InvalidSetting, match="SERINUS_ENDPOINT_CIDRS: found"):
            load_settings({"SERINUS_ENDPOINT_CIDRS": wrong})
