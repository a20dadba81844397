"""Owns the writes that the admission rules are tried with: who writes what, and which rule refuses it.

The API server and Kyverno's own command judge the same table. It starts nothing.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from serinus.core import naming
from serinus.core.arrange import Arrangement, SetWanted
from serinus.core.policies import Policies, PolicyAction, Rule
from serinus.core.rollout import State
from serinus.resources.context import Context, Settings
from tests.golden import render

Manifest = dict[str, Any]

OPERATOR: Final = "system:serviceaccount:ops:canary-serinus"
REPLICAS: Final = "system:serviceaccount:kube-system:replicaset-controller"
COLLECTOR: Final = "system:serviceaccount:kube-system:generic-garbage-collector"
JANE: Final = "jane@example.com"
EVERYTHING: Final = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
POLICY_KINDS: Final = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
PROVEN, NEW = "r1111111111", "r2222222222"
CHAT, TAGGED = "chat", "tagged"
PINNED: Final = "registry.example/vllm@sha256:" + "ab" * 32
REQUIRED: Final = {CHAT: tuple(Rule), TAGGED: (Rule.NO_LATEST,)}
"""What each service of the table asks for."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One write. `patch` None: the object is created, or with `delete` deleted; `refused` None: it is allowed."""

    name: str
    object: Manifest = field(hash=False)
    patch: Manifest | None = field(default=None, hash=False)
    delete: bool = False
    user: str = REPLICAS
    refused: Rule | None = None

    @property
    def service(self) -> str:
        """The service that the object belongs to."""
        return str(self.object["metadata"]["labels"][naming.LABEL_SERVICE])


def installed_policy(objects: list[Manifest]) -> list[Manifest]:
    """The admission policy of services and its bindings, among the objects of the chart."""
    return [o for o in objects if o["kind"] in POLICY_KINDS and "service-policy" in o["metadata"]["name"]]


def context(service: str, namespace: str, action: PolicyAction, *, user: str = OPERATOR) -> Context:
    """A service of the table in the middle of a rollout: one revision serves, the other is being asked."""
    parsed = render.service("vllm")
    policies = Policies(action=action, require=REQUIRED[service])
    return Context(
        service=replace(
            parsed, name=service, namespace=namespace, monitoring=replace(parsed.monitoring, policies=policies)
        ),
        settings=Settings(probe_image=PINNED, admission_policy=True, user=user),
        state=State(stable=PROVEN, revision=NEW),
        arrangement=Arrangement(
            sets={PROVEN: SetWanted(replicas=1, live=True), NEW: SetWanted(replicas=1, live=False)},
            patches=(),
            settled=True,
            wake=None,
        ),
    )


def pod(name: str, *, service: str = CHAT, revision: str = NEW, live: bool = False, **spec: Any) -> Manifest:
    """A pod of a service as its ReplicaSet makes it, which breaks no rule; keywords replace parts of its spec."""
    container = {"name": "server", "image": PINNED, "resources": {"limits": {"memory": "1Gi"}}}
    labels = {
        naming.LABEL_SERVICE: service,
        naming.LABEL_REVISION: revision,
        naming.LABEL_TRAFFIC: naming.TRAFFIC_LIVE if live else naming.TRAFFIC_IDLE,
        naming.LABEL_DRAIN: "false",
    }
    base = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "securityContext": {"runAsNonRoot": True},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": {**base, **spec}}


def image(text: str) -> list[Manifest]:
    """The one container of a pod, with this image."""
    return [{"name": "server", "image": text, "resources": {"limits": {"memory": "1Gi"}}}]


def service_object(name: str, **spec: Any) -> Manifest:
    """A Service that Serinus has made for chat."""
    selector = {naming.LABEL_SERVICE: CHAT, naming.LABEL_TRAFFIC: naming.TRAFFIC_LIVE}
    base: Manifest = {"type": "ClusterIP", "ports": [{"name": "http", "port": 80}], "selector": selector}
    metadata = {"name": name, "labels": naming.app_labels(CHAT)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**base, **spec}}


def of_revision(revision: str) -> Manifest:
    """A selector of the pods of one revision."""
    return {naming.LABEL_SERVICE: CHAT, naming.LABEL_REVISION: revision}


def config_map(name: str) -> Manifest:
    """A ConfigMap that Serinus has made for chat."""
    metadata = {"name": name, "labels": naming.app_labels(CHAT)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "value"}}


def relabelled(**labels: str | None) -> Manifest:
    """A merge patch of labels of ours."""
    return {"metadata": {"labels": {f"{naming.GROUP}/{key}": value for key, value in labels.items()}}}


_NO_LIMIT: Final = [{"name": "server", "image": PINNED}]
_ROOT: Final = [{**image(PINNED)[0], "securityContext": {"runAsUser": 0}}]
_USER: Final = [{**image(PINNED)[0], "securityContext": {"runAsUser": 1000}}]
_INIT: Final = [{"name": "fetch", "image": "registry.example/fetch:v1", "resources": {"limits": {"memory": "1Gi"}}}]

POD_CASES: Final = (
    Case(name="good", object=pod("good")),
    Case(name="tag-instead-of-digest", object=pod("p", containers=image("vllm:v1")), refused=Rule.IMAGE_DIGEST),
    Case(name="short-digest", object=pod("p", containers=image("vllm@sha256:ab")), refused=Rule.IMAGE_DIGEST),
    Case(name="init-container-without-digest", object=pod("p", initContainers=_INIT), refused=Rule.IMAGE_DIGEST),
    Case(name="no-tag", object=pod("p", service=TAGGED, containers=image("vllm")), refused=Rule.NO_LATEST),
    Case(
        name="port-of-a-registry-is-no-tag",
        object=pod("p", service=TAGGED, containers=image("registry.example:5000/vllm")),
        refused=Rule.NO_LATEST,
    ),
    Case(name="latest", object=pod("p", service=TAGGED, containers=image("vllm:latest")), refused=Rule.NO_LATEST),
    Case(name="tag", object=pod("tag", service=TAGGED, containers=image("registry.example:5000/vllm:v1"))),
    Case(name="latest-with-digest", object=pod("both", service=TAGGED, containers=image(f"a:latest@{PINNED[-71:]}"))),
    Case(name="root-by-default", object=pod("p", securityContext={}), refused=Rule.NON_ROOT),
    Case(name="root-in-one-container", object=pod("p", containers=_ROOT), refused=Rule.NON_ROOT),
    Case(name="user-of-the-container", object=pod("user", securityContext={}, containers=_USER)),
    Case(name="no-memory-limit", object=pod("p", containers=_NO_LIMIT), refused=Rule.LIMITS),
    Case(name="limit-of-the-pod", object=pod("whole", containers=_NO_LIMIT, resources={"limits": {"memory": "1Gi"}})),
    Case(
        name="replacement-of-what-serves",
        object=pod("kept", revision=PROVEN, live=True, containers=[{"name": "a", "image": "a"}], securityContext={}),
    ),
)
"""Rules on the content of pods: for revisions that are not proven yet."""

SERVICE_CASES: Final = (
    Case(name="metrics-inside", object=service_object("chat-metrics"), user=OPERATOR),
    Case(
        name="metrics-outside",
        object=service_object("chat-metrics", type="NodePort"),
        user=OPERATOR,
        refused=Rule.CLUSTER_IP_METRICS,
    ),
    Case(
        name="metrics-on-an-external-address",
        object=service_object("chat-metrics", externalIPs=["192.0.2.1"]),
        user=OPERATOR,
        refused=Rule.CLUSTER_IP_METRICS,
    ),
    Case(name="users-outside", object=service_object("chat", type="NodePort"), user=OPERATOR),
    Case(name="stable", object=service_object("chat-stable", selector=of_revision(PROVEN)), user=OPERATOR),
    Case(
        name="stable-of-an-unproven-revision",
        object=service_object("chat-stable", selector=of_revision(NEW)),
        user=OPERATOR,
        refused=Rule.PROVEN_REVISION,
    ),
    Case(
        name="users-at-an-unproven-revision",
        object=service_object("chat", selector=of_revision(NEW)),
        user=OPERATOR,
        refused=Rule.PROVEN_REVISION,
    ),
    Case(name="canary", object=service_object("chat-canary", selector=of_revision(NEW)), user=OPERATOR),
    Case(name="serving", object=pod("serving", revision=PROVEN, live=True)),
    Case(name="serving-unproven", object=pod("p", live=True), refused=Rule.PROVEN_REVISION),
)
"""Rules on Services and on who stands in front of users."""

CALLER_CASES: Final = (
    Case(name="pod-by-a-person", object=pod("p"), user=JANE, refused=Rule.MANAGED_OBJECTS),
    Case(name="service-by-a-person", object=service_object("chat"), user=JANE, refused=Rule.MANAGED_OBJECTS),
    Case(name="service-by-the-operator", object=service_object("chat"), user=OPERATOR),
    Case(
        name="deleted-by-a-person",
        object=config_map("deleted-by-a-person"),
        delete=True,
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(name="collected", object=config_map("collected"), delete=True, user=COLLECTOR),
    Case(name="deleted-by-the-operator", object=config_map("deleted-by-the-operator"), delete=True, user=OPERATOR),
)
"""The rule on who writes, as far as it needs no state before."""

PATCH_CASES: Final = (
    Case(
        name="a-new-pod-gets-traffic",
        object=pod("gets-traffic"),
        patch=relabelled(traffic="live"),
        user=OPERATOR,
        refused=Rule.PROVEN_REVISION,
    ),
    Case(
        name="a-serving-pod-takes-the-name-of-another-revision",
        object=pod("renamed", revision=PROVEN, live=True),
        patch=relabelled(revision=NEW),
        user=OPERATOR,
        refused=Rule.PROVEN_REVISION,
    ),
    Case(
        name="a-pod-that-should-not-serve-is-drained",
        object=pod("drained", live=True, containers=image("vllm:v1"), securityContext={}),
        patch=relabelled(drain="true"),
        user=OPERATOR,
    ),
    Case(
        name="a-pod-that-should-not-serve-loses-traffic",
        object=pod("loses-traffic", live=True, containers=image("vllm:v1")),
        patch=relabelled(traffic="idle"),
        user=OPERATOR,
    ),
    Case(
        name="another-image-in-a-serving-pod",
        object=pod("another-image", revision=PROVEN, live=True),
        patch={"spec": {"containers": image("vllm@sha256:" + "cd" * 32)}},
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(
        name="a-person-lets-a-pod-serve",
        object=pod("let-in", revision=PROVEN),
        patch=relabelled(traffic="live"),
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(
        name="a-person-takes-a-pod-out-of-the-service",
        object=pod("taken-out", revision=PROVEN, live=True),
        patch=relabelled(service=None),
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(
        name="a-label-of-a-person-on-a-pod",
        object=pod("labelled", revision=PROVEN, live=True),
        patch={"metadata": {"labels": {"example.com/mine": "1"}}},
        user=JANE,
    ),
    Case(name="a-pod-deleted-by-a-person", object=pod("deleted", revision=PROVEN, live=True), delete=True, user=JANE),
    Case(
        name="a-service-edited-by-a-person",
        object=service_object("edited"),
        patch={"spec": {"selector": {naming.LABEL_TRAFFIC: None}}},
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(
        name="a-service-annotated-by-a-person",
        object=service_object("annotated"),
        patch={"metadata": {"annotations": {"example.com/mine": "1"}}},
        user=JANE,
    ),
    Case(
        name="a-service-edited-by-the-operator",
        object=service_object("own-edit"),
        patch={"spec": {"selector": {naming.LABEL_DRAIN: "false"}}},
        user=OPERATOR,
    ),
    Case(
        name="the-mark-of-who-manages-it-is-removed",
        object=config_map("unmarked"),
        patch={"metadata": {"labels": {naming.LABEL_MANAGED_BY: None}}},
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(
        name="the-owner-is-removed",
        object=config_map("disowned"),
        patch={"metadata": {"ownerReferences": None}},
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
    Case(
        name="data-changed-by-a-person",
        object=config_map("changed"),
        patch={"data": {"key": "other"}},
        user=JANE,
        refused=Rule.MANAGED_OBJECTS,
    ),
)
"""Writes on what is there already. Kyverno's command knows no state before a write, so the API server judges them."""

OWNER: Final = {"apiVersion": "v1", "kind": "ConfigMap", "name": "somebody", "uid": "0", "controller": True}
CASES: Final = (*POD_CASES, *SERVICE_CASES, *CALLER_CASES)
