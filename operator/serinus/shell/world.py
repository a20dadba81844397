"""The kinds that the engine knows and the memory of them: informers of children, and what kopf tells of our own kinds.

It keeps and finds; it enqueues through one callback and writes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from serinus.core import naming, views
from serinus.core.seen import JobPodSeen
from serinus.shell.entry import Mark
from serinus.shell.informer import Informer, Rhythm, Scope
from serinus.shell.kinds import Kind, Object
from serinus.shell.kube import Api
from serinus.shell.store import Seen, version_number
from serinus.shell.watches import Watches

LLMSERVICE: Final = Kind(naming.GROUP, naming.VERSION, "llmservices", "LLMService")
PROBESET: Final = Kind(naming.GROUP, naming.VERSION, "probesets", "ProbeSet")
PROBERUN: Final = Kind(naming.GROUP, naming.VERSION, "proberuns", "ProbeRun")
DECISION: Final = Kind(naming.GROUP, naming.VERSION, "decisions", "Decision")
OWN_KINDS: Final = (LLMSERVICE, PROBESET, PROBERUN, DECISION)
_OF_SERVICE: Final = frozenset({PROBERUN, DECISION})

POD: Final = Kind("", "v1", "pods", "Pod")
SERVICE: Final = Kind("", "v1", "services", "Service")
CONFIGMAP: Final = Kind("", "v1", "configmaps", "ConfigMap")
REPLICASET: Final = Kind("apps", "v1", "replicasets", "ReplicaSet")
REVISION: Final = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
JOB: Final = Kind("batch", "v1", "jobs", "Job")
SLICE: Final = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
BUDGET: Final = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
SERVICE_MONITOR: Final = Kind("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor")
RULE: Final = Kind("monitoring.coreos.com", "v1", "prometheusrules", "PrometheusRule")
PROMETHEUS: Final = Kind("monitoring.coreos.com", "v1", "prometheuses", "Prometheus")
DASHBOARD: Final = Kind("grafana.integreatly.org", "v1beta1", "grafanadashboards", "GrafanaDashboard")
ADMISSION_POLICY: Final = Kind(
    "policies.kyverno.io", "v1", "namespacedvalidatingpolicies", "NamespacedValidatingPolicy"
)
ROUTING: Final = Kind("monitoring.coreos.com", "v1alpha1", "alertmanagerconfigs", "AlertmanagerConfig")
COLLECTOR: Final = Kind("opentelemetry.io", "v1beta1", "opentelemetrycollectors", "OpenTelemetryCollector")
INSTRUMENTATION: Final = Kind("opentelemetry.io", "v1alpha1", "instrumentations", "Instrumentation")
CILIUM_POLICY: Final = Kind("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy")
TRACING_POLICY: Final = Kind("cilium.io", "v1alpha1", "tracingpoliciesnamespaced", "TracingPolicyNamespaced")
POD_LOGS: Final = Kind("monitoring.grafana.com", "v1alpha2", "podlogs", "PodLogs")

OUTPUTS: Final = (
    SERVICE_MONITOR,
    RULE,
    POD_LOGS,
    DASHBOARD,
    ADMISSION_POLICY,
    CILIUM_POLICY,
    TRACING_POLICY,
    ROUTING,
    COLLECTOR,
    INSTRUMENTATION,
)
"""Kinds that users do not depend on: without the right to them everything else goes on, and status says so."""

KINDS: Final = (
    *OWN_KINDS,
    POD,
    SERVICE,
    CONFIGMAP,
    REPLICASET,
    REVISION,
    JOB,
    SLICE,
    BUDGET,
    NETWORK_POLICY,
    PROMETHEUS,
    *OUTPUTS,
)
PRUNED: Final = tuple(
    sorted((REPLICASET, REVISION, SERVICE, CONFIGMAP, BUDGET, NETWORK_POLICY, *OUTPUTS), key=lambda kind: kind.resource)
)
"""Kinds of which an object that is no longer wanted is deleted; never pods, Jobs or ProbeRuns."""

MARK: Final = Mark(naming.FIELD_MANAGER, naming.ANNOTATION_APPLIED)
_SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class SliceSeen:
    """One EndpointSlice: its Service and the pods in it that are ready."""

    service: str
    pods: frozenset[str]


@dataclass(frozen=True, slots=True)
class ProbePodSeen:
    """The pod of a probe Job, and the UID of the Job that controls it; empty: no Job does."""

    job_uid: str
    pod: JobPodSeen


def _slice(body: Object) -> SliceSeen:
    service = (body["metadata"].get("labels") or {}).get(_SERVICE_NAME, "")
    return SliceSeen(service, views.ready_pods([body]))


def _probe_pod(body: Object) -> ProbePodSeen:
    pod = views.job_pod_seen(body)
    return ProbePodSeen(pod.controller, pod)


def _selected_revision(body: Object) -> str:
    return str(((body.get("spec") or {}).get("selector") or {}).get(naming.LABEL_REVISION, ""))


_CHILDREN: Final[tuple[tuple[Kind, str, Callable[[Object], Any] | None], ...]] = (
    (REPLICASET, naming.LABEL_SERVICE, views.set_seen),
    (POD, naming.LABEL_SERVICE, views.pod_seen),
    (SLICE, naming.LABEL_SERVICE, _slice),
    (REVISION, naming.LABEL_SERVICE, views.revision_seen),
    (SERVICE, naming.LABEL_SERVICE, _selected_revision),
    (JOB, naming.LABEL_SERVICE, views.job_seen),
    (CONFIGMAP, naming.LABEL_SERVICE, None),
    (BUDGET, naming.LABEL_SERVICE, None),
    (NETWORK_POLICY, naming.LABEL_SERVICE, None),
    *((kind, naming.LABEL_SERVICE, None) for kind in OUTPUTS),
)
"""Kind, the label that names the owner, and what is kept of an object (None: its metadata alone)."""

Enqueue = Callable[[str, str], None]
"""Called with namespace and name of the LLMService whose world changed."""


class Customs:
    """Our own objects as kopf tells of them, by kind and name; ProbeRuns and Decisions also by their service."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[tuple[str, str], Object]] = {kind: {} for kind in OWN_KINDS}
        self._by_service: dict[tuple[Kind, str, str], dict[str, Object]] = {}

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object as it was last seen."""
        return self._objects[kind].get((namespace, name))

    def knows(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Whether this very object is known at this version or a newer one."""
        known = self._objects[kind].get(_key(body))
        return known is not None and _same_object(known, body) and _version(known) >= _version(body)

    def offer(self, kind: Kind, body: Object) -> bool:
        """Take an object over unless a newer one is known; False if it was old news."""
        if self.knows(kind, body):
            return False
        key = _key(body)
        body["metadata"].pop("managedFields", None)
        self.remove(kind, *key)
        self._objects[kind][key] = body
        if kind in _OF_SERVICE:
            self._by_service.setdefault((kind, key[0], _service_of(body)), {})[key[1]] = body
        return True

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Forget an object."""
        known = self._objects[kind].pop((namespace, name), None)
        if known is None or kind not in _OF_SERVICE:
            return
        place = (kind, namespace, _service_of(known))
        self._by_service[place].pop(name)
        if not self._by_service[place]:
            del self._by_service[place]

    def keys(self, kind: Kind) -> list[tuple[str, str]]:
        """Namespace and name of every object of a kind."""
        return list(self._objects[kind])

    def services(self, kind: Kind) -> list[tuple[str, str]]:
        """Namespace and name of every service that a ProbeRun or Decision refers to."""
        return [(namespace, service) for found, namespace, service in self._by_service if found == kind]

    def of_service(self, kind: Kind, namespace: str, service: str) -> list[Object]:
        """ProbeRuns or Decisions that refer to a service, in the order of their names."""
        found = self._by_service.get((kind, namespace, service), {})
        return [found[name] for name in sorted(found)]


def make_watches(api: Api, namespaces: Iterable[str | None], enqueue: Enqueue, *, rhythm: Rhythm) -> Watches:
    """Make the informers of all children in these namespaces (None: in all)."""
    return Watches(
        Informer(
            api,
            Scope(kind, namespace, selector=label, index_label=label, optional=kind in OUTPUTS),
            MARK,
            on_change=_teller(label, enqueue),
            project=project,
            rhythm=rhythm,
        )
        for namespace in namespaces
        for kind, label, project in (*_CHILDREN, (POD, naming.LABEL_PROBE_FOR, _probe_pod))
    )


def _teller(label: str, enqueue: Enqueue) -> Callable[[str, str, Seen[Any] | None, Seen[Any] | None], None]:
    def tell(namespace: str, _name: str, old: Seen[Any] | None, new: Seen[Any] | None) -> None:
        owners = {seen.entry.labels.get(label, "") for seen in (old, new) if seen is not None}
        for owner in owners - {""}:
            enqueue(namespace, owner)

    return tell


def _service_of(body: Object) -> str:
    return str(((body.get("spec") or {}).get("llmServiceRef") or {}).get("name", ""))


def _same_object(known: Object, body: Mapping[str, Any]) -> bool:
    return bool(known["metadata"]["uid"] == body["metadata"]["uid"])


def _key(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _version(body: Mapping[str, Any]) -> int:
    return version_number(body["metadata"].get("resourceVersion", ""))
