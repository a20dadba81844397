"""Objects that the API server must refuse, each with a part of what it says."""

from tests.api.refused_gates import GATES
from tests.api.refused_records import RECORDS
from tests.api.table import Row, quality

_STEPS = "write trafficPercent in ascending order"
_REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat", "stableServiceRef": {"name": "chat"}}
_GATEWAY = {"gateway": {"parentRefs": [{"name": "public"}]}}

SERVICES = [
    Row("a name of 41 characters", called="a" * 41, says="metadata.name: write at most 40 characters"),
    Row("a name that begins with a digit", called="1chat", says="begin with a letter"),
    Row("a name with a dot", called="chat.v2", says="metadata.name: write at most 40 characters"),
    Row(
        "a name that ends in -stable",
        called="chat-stable",
        says="does not end in -stable, -canary, -metrics or -probes",
    ),
    Row("a name that ends in -canary", called="chat-canary", says="does not end in -stable"),
    Row("a name that ends in -metrics", called="chat-metrics", says="does not end in -stable"),
    Row("a name that ends in -probes", called="chat-probes", says="does not end in -stable"),
    Row("no servedModelName", {"servedModelName": None}, "spec.servedModelName: Required value"),
    Row("a model name with a quote", {"servedModelName": 'a"b'}, "spec.servedModelName"),
    Row("no runtime", {"runtime": None}, "spec.runtime: Required value"),
    Row("a runtime that is no word", {"runtime": "vLLM 0.9"}, "spec.runtime"),
    Row("no team", {"owner": {"team": None}}, "spec.owner.team: Required value"),
    Row("a team with a Go template", {"owner": {"team": "{{ .Labels }}"}}, "spec.owner.team"),
    Row("a runbook with a Go template", {"owner": {"runbook": "https://wiki/{{x}}"}}, "spec.owner.runbook"),
    Row("a runbook that is a script", {"owner": {"runbook": "javascript:alert(1)"}}, "spec.owner.runbook"),
    Row("neither workload nor workloadRef", {"workload": None}, "exactly one of workload"),
    Row("workload and workloadRef", {"workloadRef": _REF}, "exactly one of workload"),
    Row("custom without signals", {"runtime": "custom"}, "write at least one entry of signals"),
    Row(
        "signals without custom",
        {"signals": {"ttft": {"metric": "ttft_seconds", "kind": "histogram"}}},
        "remove signals for a runtime of the catalogue",
    ),
    Row(
        "a signal with a forged metric",
        {"runtime": "custom", "signals": {"ttft": {"metric": 'up{namespace="x"} or a', "kind": "gauge"}}},
        "spec.signals.ttft.metric",
    ),
    Row(
        "a signal with a strange name",
        {"runtime": "custom", "signals": {"TTFT!": {"metric": "a", "kind": "gauge"}}},
        "write signal names of at most 40 characters",
    ),
    Row(
        "a signal with a forged label name",
        {"runtime": "custom", "signals": {"ttft": {"metric": "a", "kind": "gauge", "labels": {'x="y"': "z"}}}},
        "write label names of letters",
    ),
    Row("no gate in mode Enforce", {"gates": None}, "write at least one entry of gates.quality"),
    Row("no gate in mode Advise", {"gates": None, "rollout": {"mode": "Advise"}}, "or write rollout.mode Ungated"),
    Row("no gate before traffic", quality(when=["Bake"]), "whose `when` contains BeforeTraffic"),
    Row("an unknown mode", {"rollout": {"mode": "Off"}}, 'spec.rollout.mode: Unsupported value: "Off"'),
    Row(
        "replacing the only replica",
        {"workload": {"replicas": 1}, "rollout": {"maxSurge": 0}},
        "rollout.maxSurge 0 gives up a serving replica first",
    ),
    Row(
        "replacing the only replica, in percent",
        {"workload": {"replicas": 1}, "rollout": {"maxSurge": "0%"}},
        "write maxSurge 1, or more replicas",
    ),
    Row("a surge of 150 %", {"rollout": {"maxSurge": "150%"}}, "spec.rollout.maxSurge"),
    Row("a negative surge", {"rollout": {"maxSurge": -1}}, "write a number from 0 to 5000"),
    Row("negative replicas", {"workload": {"replicas": -1}}, "spec.workload.replicas"),
    Row("steps that descend", {"rollout": {"steps": [{"trafficPercent": 50}, {"trafficPercent": 10}]}}, _STEPS),
    Row("a step twice", {"rollout": {"steps": [{"trafficPercent": 50}, {"trafficPercent": 50}]}}, _STEPS),
    Row("a step of 100 %", {"rollout": {"steps": [{"trafficPercent": 100}]}}, "trafficPercent"),
    Row(
        "21 steps", {"rollout": {"steps": [{"trafficPercent": n} for n in range(1, 22)]}}, "must have at most 20 items"
    ),
    Row("a bake that is no duration", {"rollout": {"bake": "5 min"}}, "spec.rollout.bake"),
    Row("a bake of days", {"rollout": {"bake": "1d"}}, "spec.rollout.bake"),
    Row("a bake of a month", {"rollout": {"bake": "720h"}}, "write at most 168h"),
    Row("a readyTimeout of nothing", {"rollout": {"readyTimeout": "0s"}}, "write from 1s to 24h"),
    Row("an unknown onInconclusive", {"rollout": {"onInconclusive": "Promote"}}, "spec.rollout.onInconclusive"),
    Row("an unknown approval", {"rollout": {"approval": "Always"}}, "spec.rollout.approval"),
    Row("a port of 0", {"workload": {"port": 0}}, "write the port's name"),
    Row("a port name of 16 characters", {"workload": {"port": "a234567890123456"}}, "write the port's name"),
    Row("a metrics path of a URL", {"workload": {"metricsPath": "http://x/metrics"}}, "spec.workload.metricsPath"),
    Row(
        "an empty pod spec",
        {"workload": {"template": {"spec": {"containers": None, "terminationGracePeriodSeconds": None}}}},
        "spec.workload.template.spec",
    ),
    Row("restartAt that is no time", {"workload": {"restartAt": "now"}}, "spec.workload.restartAt"),
    Row(
        "a gateway with workloadRef",
        {"workload": None, "workloadRef": _REF, "gates": None, "traffic": _GATEWAY},
        "remove traffic.gateway",
    ),
    Row(
        "a gate without a canary Service", {"workload": None, "workloadRef": _REF}, "write workloadRef.canaryServiceRef"
    ),
    Row("a gateway without parents", {"traffic": {"gateway": {"parentRefs": []}}}, "parentRefs"),
    Row(
        "a hostname with a path",
        {"traffic": {"gateway": {"parentRefs": [{"name": "public"}], "hostnames": ["a.example/x"]}}},
        "hostnames[0]",
    ),
    Row(
        "a backend timeout above the request's",
        {"traffic": {"gateway": {**_GATEWAY["gateway"], "timeouts": {"request": "10s", "backendRequest": "20s"}}}},
        "not longer than request",
    ),
    Row("an unknown Service type", {"service": {"type": "ExternalName"}}, "spec.service.type"),
    Row("an annotation of ours", {"service": {"annotations": {"serinus.dev/x": "y"}}}, "they belong to Serinus"),
    Row("a disruption budget of 200 %", {"disruption": {"maxUnavailable": "200%"}}, "spec.disruption.maxUnavailable"),
    Row("a key without a Secret", {"access": {"secretKeyRef": {"key": "token"}}}, "secretKeyRef.name: Required value"),
]

REFUSED = [*SERVICES, *GATES, *RECORDS]
