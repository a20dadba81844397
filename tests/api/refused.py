"""Objects that the API server must refuse, each with a part of what it says."""

from tests.api.table import Row, judges, metric, override, quality, slo

_STEPS = "write trafficPercent in ascending order"
_ONE_LIMIT = "write exactly one of maxDuration, maxPercent, maxValue, maxIncreasePercent and maxIncreasePoints"
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

GATES = [
    Row("a gate name of 21 characters", quality(name="a" * 21), "spec.gates.quality[0].name"),
    Row("a gate name with capitals", quality(name="Support"), "spec.gates.quality[0].name"),
    Row("a gate without a floor", quality(floorPercent=None), "floorPercent: Required value"),
    Row("a floor above 100", quality(floorPercent=101), "floorPercent"),
    Row("a floor as a ratio", quality(floorPercent=0.8), "floorPercent"),
    Row("a tolerance as large as the margin", quality(tolerancePoints=5), "tolerancePoints smaller than marginPoints"),
    Row("a margin as large as the floor", quality(floorPercent=5), "floorPercent greater than marginPoints"),
    Row("a false rollback that never happens", quality(falseRollbackPercent=0), "falseRollbackPercent"),
    Row("a false promotion below 0.1 %", quality(falsePromotionPercent=0.05), "write from 0.1 to 50, for example 10"),
    Row("a margin of 0", quality(marginPoints=0), "marginPoints"),
    Row(
        "a gate that never runs",
        {
            "gates": {
                "quality": [
                    {"name": "a", "probeSetRef": {"name": "a"}, "floorPercent": 80},
                    {"name": "b", "probeSetRef": {"name": "b"}, "floorPercent": 80, "when": []},
                ]
            }
        },
        "this gate would never run",
    ),
    Row("an unknown when", quality(when=["BeforeTraffic", "AfterTraffic"]), "when[1]"),
    Row("a when twice", quality(when=["BeforeTraffic", "BeforeTraffic"]), "Duplicate value"),
    Row("a budget of 5 pairs", quality(budget={"pairs": 5}), "budget.pairs"),
    Row("a budget of a week", quality(budget={"duration": "168h"}), "write from 10s to 72h"),
    Row("asking every second", quality(every="1s"), "write from 1m to 168h"),
    Row(
        "a name twice among quality and metrics",
        {"gates": {"metrics": [{"name": "support", "signal": "ttft_p95", "maxDuration": "2s"}]}},
        "write a name once",
    ),
    Row("an unknown signal", metric(signal="vibes", maxValue=1), "spec.gates.metrics[0].signal: Unsupported value"),
    Row("an objective's signal in a gate", metric(signal="ttft", maxDuration="2s"), "spec.gates.metrics[0].signal"),
    Row("a metric gate without a limit", metric(signal="ttft_p95"), _ONE_LIMIT),
    Row("a metric gate with two limits", metric(signal="ttft_p95", maxDuration="2s", maxIncreasePercent=5), _ONE_LIMIT),
    Row("a duration in percent", metric(signal="ttft_p95", maxPercent=5), "write maxDuration or maxIncreasePercent"),
    Row(
        "a ratio as a duration", metric(signal="error_ratio", maxDuration="1s"), "write maxPercent or maxIncreasePoints"
    ),
    Row("a ratio's relative increase", metric(signal="error_ratio", maxIncreasePercent=5), "write maxPercent or"),
    Row(
        "a cache usage as a value", metric(signal="kv_cache_usage", maxValue=1), "write maxPercent or maxIncreasePoints"
    ),
    Row(
        "a count in points",
        metric(signal="requests_waiting", maxIncreasePoints=1),
        "write maxValue or maxIncreasePercent",
    ),
    Row("no requests needed", metric(signal="error_ratio", maxPercent=1, minRequests=0), "minRequests"),
    Row("an objective without a threshold", slo(signal="ttft"), "write thresholdDuration, and no other threshold"),
    Row("an objective with two thresholds", slo(signal="ttft", thresholdDuration="1s", thresholdValue=1), "no other"),
    Row("availability with a threshold", slo(signal="availability", thresholdPercent=1), "remove the threshold"),
    Row("quality with a duration", slo(signal="quality", thresholdDuration="1s"), "write thresholdPercent"),
    Row("cost without a value", slo(signal="cost_per_request"), "write thresholdValue (USD)"),
    Row("an objective of 100 %", slo(signal="availability", objectivePercent=100), "objectivePercent"),
    Row("a window of 90 days", slo(signal="availability", window="90d"), 'window: Unsupported value: "90d"'),
    Row("an alert changed in nothing", override(), "write what changes: a threshold, for or severity"),
    Row("an alert with two thresholds", override(thresholdPercent=1, thresholdValue=2), "write at most one of"),
    Row("an alert of a severity of its own", override(severity="page"), "severity: Unsupported value"),
    Row(
        "an alert changed and disabled",
        {"alerts": {**override(severity="info")["alerts"], "disabled": ["LLMErrorRatioHigh"]}},
        "in overrides or in disabled, not in both",
    ),
    Row("a scrape each second", {"monitoring": {"interval": "1s"}}, "write from 5s to 5m"),
    Row("a label of ours", {"monitoring": {"labels": {"serinus.dev/service": "other"}}}, "Serinus sets these"),
    Row("an unknown redaction", {"monitoring": {"logs": {"redact": ["names"]}}}, "redact[0]: Unsupported value"),
    Row("an unknown policy", {"monitoring": {"policies": {"require": ["all"]}}}, "require[0]: Unsupported value"),
    Row(
        "a receiver without a Secret",
        {"monitoring": {"outputs": {"alertmanagerConfig": {"receiver": "Webhook"}}}},
        "secretKeyRef: Required value",
    ),
    Row(
        "a webhook with a channel",
        {
            "monitoring": {
                "outputs": {
                    "alertmanagerConfig": {
                        "receiver": "Webhook",
                        "channel": "#x",
                        "secretKeyRef": {"name": "a", "key": "b"},
                    }
                }
            }
        },
        "channel goes with receiver Slack",
    ),
]

OTHERS = [
    Row(
        "two sources", {"source": {"configMapRef": {"name": "x"}}}, "exactly one of inline and configMapRef", "ProbeSet"
    ),
    Row("no source", {"source": {"inline": None}}, "exactly one of inline and configMapRef", "ProbeSet"),
    Row("a text of 201 KiB", {"source": {"inline": "x" * 205825}}, "may not be more than 204800", "ProbeSet"),
    Row("an unknown format", {"format": "xml"}, 'spec.format: Unsupported value: "xml"', "ProbeSet"),
    Row("two judges", judges("a", "b"), "write 1, 3 or 5 judges", "ProbeSet"),
    Row("seven judges", judges(*"abcdefg"), "must have at most 5 items", "ProbeSet"),
    Row(
        "a judge that is nowhere",
        {"judges": [{"name": "a", "model": "m"}]},
        "write exactly one of serviceRef",
        "ProbeSet",
    ),
    Row(
        "a judge by its address",
        {"judges": [{"name": "a", "model": "m", "endpointRef": {"name": "http://10.0.0.1/"}}]},
        "endpointRef.name",
        "ProbeSet",
    ),
    Row("a temperature of 3", {"request": {"temperature": 3}}, "spec.request.temperature", "ProbeSet"),
    Row("300 calls at once", {"request": {"concurrency": 300}}, "spec.request.concurrency", "ProbeSet"),
    Row("an answer without end", {"request": {"timeout": "2h"}}, "write from 1s to 1h", "ProbeSet"),
    Row("a revision that is no revision", {"revision": "latest"}, "spec.revision", "ProbeRun"),
    Row("a digest that is cut", {"probeSet": {"digest": "sha256:3f"}}, "spec.probeSet.digest", "ProbeRun"),
    Row("an unknown purpose", {"purpose": "Fun"}, "spec.purpose: Unsupported value", "ProbeRun"),
    Row("a step before traffic", {"step": 0}, "remove step", "ProbeRun"),
    Row("a step's run without its step", {"purpose": "EachStep"}, "write step, the index", "ProbeRun"),
    Row(
        "a self-test of two revisions",
        {"purpose": "SelfTest"},
        "write the same revision in revision and baseline",
        "ProbeRun",
    ),
    Row("an approval without evidence", {"evidence": None}, "write evidence", "Decision"),
    Row("an approval of nothing", {"revision": None}, "write revision", "Decision"),
    Row(
        "an approval of any service of that name",
        {"llmServiceRef": {"uid": None}},
        "write llmServiceRef.uid",
        "Decision",
    ),
    Row("an approval without a reason", {"reason": None}, "write reason", "Decision"),
    Row("an abort of nothing", {"action": "Abort", "revision": None}, "write revision", "Decision"),
    Row("a freeze of one revision", {"action": "Freeze"}, "remove revision", "Decision"),
    Row(
        "a freeze without a reason", {"action": "Freeze", "revision": None, "reason": None}, "write reason", "Decision"
    ),
    Row("a decision by nobody", {"by": None}, "spec.by: Required value", "Decision"),
    Row("an unknown action", {"action": "Ignore"}, "spec.action: Unsupported value", "Decision"),
]

REFUSED = [*SERVICES, *GATES, *OTHERS]
