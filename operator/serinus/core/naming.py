"""Every name that Serinus gives: objects, labels, annotations, signals. It only joins strings; it decides nothing."""

import hashlib
import re

GROUP = "serinus.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FIELD_MANAGER = "serinus"
APP = "serinus"

LABEL_SERVICE = f"{GROUP}/service"
LABEL_REVISION = f"{GROUP}/revision"
LABEL_TRAFFIC = f"{GROUP}/traffic"
LABEL_DRAIN = f"{GROUP}/drain"
LABEL_PROBE_FOR = f"{GROUP}/probe-for"
LABEL_RUN = f"{GROUP}/run"
LABEL_OUTCOME = f"{GROUP}/outcome"
LABEL_METRICS = f"{GROUP}/metrics"
LABEL_RUNTIME = f"{GROUP}/runtime"
LABEL_LOG_PROFILE = f"{GROUP}/log-profile"
LABEL_POLICY = f"{GROUP}/policy"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_COMPONENT = "app.kubernetes.io/component"

ANNOTATION_APPLIED = f"{GROUP}/applied"
ANNOTATION_DRAIN_SINCE = f"{GROUP}/drain-since"
ANNOTATION_SHA256 = f"{GROUP}/sha256"
ANNOTATION_OUTCOME = f"{GROUP}/outcome-detail"
ANNOTATION_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

TRAFFIC_LIVE = "live"
TRAFFIC_IDLE = "idle"

MAX_OBJECT_NAME = 63
_HASH_LENGTH = 8
PROBE_CONTAINER = "probe"
LOGS = "logs"
DASHBOARDS = "dashboards"
DASHBOARD_SUFFIX = "-dashboard"
PROMTAIL_SUFFIX = "-promtail"
POLICY_SUFFIX = "-policy"
MANAGED_SUFFIX = "-managed"
NETWORK_SUFFIX = "-serving"
LOKI_RULES_SUFFIX = "-loki-rules"
ALLOY_CONFIG = "serinus-alloy"
PROMTAIL_CONFIG = "serinus-promtail"
PROBES_KEY = "probes.json"
EMBEDDINGS = "embeddings"
"""What the embeddings endpoint of a ProbeSet is called where judges have names."""


def revision_name(sha256: str) -> str:
    """Name of a revision from the hex SHA-256 of its content: `r` and ten digits, so it never reads as a number."""
    return f"r{sha256[:10]}"


def bounded(name: str) -> str:
    """Cut a name of more than 63 characters and end it in a hash of the whole, so that two long names stay two."""
    if len(name) <= MAX_OBJECT_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: MAX_OBJECT_NAME - _HASH_LENGTH - 1].rstrip('-.')}-{digest}"


def stable_service(service: str) -> str:
    """Name of the Service of the stable revision."""
    return f"{service}-stable"


def canary_service(service: str) -> str:
    """Name of the Service of the canary revision."""
    return f"{service}-canary"


def metrics_service(service: str) -> str:
    """Name of the headless Service that is scraped."""
    return f"{service}-metrics"


def revision_object(service: str, revision: str) -> str:
    """Name of a revision's ReplicaSet and ControllerRevision."""
    return bounded(f"{service}-{revision}")


def probes_config_map(service: str, digest: str) -> str:
    """Name of the immutable ConfigMap that holds the resolved probes with this digest (`sha256:…`)."""
    return bounded(f"{service}-probes-{digest.removeprefix('sha256:')[:10]}")


def kebab(camel: str) -> str:
    """`BeforeTraffic` as `before-traffic`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", camel).lower()


def probe_run(service: str, revision: str, *, gate: str, purpose: str, step: int | None, attempt: int) -> str:
    """Name of a ProbeRun and of its Job. `step` is None where the purpose has no steps."""
    parts = [service, revision, gate, kebab(purpose), *([] if step is None else [str(step)]), str(attempt)]
    return bounded("-".join(parts))


def probe_network_policy(service: str) -> str:
    """Name of the NetworkPolicy of the probe Jobs of a service."""
    return f"{service}-probes"


def judge_volume(judge: str) -> str:
    """Name of the volume with the key of a judge in the pod of a probe Job."""
    return bounded(f"judge-{judge}")


def outcome_detail(reason: str, run: str, at: int) -> str:
    """Text of the annotation that says why a revision was rejected; `at` in seconds since the epoch."""
    return f"reason={reason};run={run};at={at}"


def signal_rules(runtime: str) -> str:
    """Name of the cluster-wide PrometheusRule that records the signals of a runtime."""
    return bounded(f"serinus-signals-{runtime}")


def attached_rules(runtime: str) -> str:
    """Name of the cluster-wide PrometheusRule that records what a second observer sees of services."""
    return bounded(f"serinus-observer-{runtime}")


def service_rules() -> str:
    """Name of the cluster-wide PrometheusRule over the operator's own series and its price book."""
    return "serinus-services"


def shared_alerts() -> str:
    """Name of the cluster-wide PrometheusRule with the alerts that all services share."""
    return "serinus-alerts"


def own_signals(service: str) -> str:
    """Name of the PrometheusRule that records the signals of one service."""
    return bounded(f"{service}-signals")


def promtail_fragment(service: str) -> str:
    """Name of the ConfigMap with the scrape configuration of a service for Promtail."""
    return f"{service}{PROMTAIL_SUFFIX}"


def dashboard(service: str) -> str:
    """Name of the ConfigMap or GrafanaDashboard of a service that has a dashboard of its own."""
    return f"{service}{DASHBOARD_SUFFIX}"


def policy(service: str) -> str:
    """Name of the policy on the content of a service's objects, and of the ConfigMap with its parameters."""
    return f"{service}{POLICY_SUFFIX}"


def managed_policy(service: str) -> str:
    """Name of the policy on who writes a service's objects."""
    return f"{service}{MANAGED_SUFFIX}"


def serving_policy(service: str) -> str:
    """Name of the network and tracing policies of the pods that serve."""
    return f"{service}{NETWORK_SUFFIX}"


def traces(service: str) -> str:
    """Name of the OpenTelemetryCollector and of the Instrumentation of a service."""
    return f"{service}-traces"


def loki_rules(service: str) -> str:
    """Name of the ConfigMap with the rules of a service for Loki's ruler."""
    return f"{service}{LOKI_RULES_SUFFIX}"


def pod_label_meta(label: str) -> str:
    """Name under which service discovery shows a label of a pod."""
    return "__meta_kubernetes_pod_label_" + re.sub(r"[^A-Za-z0-9_]", "_", label)


POD_META = {
    "revision": pod_label_meta(LABEL_REVISION),
    "pod": "__meta_kubernetes_pod_name",
    "container": "__meta_kubernetes_pod_container_name",
}
"""Labels of a log line that its pod gives, and where service discovery shows them."""


def shared_labels(component: str) -> dict[str, str]:
    """Labels of an object that belongs to the installation and to no service."""
    return {"app.kubernetes.io/name": APP, LABEL_COMPONENT: component, LABEL_MANAGED_BY: APP}


def app_labels(service: str) -> dict[str, str]:
    """The `app.kubernetes.io/*` labels and the owner label of everything that is made for a service."""
    return {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/component": "llm-service",
        LABEL_MANAGED_BY: APP,
        LABEL_SERVICE: service,
    }
