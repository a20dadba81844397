"""The applier against the real API server: what is written, what is seen as drift, what is never touched."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest

from serinus.core.child import Child, Head
from serinus.shell.apply import Owner, Result, Wanted
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.managed import annotation_value
from tests.engine import children
from tests.engine.rig import (
    CONFIG_MAPS,
    JOBS,
    REPLICA_SETS,
    SERVICES,
    Engine,
    engine,
    reset_writes,
    writes,
)
from tests.support.apibed import ApiBed

pytestmark = pytest.mark.api


def everything(namespace: str) -> list[Object]:
    return [children.config_map(namespace), children.service(namespace), children.replica_set(namespace)]


def kind_of(manifest: Object) -> Kind:
    return {"Service": SERVICES, "ConfigMap": CONFIG_MAPS, "ReplicaSet": REPLICA_SETS, "Job": JOBS}[manifest["kind"]]


async def edited(bed: ApiBed, life: Engine, manifest: Object, patch: Any, *, form: str = "merge") -> Ref:
    """Somebody else's edit (as `kubectl edit` or `patch`), and wait until the engine has seen it."""
    path = bed.client.path_of(manifest)
    body = await asyncio.to_thread(bed.client.patch, path, patch, form=form, fieldManager="kubectl-edit")
    ref = Ref.of(kind_of(manifest), manifest)
    await life.sees(ref, body["metadata"]["resourceVersion"])
    return ref


async def test_second_run_writes_nothing(bed: ApiBed, life: Engine) -> None:
    wanted = everything(life.namespace)
    first = await life.apply(*wanted)
    assert [outcome.result for outcome in first] == [Result.CREATED] * 3
    assert [outcome.dropped for outcome in first] == [()] * 3
    await reset_writes(bed)
    second = await life.apply(*wanted)
    assert [outcome.result for outcome in second] == [Result.UNCHANGED] * 3
    assert await writes(bed) == []


async def test_restart_writes_nothing(bed: ApiBed, life: Engine) -> None:
    wanted = [*everything(life.namespace), children.job(life.namespace)]
    await life.apply(*wanted)
    await reset_writes(bed)
    async with engine(bed, life.namespace, life.owner) as second_life:
        outcomes = await second_life.apply(*wanted)
    assert [outcome.result for outcome in outcomes] == [Result.UNCHANGED] * 4
    assert await writes(bed) == []


async def test_manifest_is_made_only_when_something_is_new_about_its_object(bed: ApiBed, life: Engine) -> None:
    made: list[Object] = []

    def make() -> Object:
        made.append(children.config_map(life.namespace))
        return made[-1]

    wanted = [Wanted(Child(Head.of(children.config_map(life.namespace)), make))]
    [first] = await life.applier.apply_all(life.owner, wanted)
    assert (first.result, len(made)) == (Result.CREATED, 1)
    assert [o.result for o in await life.applier.apply_all(life.owner, wanted)] == [Result.UNCHANGED]
    assert len(made) == 1
    await edited(bed, life, made[0], {"data": {"added": "by somebody"}}, form="merge")
    assert [o.result for o in await life.applier.apply_all(life.owner, wanted)] == [Result.UNCHANGED]
    await edited(bed, life, made[0], {"data": {"a": "2"}}, form="merge")
    assert [o.result for o in await life.applier.apply_all(life.owner, wanted)] == [Result.APPLIED]
    assert len(made) == 2


async def test_child_of_another_owner_is_looked_at_anew(bed: ApiBed, life: Engine) -> None:
    wanted = [Wanted.of(children.config_map(life.namespace))]
    await life.applier.apply_all(life.owner, wanted)
    other = replace(life.owner, uid=str(uuid.uuid4()))
    assert [o.result for o in await life.applier.apply_all(other, wanted)] != [Result.UNCHANGED]


async def test_changed_manifest_is_written_once_and_alone(bed: ApiBed, life: Engine) -> None:
    await life.apply(*everything(life.namespace))
    await reset_writes(bed)
    changed = [children.config_map(life.namespace), children.service(life.namespace, revision="r2")]
    assert [outcome.result for outcome in await life.apply(*changed)] == [Result.UNCHANGED, Result.APPLIED]
    assert [(write.verb, write.resource) for write in await writes(bed)] == [("patch", "services")]


async def test_field_left_out_of_the_manifest_is_removed(bed: ApiBed, life: Engine) -> None:
    await life.apply(children.config_map(life.namespace, a="1", b="2"))
    await life.apply(children.config_map(life.namespace, a="1"))
    assert bed.client.get("v1", "ConfigMap", "settings", life.namespace)["data"] == {"a": "1"}


CONTAINER = "/spec/template/spec/containers/0"
DRIFTS: list[tuple[str, int, Any, str]] = [
    ("value of a map", 0, {"data": {"a": "2"}}, "merge"),
    ("value removed", 0, {"data": {"a": None}}, "merge"),
    ("label changed", 0, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}}, "merge"),
    ("annotation of ours forged", 0, {"metadata": {"annotations": {"serinus.dev/applied": "x"}}}, "merge"),
    ("annotation of ours removed", 0, {"metadata": {"annotations": {"serinus.dev/applied": None}}}, "merge"),
    ("owner removed", 0, {"metadata": {"ownerReferences": None}}, "merge"),
    ("managedFields cleared", 0, [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}], "json"),
    ("atomic map gets a key", 1, {"spec": {"selector": {"added": "x"}}}, "merge"),
    ("field in a keyed list", 1, [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9}], "json"),
    ("number", 2, {"spec": {"replicas": 7}}, "merge"),
    ("image", 2, [{"op": "replace", "path": f"{CONTAINER}/image", "value": "evil:1"}], "json"),
    ("atomic list", 2, [{"op": "add", "path": f"{CONTAINER}/args/-", "value": "--x"}], "json"),
    ("item of a keyed list removed", 2, [{"op": "remove", "path": f"{CONTAINER}/env/1"}], "json"),
    ("quantity", 2, [{"op": "replace", "path": f"{CONTAINER}/resources/limits/cpu", "value": "2"}], "json"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("index", "patch", "form"), [drift[1:] for drift in DRIFTS], ids=[drift[0] for drift in DRIFTS]
)
async def test_foreign_edit_of_our_field_is_undone_by_one_write(
    bed: ApiBed, life: Engine, index: int, patch: Any, form: str
) -> None:
    wanted = everything(life.namespace)
    await life.apply(*wanted)
    before = bed.client.get(
        wanted[index]["apiVersion"], wanted[index]["kind"], wanted[index]["metadata"]["name"], life.namespace
    )
    await edited(bed, life, wanted[index], patch, form=form)
    await reset_writes(bed)
    outcomes = await life.apply(*wanted)
    expected = [Result.UNCHANGED] * 3
    expected[index] = Result.APPLIED
    assert [outcome.result for outcome in outcomes] == expected
    assert len(await writes(bed)) == 1
    after = bed.client.get(
        wanted[index]["apiVersion"], wanted[index]["kind"], wanted[index]["metadata"]["name"], life.namespace
    )
    assert _content(after) == _content(before)
    await reset_writes(bed)
    await life.apply(*wanted)
    assert await writes(bed) == []


def _content(body: Object) -> Object:
    metadata = {key: body["metadata"].get(key) for key in ("labels", "annotations", "ownerReferences")}
    return {"metadata": metadata, **{key: body[key] for key in ("spec", "data") if key in body}}


async def test_drift_while_the_operator_was_down_is_undone_after_the_restart(
    bed: ApiBed, namespace: str, owner: Owner
) -> None:
    wanted = everything(namespace)
    async with engine(bed, namespace, owner) as first_life:
        await first_life.apply(*wanted)
    bed.client.patch(bed.client.path_of(wanted[2]), {"spec": {"replicas": 9}}, fieldManager="kubectl-edit")
    await reset_writes(bed)
    async with engine(bed, namespace, owner) as second_life:
        outcomes = await second_life.apply(*wanted)
    assert [outcome.result for outcome in outcomes] == [Result.UNCHANGED, Result.UNCHANGED, Result.APPLIED]
    assert bed.client.get("apps/v1", "ReplicaSet", "chat-r1", namespace)["spec"]["replicas"] == 1


async def test_foreign_force_apply_is_undone(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    await life.apply(wanted)
    foreign = {**wanted, "metadata": {"name": "settings", "namespace": life.namespace}, "data": {"a": "theirs"}}
    body = bed.client.apply(foreign, manager="flux", force=True)
    await life.sees(Ref.of(CONFIG_MAPS, wanted), body["metadata"]["resourceVersion"])
    assert (await life.apply(wanted))[0].result is Result.APPLIED
    assert bed.client.get("v1", "ConfigMap", "settings", life.namespace)["data"] == {"a": "1"}


async def test_edit_with_an_annotation_that_was_forged_to_fit_is_undone(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    await life.apply(wanted)
    annotations = bed.client.get("v1", "ConfigMap", "settings", life.namespace)["metadata"]["annotations"]
    forged = annotation_value(annotations["serinus.dev/applied"], ("data",))
    await edited(bed, life, wanted, {"data": {"a": "2"}, "metadata": {"annotations": {"serinus.dev/applied": forged}}})
    assert (await life.apply(wanted))[0].result is Result.APPLIED


async def test_what_others_add_beside_our_fields_is_left_alone_without_a_write(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    await life.apply(wanted)
    patch = {"metadata": {"labels": {"theirs": "x"}, "annotations": {"theirs": "y"}}, "data": {"theirs": "z"}}
    await edited(bed, life, wanted, patch)
    await reset_writes(bed)
    assert (await life.apply(wanted))[0].result is Result.UNCHANGED
    assert await writes(bed) == []


async def test_same_value_applied_by_others_is_no_drift(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    await life.apply(wanted)
    same = {**wanted, "metadata": {"name": "settings", "namespace": life.namespace}}
    body = bed.client.apply(same, manager="flux", force=False)
    await life.sees(Ref.of(CONFIG_MAPS, wanted), body["metadata"]["resourceVersion"])
    assert (await life.apply(wanted))[0].result is Result.UNCHANGED


async def test_status_of_a_child_changes_without_a_write_and_without_news(bed: ApiBed, life: Engine) -> None:
    wanted = children.replica_set(life.namespace)
    await life.apply(wanted)
    life.news.clear()
    body = bed.client.set_status(wanted, {"replicas": 1, "readyReplicas": 1, "observedGeneration": 1})
    await life.sees(Ref.of(REPLICA_SETS, wanted), body["metadata"]["resourceVersion"])
    await reset_writes(bed)
    assert (await life.apply(wanted))[0].result is Result.UNCHANGED
    assert await writes(bed) == []
    assert life.news == []


async def test_scale_subresource_of_a_child_is_undone(bed: ApiBed, life: Engine) -> None:
    wanted = children.replica_set(life.namespace)
    await life.apply(wanted)
    path = bed.client.path_of(wanted)
    bed.client.patch(f"{path}/scale", {"spec": {"replicas": 5}}, fieldManager="kubectl")
    version = bed.client.get("apps/v1", "ReplicaSet", "chat-r1", life.namespace)["metadata"]["resourceVersion"]
    await life.sees(Ref.of(REPLICA_SETS, wanted), version)
    assert (await life.apply(wanted))[0].result is Result.APPLIED


async def test_deleted_child_is_made_again(bed: ApiBed, life: Engine) -> None:
    wanted = children.config_map(life.namespace)
    first = (await life.apply(wanted))[0]
    bed.client.delete(wanted)
    await life.misses(first.ref)
    again = (await life.apply(wanted))[0]
    assert again.result is Result.CREATED
    assert again.uid != first.uid
    assert ("ConfigMap", "settings") in life.news


async def test_field_that_the_server_drops_is_written_down_and_not_written_again(
    bed: ApiBed, namespace: str, owner: Owner
) -> None:
    wanted = {**children.service(namespace), "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    async with engine(bed, namespace, owner) as first_life:
        outcome = (await first_life.apply(wanted))[0]
        assert outcome.dropped == ("status",)
    await reset_writes(bed)
    async with engine(bed, namespace, owner) as second_life:
        assert (await second_life.apply(wanted))[0].result is Result.UNCHANGED
        assert await writes(bed) == []
        await edited(bed, second_life, wanted, {"spec": {"selector": {"added": "x"}}})
        assert (await second_life.apply(wanted))[0].result is Result.APPLIED
        assert (await second_life.apply(wanted))[0].result is Result.UNCHANGED


async def test_refused_object_does_not_keep_the_others_from_being_written(life: Engine) -> None:
    bad = children.service(life.namespace, "bad", port=99999)
    outcomes = await life.apply(bad, children.config_map(life.namespace))
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED, Result.CREATED]
    assert "99999" in outcomes[0].message


async def test_field_unknown_to_the_schema_is_refused_with_its_path(life: Engine) -> None:
    wanted = children.service(life.namespace)
    wanted["spec"]["noSuchField"] = 1
    outcome = (await life.apply(wanted))[0]
    assert outcome.result is Result.REFUSED
    assert ".spec.noSuchField" in outcome.message


async def test_empty_values_that_the_server_leaves_out_are_no_drift(bed: ApiBed, life: Engine) -> None:
    wanted = children.replica_set(life.namespace)
    wanted["metadata"]["annotations"] = {}
    pod = wanted["spec"]["template"]["spec"]
    pod |= {"nodeSelector": {}, "tolerations": []}
    pod["containers"][0] |= {"command": [], "lifecycle": None, "stdin": False}
    await life.apply(wanted)
    await edited(bed, life, wanted, {"metadata": {"labels": {"theirs": "x"}}})
    body = bed.client.set_status(wanted, {"replicas": 1})
    await life.sees(Ref.of(REPLICA_SETS, wanted), body["metadata"]["resourceVersion"])
    assert (await life.apply(wanted))[0].result is Result.UNCHANGED


async def test_write_bound_to_an_old_version_is_stale_and_ends_the_batch(bed: ApiBed, life: Engine) -> None:
    await life.apply(*everything(life.namespace))
    decided_on = life.watches.get(Ref(SERVICES, life.namespace, "chat"))
    assert decided_on is not None
    wanted = children.service(life.namespace, revision="r2")
    bed.client.patch(bed.client.path_of(wanted), {"metadata": {"labels": {"theirs": "x"}}}, fieldManager="kubectl")
    await reset_writes(bed)
    rest = children.config_map(life.namespace, a="2")
    bound = Wanted.of(wanted, resource_version=decided_on.resource_version)
    outcomes = await life.applier.apply_all(life.owner, [bound, Wanted.of(rest)])
    assert [outcome.result for outcome in outcomes] == [Result.STALE, Result.UNAVAILABLE]
    assert outcomes[1].reason == "NotTried"
    assert [write.code for write in await writes(bed)] == [409]


async def test_write_bound_to_a_version_of_an_object_that_is_gone_is_stale(bed: ApiBed, life: Engine) -> None:
    wanted = children.service(life.namespace)
    first = (await life.apply(wanted))[0]
    bed.client.delete(wanted)
    bound = Wanted.of(children.service(life.namespace, revision="r2"), resource_version=first.resource_version)
    assert (await life.applier.apply_all(life.owner, [bound]))[0].result is Result.STALE
    assert bed.client.find("v1", "Service", "chat", life.namespace) is None


async def test_write_bound_to_the_present_version_is_done(life: Engine) -> None:
    first = (await life.apply(children.service(life.namespace)))[0]
    bound = Wanted.of(children.service(life.namespace, revision="r2"), resource_version=first.resource_version)
    assert (await life.applier.apply_all(life.owner, [bound]))[0].result is Result.APPLIED
