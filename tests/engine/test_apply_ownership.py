"""The applier against the real API server: strangers' objects, earlier owners, jobs, and what may be pruned."""

from typing import Any

import pytest

from serinus.shell.api_errors import Answer
from serinus.shell.apply import Owner, Result, Sweep, Wanted
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Conflict
from serinus.shell.stamp import Write
from tests.engine import children
from tests.engine.rig import CONFIG_MAPS, JOBS, PODS, SERVICES, Engine, engine, reset_writes, writes
from tests.engine.waiting import eventually
from tests.support.apibed import ApiBed

pytestmark = pytest.mark.api


async def test_child_that_lost_our_label_is_found_by_name_and_mended(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    first = (await life.apply(wanted))[0]
    path = bed.client.path_of(wanted)
    bed.client.patch(path, {"metadata": {"labels": {"serinus.dev/service": None}}}, fieldManager="kubectl-edit")
    await life.misses(first.ref)
    again = (await life.apply(wanted))[0]
    assert (again.result, again.uid) == (Result.APPLIED, first.uid)
    labels = bed.client.get("v1", "ConfigMap", "settings", life.namespace)["metadata"]["labels"]
    assert labels["serinus.dev/service"] == "chat"


async def test_object_of_somebody_else_is_never_taken_over(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    theirs = {**wanted, "metadata": children.metadata(life.namespace, "settings"), "data": {"a": "theirs"}}
    body = bed.client.create(theirs)
    await life.sees(Ref.of(CONFIG_MAPS, wanted), body["metadata"]["resourceVersion"])
    await reset_writes(bed)
    outcome = (await life.apply(wanted))[0]
    assert outcome.result is Result.NAME_CONFLICT
    assert "settings" in outcome.message
    assert await writes(bed) == []


async def test_object_of_somebody_else_without_our_labels_is_never_taken_over(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    bed.client.create({**wanted, "metadata": {"name": "settings", "namespace": life.namespace}})
    assert (await life.apply(wanted))[0].result is Result.NAME_CONFLICT


async def test_object_that_nobody_has_seen_is_met_by_one_refused_write_and_stays_untouched(
    bed: ApiBed, life: Engine
) -> None:
    wanted = children.config_map(life.namespace)
    theirs = bed.client.create({**wanted, "metadata": {"name": "settings", "namespace": life.namespace}})
    await reset_writes(bed)
    for _ in range(3):
        assert (await life.apply(wanted))[0].result is Result.NAME_CONFLICT
    assert [(write.verb, write.code) for write in await writes(bed)] == [("patch", 409)]
    assert bed.client.get("v1", "ConfigMap", "settings", life.namespace) == theirs


async def test_first_write_is_not_preceded_by_a_read(bed: ApiBed, namespace: str, owner: Owner) -> None:
    calls: list[str] = []
    async with engine(bed, namespace, owner, observers=[lambda call: calls.append(call.verb)]) as life:
        calls.clear()
        await life.apply(children.config_map(namespace), children.service(namespace), children.job(namespace))
    assert [verb for verb in calls if verb != "watch"] == ["patch", "patch", "create"]


async def test_server_that_makes_nothing_at_a_version_is_asked_without_one(
    bed: ApiBed, life: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = life.api.apply

    async def strict(manifest: Object, *, resource_version: str | None = None, **more: Any) -> tuple[Object, bool]:
        if resource_version is not None:
            raise Conflict("patch configmaps", Answer(409, "Conflict", "there is no such version"))
        return await apply(manifest, **more)

    monkeypatch.setattr(life.api, "apply", strict)
    theirs = children.config_map(life.namespace)
    assert (await life.apply(children.config_map(life.namespace)))[0].result is Result.CREATED
    read = life.applier._read

    async def read_then_somebody_is_faster(ref: Ref) -> object:
        found = await read(ref)
        bed.client.create({**theirs, "metadata": {"name": "b", "namespace": life.namespace}})
        return found

    monkeypatch.setattr(life.applier, "_read", read_then_somebody_is_faster)
    assert (await life.apply(children.config_map(life.namespace, "b")))[0].result is Result.NAME_CONFLICT
    body = bed.client.get("v1", "ConfigMap", "b", life.namespace)
    assert body["data"] == {"a": "1"}
    assert "ownerReferences" not in body["metadata"]
    assert "serinus" not in {entry["manager"] for entry in body["metadata"]["managedFields"]}


async def test_object_of_an_earlier_owner_of_the_same_name_is_waited_for(
    bed: ApiBed, namespace: str, owner: Owner
) -> None:
    wanted = children.config_map(namespace)
    earlier = Owner(owner.api_version, owner.kind, owner.name, "00000000-0000-0000-0000-000000000000")
    async with engine(bed, namespace, earlier) as first_life:
        await first_life.apply(wanted)
    await reset_writes(bed)
    async with engine(bed, namespace, owner) as second_life:
        outcome = (await second_life.apply(wanted))[0]
    assert (outcome.result, outcome.reason) == (Result.UNAVAILABLE, "Leaving")
    assert await writes(bed) == []


async def test_orphan_of_an_earlier_owner_is_adopted(bed: ApiBed, namespace: str, owner: Owner) -> None:
    wanted = children.config_map(namespace)
    async with engine(bed, namespace, Owner("v1", "ConfigMap", owner.name, "earlier")) as first_life:
        await first_life.apply(wanted)
    path = bed.client.path_of(wanted)
    bed.client.patch(path, {"metadata": {"ownerReferences": None}}, fieldManager="kube-controller-manager")
    async with engine(bed, namespace, owner) as second_life:
        assert (await second_life.apply(wanted))[0].result is Result.APPLIED
    owners = bed.client.get("v1", "ConfigMap", "settings", namespace)["metadata"]["ownerReferences"]
    assert [reference["uid"] for reference in owners] == [owner.uid]


async def test_object_replaced_by_a_stranger_s_since_it_was_seen_is_not_taken_over(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    await life.apply(wanted)
    ref = Ref.of(CONFIG_MAPS, wanted)
    seen = life.watches.get(ref)
    assert seen is not None
    bed.client.delete(wanted)
    bed.client.create(
        {**wanted, "metadata": {"name": "settings", "namespace": life.namespace}, "data": {"a": "theirs"}}
    )
    changed = children.config_map(life.namespace, a="2")
    with pytest.raises(Conflict):
        await life.applier._again(Write.of(ref, None, Wanted.of(changed)), seen, None)
    assert bed.client.get("v1", "ConfigMap", "settings", life.namespace)["data"] == {"a": "theirs"}


async def test_job_is_created_once_and_never_patched(bed: ApiBed, life: Engine) -> None:
    wanted = children.job(life.namespace)
    first = (await life.apply(wanted))[0]
    assert first.result is Result.CREATED
    await reset_writes(bed)
    changed = children.job(life.namespace)
    changed["metadata"]["labels"]["more"] = "x"
    second = (await life.apply(changed))[0]
    assert (second.result, second.uid) == (Result.UNCHANGED, first.uid)
    assert await writes(bed) == []


async def test_job_of_that_name_made_by_somebody_else_is_a_name_conflict(bed: ApiBed, life: Engine) -> None:
    wanted = children.job(life.namespace)
    theirs = {**wanted, "metadata": {**wanted["metadata"], "ownerReferences": [life.owner.reference()]}}
    bed.client.create(theirs)
    assert (await life.apply(wanted))[0].result is Result.NAME_CONFLICT


async def test_name_of_a_job_that_is_taken_is_tried_once_and_looked_at_from_then_on(bed: ApiBed, life: Engine) -> None:
    wanted = children.job(life.namespace)
    theirs = {**wanted, "metadata": {"name": wanted["metadata"]["name"], "namespace": life.namespace}}
    bed.client.create(theirs)
    await reset_writes(bed)
    for _ in range(3):
        assert (await life.apply(wanted))[0].result is Result.NAME_CONFLICT
    assert [(w.verb, w.code) for w in await writes(bed)] == [("create", 409)]
    bed.client.delete(wanted)
    name = wanted["metadata"]["name"]
    await eventually(lambda: bed.client.find("batch/v1", "Job", name, life.namespace) is None, "their Job is gone")
    assert (await life.apply(wanted))[0].result is Result.CREATED


async def test_what_is_no_longer_wanted_is_pruned_and_nothing_else(bed: ApiBed, life: Engine) -> None:
    namespace = life.namespace
    kept, dropped = children.config_map(namespace, "kept"), children.config_map(namespace, "dropped")
    await life.apply(kept, dropped, children.job(namespace))
    manifest = children.config_map(namespace, "theirs")
    manifest["metadata"]["ownerReferences"] = [life.owner.reference()]
    theirs = bed.client.create(manifest)
    await life.sees(Ref(CONFIG_MAPS, namespace, "theirs"), theirs["metadata"]["resourceVersion"])
    await reset_writes(bed)
    sweep = Sweep(namespace, "chat", [CONFIG_MAPS, SERVICES])
    outcomes = await life.apply(kept, sweep=sweep)
    assert [(outcome.ref.name, outcome.result) for outcome in outcomes] == [
        ("kept", Result.UNCHANGED),
        ("dropped", Result.PRUNED),
    ]
    assert [(write.verb, write.name) for write in await writes(bed)] == [("delete", "dropped")]
    assert bed.client.find("v1", "ConfigMap", "theirs", namespace) is not None
    assert bed.client.find("batch/v1", "Job", wanted_name(children.job(namespace)), namespace) is not None
    await reset_writes(bed)
    await life.apply(kept, sweep=sweep)
    assert await writes(bed) == []


def wanted_name(manifest: Object) -> str:
    return str(manifest["metadata"]["name"])


async def test_prune_spares_an_object_of_the_same_name_that_was_made_anew(bed: ApiBed, life: Engine) -> None:
    old = children.config_map(life.namespace, "dropped")
    ref = Ref.of(CONFIG_MAPS, old)
    await life.apply(old)
    stale = life.watches.get(ref)
    assert stale is not None
    bed.client.delete(old)
    anew = bed.client.create({**old, "metadata": {"name": "dropped", "namespace": life.namespace}})
    outcome = await life.applier._remove(ref, stale)
    assert outcome.result is Result.UNCHANGED
    found = bed.client.get("v1", "ConfigMap", "dropped", life.namespace)
    assert found["metadata"]["uid"] == anew["metadata"]["uid"]


async def test_what_the_caller_keeps_is_not_pruned(bed: ApiBed, life: Engine) -> None:
    await life.apply(children.config_map(life.namespace, "manual"))
    sweep = Sweep(life.namespace, "chat", [CONFIG_MAPS], keep=lambda ref, _entry: ref.name == "manual")
    assert await life.apply(sweep=sweep) == []
    assert bed.client.find("v1", "ConfigMap", "manual", life.namespace) is not None


@pytest.mark.parametrize("kind", [PODS, JOBS], ids=["pods", "jobs"])
def test_pods_and_jobs_can_never_be_pruned(kind: Kind) -> None:
    with pytest.raises(ValueError, match="allowed: anything but pods and jobs"):
        Sweep("team-a", "chat", [kind])
