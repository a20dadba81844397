"""What an earlier service of the same name left, and what somebody copied, says nothing of this one."""

from typing import Any

import pytest

from serinus.core import naming
from serinus.core.seen import Outcome
from serinus.shell.entry import Owner, entry_of
from serinus.shell.informer import Rhythm, State
from serinus.shell.kinds import Kind
from serinus.shell.observe import Observer
from serinus.shell.outcomes import Standing, standing
from serinus.shell.watches import Watches
from serinus.shell.world import MARK, REPLICASET, REVISION, Customs, make_watches
from tests.support import objects

NAMESPACE = "team-a"
UID = "uid-now"
REVISION_NAME = "r5f9c1a03be"
OURS = [{"manager": "serinus", "operation": "Apply", "fieldsV1": {"f:metadata": {}}}]
THEIRS = [{"manager": "kubectl", "operation": "Update"}]
Manifest = dict[str, Any]


def owned(uid: str) -> Manifest:
    return {"apiVersion": naming.API_VERSION, "kind": "LLMService", "name": "chat", "uid": uid, "controller": True}


def record(name: str = f"chat-{REVISION_NAME}", **metadata: Any) -> Manifest:
    """A ControllerRevision that says Proven."""
    labels = {"serinus.dev/service": "chat", "serinus.dev/revision": REVISION_NAME, "serinus.dev/outcome": "Proven"}
    base = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "resourceVersion": "1", "labels": labels}
    return {"metadata": base | metadata, "revision": 1, "data": {"template": {}}}


def replica_set(**metadata: Any) -> Manifest:
    return {"spec": {"replicas": 2}, "metadata": record(**metadata)["metadata"]}


def watches(*found: tuple[Kind, Manifest]) -> Watches:
    """The engine's informers with these objects in their memory."""
    made = make_watches(None, (NAMESPACE,), lambda *_: None, rhythm=Rhythm())  # type: ignore[arg-type]
    for kind, body in found:
        informer = next(i for i in made if i.scope.kind == kind)
        informer.state = State.SYNCED
        informer.store.offer((NAMESPACE, body["metadata"]["name"]), informer.reader.seen(body))
    return made


async def outcomes(body: Manifest) -> list[Outcome | None]:
    service = objects.llmservice(namespace=NAMESPACE)
    service["metadata"] |= {"uid": UID}
    observer = Observer(None, watches((REVISION, body)), Customs())  # type: ignore[arg-type]
    return [r.outcome for r in (await observer.observe(service)).snapshot.revisions]


COUNTS = {
    "of this service": record(ownerReferences=[owned(UID)], managedFields=OURS),
    "put back by a person": record(ownerReferences=[owned(UID)], managedFields=THEIRS),
    "left by a deletion that orphans": record(managedFields=OURS),
}
SAYS_NOTHING = {
    "of an earlier service": record(ownerReferences=[owned("uid-before")], managedFields=OURS),
    "made by a person": record(managedFields=THEIRS),
    "copied under another name": record("copy", ownerReferences=[owned(UID)], managedFields=OURS),
}


@pytest.mark.parametrize("name", COUNTS)
async def test_a_record_of_this_service_counts(name: str) -> None:
    assert await outcomes(COUNTS[name]) == [Outcome.PROVEN]


@pytest.mark.parametrize("name", SAYS_NOTHING)
async def test_a_record_that_is_not_of_this_service_proves_nothing(name: str) -> None:
    assert await outcomes(SAYS_NOTHING[name]) == []


async def test_pods_of_an_earlier_service_are_not_taken_over_with_their_replica_set() -> None:
    service = objects.llmservice(namespace=NAMESPACE)
    service["metadata"] |= {"uid": UID}
    left = replica_set(ownerReferences=[owned("uid-before")], managedFields=OURS)
    mine = replica_set(name="chat-r0000000000", ownerReferences=[owned(UID)], managedFields=OURS)
    observer = Observer(None, watches((REPLICASET, left), (REPLICASET, mine)), Customs())  # type: ignore[arg-type]
    found = (await observer.observe(service)).snapshot

    assert [s.name for s in found.sets] == ["chat-r0000000000"]


@pytest.mark.parametrize(
    ("owners", "manager", "found"),
    [
        ([owned(UID)], OURS, Standing.OURS),
        ([], OURS, Standing.OURS),
        ([owned("uid-before")], OURS, Standing.LEAVING),
        ([owned("uid-other") | {"name": "chat-two"}], OURS, Standing.FOREIGN),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}], OURS, Standing.OURS),
        ([], THEIRS, Standing.FOREIGN),
    ],
)
def test_two_services_never_fight_for_one_object(owners: list[Manifest], manager: Any, found: Standing) -> None:
    entry = entry_of(record(ownerReferences=owners, managedFields=manager), MARK)

    assert standing(entry, Owner(naming.API_VERSION, "LLMService", "chat", UID)) is found
