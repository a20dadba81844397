"""Gates, objectives and monitoring that the API server must refuse, each with a part of what it says."""

from tests.api.table import Row, metric, override, quality, slo

_ONE_LIMIT = "write exactly one of maxDuration, maxPercent, maxValue, maxIncreasePercent and maxIncreasePoints"

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
    Row("a when twice", quality(when=["BeforeTraffic", "BeforeTraffic"]), "name each stage once"),
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
    Row("a redaction twice", {"monitoring": {"logs": {"redact": ["card", "card"]}}}, "name each kind once"),
    Row("a policy twice", {"monitoring": {"policies": {"require": ["limits", "limits"]}}}, "name each rule once"),
    Row("an unknown policy", {"monitoring": {"policies": {"require": ["all"]}}}, "require[0]: Unsupported value"),
    Row(
        "a receiver without a Secret",
        {"monitoring": {"outputs": {"alertmanagerConfig": {"receiver": "Webhook"}}}},
        "secretKeyRef: Required value",
    ),
    Row(
        "a group of alerts that is told again at once",
        {
            "monitoring": {
                "outputs": {
                    "alertmanagerConfig": {
                        "receiver": "Webhook",
                        "secretKeyRef": {"name": "a", "key": "b"},
                        "groupInterval": "0s",
                    }
                }
            }
        },
        "write from 1s to 24h",
    ),
    Row(
        "an endpoint of traces twice",
        {"monitoring": {"outputs": {"traces": {"exporters": [{"endpointRef": {"name": "tempo"}}] * 2}}}},
        "each endpoint may be written once",
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
