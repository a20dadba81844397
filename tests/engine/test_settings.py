"""Settings: defaults that fit together, and errors that name the variable, what was found and what is allowed."""

from pathlib import Path

import pytest

from serinus.shell.settings import InvalidSetting, load_settings, variable_name


def test_defaults_are_the_design_s() -> None:
    settings = load_settings({})
    lease = settings.lease
    assert (lease.duration, lease.renew_deadline, lease.retry, lease.write_timeout) == (15, 10, 2, 4)
    assert (settings.workers, settings.resync, settings.api.concurrency) == (16, 600, 32)
    assert settings.cluster_wide
    assert not settings.allow_unverified_decisions
    assert settings.ignored == ()


def test_identities_of_two_processes_differ() -> None:
    assert load_settings({}).lease.identity != load_settings({}).lease.identity


def test_everything_can_be_set_by_variables() -> None:
    environment = {
        "SERINUS_NAMESPACES": "team-a, team-b,team-a",
        "SERINUS_NAMESPACE": "ops",
        "SERINUS_LEASE_NAME": "mine",
        "SERINUS_IDENTITY": "pod-0",
        "SERINUS_LEASE_DURATION": "3",
        "SERINUS_LEASE_RENEW_DEADLINE": "2s",
        "SERINUS_LEASE_RETRY_PERIOD": "500ms",
        "SERINUS_WRITE_TIMEOUT": "0.8",
        "SERINUS_WORKERS": "4",
        "SERINUS_RESYNC": "2h",
        "SERINUS_API_RATE": "50",
        "SERINUS_PROBE_IMAGE": "registry.example/serinus@sha256:0",
        "SERINUS_MONITOR_LABELS": '{"release": "kps"}',
        "SERINUS_ALERT_RULES_DIR": "/rules",
        "SERINUS_ALLOWED_SERVICE_TYPES": "ClusterIP, LoadBalancer",
        "SERINUS_ALLOWED_SERVICE_ANNOTATIONS": "service.beta.kubernetes.io/, cloud.google.com/",
        "SERINUS_DNS_TARGETS": '[{"namespace": "dns", "podLabels": {"a": "b"}}, {"cidr": "10.0.0.9/32", "ports": [5]}]',
        "SERINUS_NETWORK_MONITORING": '[{"namespace": "monitoring"}]',
        "SERINUS_NETWORK_HOSTS": "huggingface.co, *.HF.co",
        "SERINUS_ADMISSION_POLICY": "true",
        "SERINUS_USER": "system:serviceaccount:ops:mine",
        "SERINUS_ALLOW_UNVERIFIED_DECISIONS": "true",
        "SERINUS_AUTHORS_VERIFIED": "True",
        "SERINUS_ENDPOINTS": '{"judge": "https://judge.example.com/v1/"}',
        "SERINUS_EVIDENCE_MAX_AGE": "30d",
        "SERINUS_LOG_LEVEL": "DEBUG",
        "SERINUS_GATE_PORT": "0",
    }
    settings = load_settings(environment)
    assert settings.namespaces == ("team-a", "team-b")
    assert not settings.cluster_wide
    assert (settings.namespace, settings.lease.name, settings.lease.identity) == ("ops", "mine", "pod-0")
    lease = settings.lease
    assert (lease.duration, lease.renew_deadline, lease.retry, lease.write_timeout) == (3, 2, 0.5, 0.8)
    assert (settings.resync, settings.evidence_max_age) == (7200, 30 * 86400)
    assert (settings.api.qps, settings.api.burst) == (50, 100)
    assert settings.monitor_labels == {"release": "kps"}
    assert [p.namespace for p in settings.network.monitoring] == ["monitoring"]
    assert settings.network.hosts == ("huggingface.co", "*.hf.co")
    assert (settings.admission_policy, settings.user) == (True, "system:serviceaccount:ops:mine")
    assert settings.allowed.service_types == ("ClusterIP", "LoadBalancer")
    assert settings.allowed.service_annotations == ("service.beta.kubernetes.io/", "cloud.google.com/")
    pods, block = settings.dns_targets
    assert (pods.namespace, pods.pod_labels, pods.cidr, pods.ports) == ("dns", {"a": "b"}, "", ())
    assert (block.namespace, block.pod_labels, block.cidr, block.ports) == ("", {}, "10.0.0.9/32", (5,))
    assert settings.endpoints == {"judge": "https://judge.example.com/v1"}
    assert settings.alert_rules_dir == Path("/rules")
    assert settings.allow_unverified_decisions
    assert settings.authors_verified
    assert (settings.log_level, settings.ports.gate) == ("debug", 0)


def test_flag_wins_over_the_variable() -> None:
    assert load_settings({"SERINUS_WORKERS": "4"}, {"workers": "8"}).workers == 8


def test_unknown_flag_is_refused_and_unknown_variable_is_told() -> None:
    with pytest.raises(InvalidSetting, match=r"workerz: found '8'; allowed: one of the flags .*workers"):
        load_settings({}, {"workerz": "8"})
    assert load_settings({"SERINUS_WORKERZ": "8", "HOME": "/"}).ignored == ("SERINUS_WORKERZ",)


@pytest.mark.parametrize(
    ("name", "found", "allowed"),
    [
        ("workers", "0", "a whole number from 1 to 256"),
        ("workers", "many", "a whole number"),
        ("apiRate", "-1", "a number from"),
        ("resync", "10 minutes", "a duration like 30s"),
        ("evidenceMaxAge", "5m", "from 3600s"),
        ("namespaces", "Team_A", "names with commas"),
        ("leaseName", "Über", "a name of at most 63"),
        ("probeImage", " ", "a text that is not empty"),
        ("monitorLabels", "release=kps", "a JSON object of texts"),
        ("monitorLabels", '{"release": 1}', "a JSON object of texts"),
        ("monitorLabels", '["release"]', "a JSON object of texts"),
        ("allowedServiceTypes", "ExternalName", "one or more of ClusterIP, NodePort, LoadBalancer"),
        ("allowedServiceTypes", "", "one or more of ClusterIP"),
        ("allowedServiceAnnotations", "a b", "beginnings of annotation keys"),
        ("dnsTargets", "{}{}", "a JSON list"),
        ("dnsTargets", "7", "a JSON list"),
        ("dnsTargets", '["dns"]', "a JSON list"),
        ("dnsTargets", '[{"ports": [53]}]', "each with a namespace or a cidr"),
        ("dnsTargets", '[{"namespace": "dns", "cidr": "10.0.0.10/32"}]', "each with a namespace or a cidr"),
        ("dnsTargets", '[{"cidr": "10.0.0.10/32", "podLabels": {"a": "b"}}]', "each with a namespace or a cidr"),
        ("dnsTargets", '[{"cidr": "10.0.0.10/8"}]', "a JSON list"),
        ("dnsTargets", '[{"namespace": "DNS"}]', "a JSON list"),
        ("dnsTargets", '[{"namespace": "dns", "ports": [0]}]', "a JSON list"),
        ("dnsTargets", '[{"namespace": "dns", "ports": ["dns"]}]', "a JSON list"),
        ("dnsTargets", '[{"namespaces": "dns"}]', "a JSON list"),
        ("networkClients", '["gateway"]', "each with a namespace or a cidr"),
        ("networkHosts", "https://huggingface.co", "names of hosts"),
        ("networkHosts", "huggingface", "names of hosts"),
        ("networkInside", "", "address blocks such as"),
        ("networkInside", "10.0.0.1/8", "address blocks such as"),
        ("modelPaths", "models", "an absolute path"),
        ("user", "jane'", "a user name"),
        ("endpoints", '{"judge": "file:///etc/passwd"}', "http://host"),
        ("endpoints", '{"judge": ""}', "a JSON object from names to addresses"),
        ("prometheusUrl", "http://user:secret@host", "without user"),
        ("allowUnverifiedDecisions", "yes", "true, false"),
        ("logLevel", "loud", "debug, info, warning, error"),
        ("metricsPort", "65536", "a whole number from 0 to 65535"),
        ("leaseDuration", "15500ms", "whole seconds"),
        ("leaseRenewDeadline", "11s", "renew deadline \\+ write timeout below the lease's duration of 15s"),
        ("leaseRetryPeriod", "6s", "at most half of the renew deadline of 10s"),
    ],
)
def test_error_names_the_variable_what_was_found_and_what_is_allowed(name: str, found: str, allowed: str) -> None:
    with pytest.raises(InvalidSetting, match=allowed) as raised:
        load_settings({variable_name(name): found})
    assert variable_name(name) in str(raised.value)
    assert found.rstrip("ms") in str(raised.value) or "15.5s" in str(raised.value)


def test_write_timeout_that_leaves_room_for_two_leaders_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="SERINUS_LEASE_RENEW_DEADLINE"):
        load_settings({"SERINUS_WRITE_TIMEOUT": "5s"})
