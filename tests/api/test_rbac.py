"""The operator with exactly the chart's rights: whole rollouts work, nothing is refused, and no right is left over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from serinus.core import naming
from serinus.shell.verbs import VERBS, Place
from serinus.shell.world import JOB, PROBERUN, PRUNED, REPLICASET
from tests.cluster.binaries import ensure, ensure_crds
from tests.golden.crd import CILIUM, GRAFANA_DASHBOARDS, OPENTELEMETRY, POD_LOGS, read_crd
from tests.support import helm, probeplay
from tests.support.apibed import ApiBed
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Answer
from tests.support.objects import API_VERSION
from tests.support.operatorproc import Operator
from tests.support.rights import Right, granted, refused, used
from tests.support.team import Team, a_team
from tests.support.watchfaults import Hang

pytestmark = pytest.mark.api

Manifest = dict[str, Any]
_NOTHING_WATCHED: Manifest = {"selector": {}, "endpoints": []}
CLUSTER_WIDE, NAMESPACED = "cluster-wide", "namespaced"
KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@dataclass
class Installed:
    """A bed with the Prometheus Operator's kinds, and the rights that an operator used in it, by its mode."""

    bed: ApiBed
    used: dict[str, set[Right]] = field(default_factory=dict)

    def play(self, mode: str) -> set[Right]:
        """Play the story in this mode, once; the rights that were used. Raises AssertionError if one was refused."""
        if mode not in self.used:
            own, team = self.bed.new_namespace(), self.bed.new_namespace()
            values = {"namespaces": [team]} if mode == NAMESPACED else {}
            settings = {"NAMESPACES": team} if mode == NAMESPACED else {}
            self.used[mode] = _run(self.bed, values, settings, own=own, team=team)
        return self.used[mode]


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    """A bed of its own, with every kind of others that the operator writes."""
    bed = ApiBed()
    try:
        bed.install_crds()
        kinds = ("alertmanagerconfigs", "servicemonitors", "prometheusrules", "prometheuses")
        crds = sorted(path for kind in kinds for path in ensure_crds().glob(f"*{kind}*.yaml"))
        others = (*ensure("kyverno-crds").glob("*.yaml"), POD_LOGS, GRAFANA_DASHBOARDS, *CILIUM, *OPENTELEMETRY)
        for path in (*crds, *others):
            bed.client.install(read_crd(path))
        bed.start_controllers()
        yield Installed(bed)
    finally:
        bed.close()


def _run(bed: ApiBed, values: dict[str, Any], settings: dict[str, str], *, own: str, team: str) -> set[Right]:
    """Install the chart's rights, and play a whole story with the operator's service account."""
    for item in helm.template({"crds": {"enabled": False}, **values}, namespace=own):
        if item["kind"] in KINDS:
            bed.client.apply(item)
    proxy = FaultProxy(bed)
    # What a watch does not tell is found by comparing lists, and read: a right that no undisturbed day needs.
    proxy.add(Hang(), verb="watch", path="/(decisions|llmservices|probesets)$", times=None)
    # Nor is a child read, unless its name seems to be taken.
    for kind in (*PRUNED, JOB, PROBERUN):
        dry = kind == REPLICASET  # the first of a ReplicaSet is tried with a dry run
        proxy.add(Answer(409), verb="patch", path=rf"/{kind.plural}/[^/]+$", nth=2 if dry else 1)
        proxy.add(Answer(409), verb="create", path=rf"/{kind.plural}$")
    token = bed.service_account("canary-serinus", own)
    config = bed.kubeconfig(token=token, url=proxy.url)
    outputs = {
        "LOKI_URL": "http://loki/loki/api/v1/push",
        "GRAFANAS": '{"dashboards": "grafana"}',
        "TRACE_ENDPOINTS": '{"default": {"preset": "tempo", "url": "http://tempo:4317"}}',
    }
    settings = {"NAMESPACE": own, "RESYNC": "2s", **outputs, **settings}
    operator = Operator(config, bed.server.folder / f"operator-{own}.log", settings)
    try:
        with a_team(bed, operator, namespace=team) as one:
            operator.start()
            _story(one)
            assert operator.stop() == 0
    finally:
        operator.close()
        proxy.close()
    calls = proxy.calls()
    assert refused(calls) == []
    return used(calls)


def _story(team: Team) -> None:
    """Everything that the operator does: promote, roll back, decide, supersede, prune, and put right."""
    receiver = {"receiver": "Webhook", "secretKeyRef": {"name": "pager", "key": "url"}}
    routed = {"alertmanagerConfig": receiver, "traces": {"instrumentation": True}}
    outputs = {"cilium": True, "tetragon": True, **routed}
    one = team.begin(rollout={"historyLimit": 1}, monitoring={"outputs": outputs})
    for stray in _strays(team):
        team.client.apply(stray, manager=naming.FIELD_MANAGER)
    old = _digest(team)
    team.ask(request={"maxTokens": 256})
    team.until(lambda _: _digest(team) != old, "the new questions are read")
    team.until_stable(team.deploy("two"))
    right = team.spec or {}
    team.apply({**right, "runtime": "nobody-s"})
    team.until(lambda _: team.body()["status"]["phase"] == "Invalid", "the spec is refused, and an event says so")
    team.apply(right)
    team.script.use(probeplay.bad)
    three = team.deploy("three")
    team.until_rejected(three)
    team.script.use(probeplay.never)
    team.until_decided(team.decide("Retry", three))
    team.until(lambda _: _asks(team, three), "the run goes on")
    team.script.use(probeplay.good)
    four = team.deploy("four")
    team.until_stable(four)
    team.until(lambda _: not _kept(team, one), "the oldest revision is forgotten")
    for run in team.runs(one):
        team.client.set_status(run, {**run["status"], "finishedAt": "2020-01-01T00:00:00Z"})
    team.until(lambda _: not team.runs(one), "its evidence is old enough to go")
    team.until(
        lambda _: not any(_found(team, stray) for stray in _strays(team)), "what an older version left is pruned"
    )
    team.check()


def _digest(team: Team) -> str:
    found = team.client.get(API_VERSION, "ProbeSet", "support", team.namespace)
    return str((found.get("status") or {}).get("digest", ""))


def _strays(team: Team) -> list[Manifest]:
    """Children of kinds that only another version of the operator would have no use for any more."""
    meta = {
        "name": "chat-older",
        "namespace": team.namespace,
        "labels": naming.app_labels("chat"),
        "annotations": {naming.ANNOTATION_APPLIED: "0" * 32},
        "ownerReferences": [
            {"apiVersion": API_VERSION, "kind": "LLMService", "name": "chat", "uid": team.body()["metadata"]["uid"]}
            | {"controller": True, "blockOwnerDeletion": False}
        ],
    }
    monitoring = "monitoring.coreos.com/v1"
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 80}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": {"maxUnavailable": 1}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": {"podSelector": {}}},
        {
            "apiVersion": monitoring,
            "kind": "ServiceMonitor",
            "metadata": meta,
            "spec": {"selector": {}, "endpoints": []},
        },
        {"apiVersion": monitoring, "kind": "PrometheusRule", "metadata": meta, "spec": {"groups": []}},
        {
            "apiVersion": "monitoring.grafana.com/v1alpha2",
            "kind": "PodLogs",
            "metadata": meta,
            "spec": {"selector": {}},
        },
        {
            "apiVersion": "grafana.integreatly.org/v1beta1",
            "kind": "GrafanaDashboard",
            "metadata": meta,
            "spec": {"instanceSelector": {}},
        },
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "NamespacedValidatingPolicy",
            "metadata": meta,
            "spec": {"validations": [{"expression": "true"}]},
        },
        {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": meta,
            "spec": {"endpointSelector": {}, "ingress": [], "egress": []},
        },
        {"apiVersion": "cilium.io/v1alpha1", "kind": "TracingPolicyNamespaced", "metadata": meta, "spec": {}},
        *_routing_and_traces(meta),
    ]


def _routing_and_traces(meta: Manifest) -> list[Manifest]:
    config: Manifest = {"receivers": {}, "exporters": {}, "service": {"pipelines": {}}}
    specs: list[tuple[str, str, Manifest]] = [
        ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", {"receivers": []}),
        ("opentelemetry.io/v1alpha1", "Instrumentation", {}),
        ("opentelemetry.io/v1beta1", "OpenTelemetryCollector", {"managementState": "managed", "config": config}),
    ]
    return [{"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec} for api, kind, spec in specs]


def _found(team: Team, stray: Manifest) -> bool:
    return team.client.find(stray["apiVersion"], stray["kind"], stray["metadata"]["name"], team.namespace) is not None


def _asks(team: Team, revision: str) -> bool:
    return any((r.get("status") or {}).get("phase") == "Running" for r in team.runs(revision))


def _kept(team: Team, revision: str) -> bool:
    return any(revision in r["metadata"]["name"] for r in team.objects("ControllerRevision", "apps/v1"))


def test_a_cluster_wide_operator_lives_with_the_rights_of_the_chart(installed: Installed) -> None:
    assert installed.play(CLUSTER_WIDE) - granted(VERBS, *Place) == set()


def test_an_operator_of_one_namespace_lives_with_roles_alone(installed: Installed) -> None:
    assert installed.play(NAMESPACED) - granted(VERBS, Place.WATCHED, Place.OPERATOR) == set()


def test_no_right_is_granted_that_nothing_uses(installed: Installed) -> None:
    used_by_any = installed.play(CLUSTER_WIDE) | installed.play(NAMESPACED)
    assert granted(VERBS, *Place) - used_by_any == set()
