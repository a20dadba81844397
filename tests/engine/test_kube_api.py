"""The client, the informers, discovery and the event recorder against the real API server."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from serinus.shell.discovery import Discovery
from serinus.shell.events import Happening, Recorder
from serinus.shell.informer import Informer, Rhythm, Scope, State
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Api, Conflict, NotFound, Refused
from serinus.shell.transport import Call
from tests.engine import children
from tests.engine.rig import CONFIG_MAPS, MARK, PROBE_RUNS, REPLICA_SETS, allow, connected, reset_writes, writes
from tests.engine.waiting import eventually, running
from tests.support import objects
from tests.support.apibed import ApiBed

pytestmark = pytest.mark.api


def probe_run(namespace: str) -> Object:
    return objects.proberun(namespace=namespace)


NOTHING_IS_POSTED: Api = object()  # type: ignore[assignment]


async def test_status_is_replaced_as_a_whole_and_bound_to_its_version(bed: ApiBed, namespace: str) -> None:
    allow(bed, namespace)
    made = bed.client.create(children.replica_set(namespace))
    ref = Ref(REPLICA_SETS, namespace, "chat-r1")
    version = made["metadata"]["resourceVersion"]
    async with connected(bed) as api:
        first = await api.patch_status(ref, {"replicas": 3, "readyReplicas": 2}, resource_version=version)
        assert first["status"] == {"replicas": 3, "readyReplicas": 2}
        second = await api.patch_status(ref, {"replicas": 3}, resource_version=first["metadata"]["resourceVersion"])
        assert second["status"] == {"replicas": 3}
        with pytest.raises(Conflict):
            await api.patch_status(ref, {"replicas": 1}, resource_version=version)
        with pytest.raises(Conflict):
            await api.patch_merge(ref, {"metadata": {"labels": {"a": "b"}}}, resource_version=version)


async def test_dry_run_checks_strictly_and_writes_nothing(bed: ApiBed, namespace: str) -> None:
    allow(bed, namespace)
    good, bad = children.replica_set(namespace), children.replica_set(namespace)
    bad["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    async with connected(bed) as api:
        await api.apply(good, dry_run=True)
        with pytest.raises(Refused, match="imagee"):
            await api.apply(bad, dry_run=True)
        with pytest.raises(NotFound):
            await api.get(Ref(REPLICA_SETS, namespace, "chat-r1"))


async def test_list_in_pages_is_whole_and_metadata_alone_carries_managed_fields(bed: ApiBed, namespace: str) -> None:
    allow(bed, namespace)
    for index in range(7):
        bed.client.create(children.config_map(namespace, f"c{index}"))
    async with connected(bed) as api:
        found = await api.list(CONFIG_MAPS, namespace, "serinus.dev/service=chat", metadata_only=True, limit=3)
        assert [item["metadata"]["name"] for item in found.items] == [f"c{index}" for index in range(7)]
        assert all("data" not in item and item["metadata"]["managedFields"] for item in found.items)


@pytest.mark.parametrize("make", [children.config_map, probe_run])
async def test_answer_to_an_apply_can_be_metadata_alone(
    bed: ApiBed, namespace: str, make: Callable[[str], Object]
) -> None:
    allow(bed, namespace)
    manifest = make(namespace)
    async with connected(bed) as api:
        for first in (True, False):
            body, created = await api.apply(manifest, metadata_only=True)
            assert created is first
            assert set(body) == {"apiVersion", "kind", "metadata"}, "neither data nor spec"
            assert [e["manager"] for e in body["metadata"]["managedFields"]] == [MARK.manager]
            assert body["metadata"]["uid"]


async def test_delete_is_bound_to_the_uid(bed: ApiBed, namespace: str) -> None:
    allow(bed, namespace)
    made = bed.client.create(children.config_map(namespace))
    ref = Ref(CONFIG_MAPS, namespace, "settings")
    async with connected(bed) as api:
        with pytest.raises(Conflict):
            await api.delete(ref, uid="another")
        await api.delete(ref, uid=made["metadata"]["uid"])
        with pytest.raises(NotFound):
            await api.delete(ref, uid=made["metadata"]["uid"])


async def test_rights_that_are_told_are_the_rights_that_are_needed(bed: ApiBed, namespace: str) -> None:
    """An apply that creates needs `create` besides `patch`: the recorder says so, and the server agrees."""
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}
    bed.grant("serinus", [rule], namespace=namespace)
    calls: list[Call] = []
    async with connected(bed, observers=[calls.append]) as api:
        with pytest.raises(Refused, match="cannot create resource"):
            await api.apply(children.config_map(namespace))
        bed.grant("serinus", [{**rule, "verbs": ["create"]}], namespace=namespace)
        _, created = await api.apply(children.config_map(namespace))
    assert created
    assert calls[-1].rights == ("patch", "create")


async def test_informer_projects_whole_objects_and_follows_them(bed: ApiBed, namespace: str) -> None:
    allow(bed, namespace)
    told: list[tuple[str, Any, Any]] = []
    async with connected(bed) as api:
        informer = Informer[int](
            api,
            Scope(REPLICA_SETS, namespace, "serinus.dev/service", "serinus.dev/service"),
            MARK,
            project=lambda body: int(body["spec"]["replicas"]),
            on_change=lambda _ns, name, old, new: told.append((name, old and old.value, new and new.value)),
        )
        async with running(informer.run()):
            await asyncio.wait_for(informer.synced.wait(), 10)
            manifest = children.replica_set(namespace)
            bed.client.create(manifest)
            bed.client.patch(bed.client.path_of(manifest), {"spec": {"replicas": 4}})
            bed.client.delete(manifest)
            await eventually(lambda: len(told) == 3, "three changes")
    assert told == [("chat-r1", None, 1), ("chat-r1", 1, 4), ("chat-r1", 4, None)]


def _crd(plural: str) -> Object:
    group = "engine.example.dev"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": plural, "kind": plural.capitalize(), "listKind": f"{plural}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


async def test_api_that_appears_and_goes_is_discovered_and_watched_without_a_restart(
    bed: ApiBed, namespace: str
) -> None:
    plural = f"k{secrets.token_hex(4)}"
    crd, kind = _crd(plural), Kind("engine.example.dev", "v1", plural, plural.capitalize())
    bed.grant(
        "serinus", [{"apiGroups": ["engine.example.dev"], "resources": ["*"], "verbs": ["*"]}], namespace=namespace
    )
    async with connected(bed) as api:
        informer = Informer[None](
            api, Scope(kind, namespace), MARK, on_change=lambda *_: None, rhythm=Rhythm(inactivity=10)
        )
        seen: list[tuple[frozenset[Kind], frozenset[Kind]]] = []

        def on_change(came: frozenset[Kind], went: frozenset[Kind]) -> None:
            seen.append((came, went))
            if kind in came:
                informer.installed()

        discovery = Discovery(api, [kind, CONFIG_MAPS, PROBE_RUNS], on_change=on_change)
        await discovery.refresh()
        assert discovery.present() == {CONFIG_MAPS, PROBE_RUNS}
        async with running(informer.run()), running(discovery.run()):
            await eventually(lambda: informer.state is State.ABSENT, "the kind is absent")
            bed.client.install(crd)
            discovery.trigger()
            await eventually(lambda: informer.state is State.SYNCED, "the kind is watched")
            assert discovery.has(kind)
            bed.client.delete(crd)
            discovery.trigger()
            await eventually(lambda: not discovery.has(kind), "the kind is gone", seconds=20)
    assert seen[1:] == [(frozenset({kind}), frozenset()), (frozenset(), frozenset({kind}))]


async def test_discovery_of_a_server_without_aggregation_finds_the_same(
    bed: ApiBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(bed) as api:
        plain = api.raw

        async def old_server(path: str, *, accept: str = "application/json") -> Any:
            return await plain(path)

        monkeypatch.setattr(api, "raw", old_server)
        missing = Kind("apps", "v1", "nosuchthings", "NoSuchThing")
        discovery = Discovery(api, [CONFIG_MAPS, REPLICA_SETS, PROBE_RUNS, missing])
        await discovery.refresh()
        assert discovery.present() == {CONFIG_MAPS, REPLICA_SETS, PROBE_RUNS}


@pytest.mark.parametrize("lasting", [False, True])
async def test_event_is_posted_once_also_after_a_restart(bed: ApiBed, namespace: str, *, lasting: bool) -> None:
    """What every life of ours finds again is looked up first; what is met once may be refused, and changes nothing."""
    allow(bed, namespace)
    made = bed.client.create(children.config_map(namespace))
    ref = Ref(CONFIG_MAPS, namespace, "settings")
    happening = Happening(ref, made["metadata"]["uid"], "RolledBack", "the sentence", "r1", "Warning", lasting=lasting)
    async with connected(bed) as api:
        for life in range(2):
            recorder = Recorder(api, controller="serinus.dev/operator", instance=f"pod-{life}")
            async with running(recorder.run()):
                recorder.record(happening)
                recorder.record(happening)
                await eventually(lambda recorder=recorder: recorder.waiting() == 0, "events posted")  # type: ignore[misc]
            if life == 0:
                await reset_writes(bed)
        assert [w.code for w in await writes(bed)] == ([] if lasting else [409])
        other = Happening(ref, made["metadata"]["uid"], "RolledBack", "ü" * 5000, key="r2")
        recorder = Recorder(api, controller="serinus.dev/operator", instance="pod-2")
        async with running(recorder.run()):
            recorder.record(other)
            await eventually(lambda: recorder.waiting() == 0, "events posted")
    found = bed.client.list("v1", "Event", namespace, fieldSelector="involvedObject.name=settings")
    assert sorted((event["reason"], event["type"], len(event["message"].encode())) for event in found) == [
        ("RolledBack", "Normal", 1023),
        ("RolledBack", "Warning", 12),
    ]


async def test_events_are_dropped_and_counted_rather_than_heaped_up() -> None:
    dropped: list[int] = []
    recorder = Recorder(
        NOTHING_IS_POSTED, controller="c", instance="i", on_dropped=lambda: dropped.append(1), waiting=10
    )
    for index in range(25):
        recorder.record(Happening(Ref(CONFIG_MAPS, "team-a", "x"), "u", "Reason", "note", key=str(index)))
    assert (recorder.waiting(), len(dropped)) == (10, 15)
