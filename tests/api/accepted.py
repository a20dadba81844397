"""Objects that the API server must accept."""

from tests.api.table import Row, judges, metric, override, quality, slo

_REF = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "chat"}
_SIDES = {"stableServiceRef": {"name": "chat-blue"}, "canaryServiceRef": {"name": "chat-green"}}
_GATEWAY = {
    "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
    "hostnames": ["chat.example.com", "*.llm.example.com"],
    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}, "headers": [{"name": "x-team", "value": "search"}]}],
    "timeouts": {"request": "0s", "backendRequest": "60s"},
    "backend": "Service",
}
_SLACK = {"receiver": "Slack", "channel": "#llm", "secretKeyRef": {"name": "slack", "key": "url"}}
_EXPORTERS = [{"endpointRef": {"name": "tempo"}, "secretKeyRef": {"name": "tempo", "key": "token"}}]

ACCEPTED = [
    Row("the smallest service"),
    Row("a name of 40 characters", called="a" * 40),
    Row("a name of one character", called="a"),
    Row("a name with stable in its middle", called="chat-stable-2"),
    Row("mode Ungated without a gate", {"gates": None, "rollout": {"mode": "Ungated"}}),
    Row("mode Advise", {"rollout": {"mode": "Advise"}}),
    Row("replacing two replicas", {"workload": {"replicas": 2}, "rollout": {"maxSurge": 0}}),
    Row("a surge in percent", {"rollout": {"maxSurge": "25%"}}),
    Row("a single replica", {"workload": {"replicas": 1}}),
    Row("no replicas yet", {"workload": {"replicas": 0}}),
    Row("no steps", {"rollout": {"steps": []}}),
    Row("20 steps", {"rollout": {"steps": [{"trafficPercent": n, "bake": "0s"} for n in range(1, 21)]}}),
    Row(
        "an approval before promotion", {"rollout": {"approval": "BeforePromotion", "paused": True, "historyLimit": 0}}
    ),
    Row("ports by number", {"workload": {"port": 8000, "metricsPort": 9090, "metricsPath": "/metrics/"}}),
    Row("ports by name", {"workload": {"port": "http", "metricsPort": "http-metrics"}}),
    Row("a restart", {"workload": {"restartAt": "2026-11-21T10:00:00Z"}}),
    Row("a workload of Argo Rollouts", {"workload": None, "workloadRef": {**_REF, **_SIDES}}),
    Row(
        "a Deployment that is only monitored",
        {"workload": None, "gates": None, "workloadRef": {**_REF, "stableServiceRef": {"name": "chat"}}},
    ),
    Row("a gateway", {"traffic": {"gateway": _GATEWAY}}),
    Row(
        "a load balancer",
        {"service": {"type": "LoadBalancer", "port": 443, "annotations": {"lb.example/internal": "true"}}},
    ),
    Row("a token for probes", {"access": {"secretKeyRef": {"name": "chat-key", "key": "token"}}}),
    Row(
        "a gate with every field",
        quality(
            marginPoints=2.5,
            tolerancePoints=0.5,
            falseRollbackPercent=1,
            falsePromotionPercent=1,
            compare="Score",
            metrics=[{"name": "grounded", "weight": 3}, {"name": "tone"}],
            budget={"pairs": 500, "tokens": 100000, "duration": "30m"},
            when=["BeforeTraffic", "EachStep", "Bake"],
            every="30m",
        ),
    ),
    Row(
        "a gate for the serving revision alone",
        {
            "gates": {
                "quality": [
                    {"name": "support", "probeSetRef": {"name": "support"}, "floorPercent": 80},
                    {"name": "watch", "probeSetRef": {"name": "watch"}, "floorPercent": 90, "when": [], "every": "1h"},
                ]
            }
        },
    ),
    Row("a limit on a duration", metric(signal="ttft_p95", maxDuration="2s", minRequests=100)),
    Row("a relative limit on a duration", metric(signal="e2e_latency_p99", maxIncreasePercent=20)),
    Row("a limit on a ratio", metric(signal="error_ratio", maxIncreasePoints=1, minRequests=200)),
    Row("a limit on the cache", metric(signal="kv_cache_usage", maxPercent=90)),
    Row("a limit on a count", metric(signal="requests_waiting", maxValue=10)),
    Row("a limit on cost", metric(signal="cost_per_request", maxIncreasePercent=10)),
    Row("an objective for the first token", slo(signal="ttft", thresholdDuration="2500ms", window="28d")),
    Row("an objective for availability", slo(signal="availability", objectivePercent=99.9)),
    Row("an objective for answers", slo(signal="quality", objectivePercent=95, window="7d")),
    Row("an objective for scores", slo(signal="quality", thresholdPercent=70)),
    Row("an objective for cost", slo(signal="cost_per_request", thresholdValue=0.02)),
    Row("a changed alert", override(thresholdPercent=2, **{"for": "5m"}, severity="critical")),
    Row("a disabled alert", {"alerts": {"disabled": ["LLMQueueLong"]}}),
    Row("labels for a Prometheus", {"monitoring": {"labels": {"release": "kps"}, "interval": "30s"}}),
    Row(
        "no policies, other logs",
        {"monitoring": {"policies": {"require": []}, "logs": {"parser": "json", "samplePercent": 10}}},
    ),
    Row(
        "all outputs",
        {
            "monitoring": {
                "outputs": {
                    "dashboard": "PerService",
                    "lokiRules": True,
                    "networkPolicy": True,
                    "tetragon": True,
                    "cilium": True,
                    "analysisTemplate": True,
                    "alertmanagerConfig": _SLACK,
                    "traces": {
                        "content": "Redact",
                        "samplePercent": 5,
                        "exporters": _EXPORTERS,
                        "instrumentation": True,
                    },
                }
            }
        },
    ),
    Row(
        "a custom runtime",
        {
            "runtime": "custom",
            "signals": {
                "ttft": {
                    "metric": "my_ttft_ms",
                    "kind": "histogram",
                    "unit": "milliseconds",
                    "labels": {"phase": "first"},
                },
            },
        },
    ),
    Row(
        "probe Jobs on certain nodes",
        {
            "probeJob": {
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi", "cpu": 1}},
                "nodeSelector": {"pool": "cpu"},
                "tolerations": [{"key": "pool", "operator": "Exists", "effect": "NoSchedule"}],
                "imagePullSecrets": [{"name": "mirror"}],
            }
        },
    ),
    Row("evidence that outlives the service", {"evidenceRetention": "Keep", "disruption": {"maxUnavailable": "10%"}}),
    Row("a runbook", {"owner": {"runbook": "https://wiki.example/chat?page=1#on-call"}}),
    Row(
        "questions in a ConfigMap", {"source": {"inline": None, "configMapRef": {"name": "questions"}}}, kind="ProbeSet"
    ),
    Row(
        "questions as CSV",
        {"format": "csv", "source": {"inline": "question,__expected\nHi,contains:hello\n"}},
        kind="ProbeSet",
    ),
    Row("a default test", {"defaultTest": {"assert": [{"type": "not-contains", "value": "sorry"}]}}, kind="ProbeSet"),
    Row("a judge", judges("local"), kind="ProbeSet"),
    Row(
        "three judges, calibrated",
        {**judges("a", "b", "c"), "calibration": {"configMapRef": {"name": "labelled"}}},
        kind="ProbeSet",
    ),
    Row(
        "a judge in the settings",
        {"judges": [{"name": "out", "model": "gpt", "endpointRef": {"name": "openai"}}]},
        kind="ProbeSet",
    ),
    Row("a run", kind="ProbeRun"),
    Row("a first revision's run", {"baseline": None}, kind="ProbeRun"),
    Row("a run of a step", {"purpose": "EachStep", "step": 1}, kind="ProbeRun"),
    Row("a self-test", {"purpose": "SelfTest", "baseline": "r5f9c1a03be"}, kind="ProbeRun"),
    Row("an approval", kind="Decision"),
    Row("an approval that expires", {"expires": "2026-11-22T10:00:00Z"}, kind="Decision"),
    Row("a retry", {"action": "Retry", "evidence": None, "reason": None}, kind="Decision"),
    Row("a freeze", {"action": "Freeze", "revision": None, "llmServiceRef": {"uid": None}}, kind="Decision"),
    Row("an override", {"action": "Override", "evidence": None}, kind="Decision"),
]
