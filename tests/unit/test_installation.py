"""What an installation allows of the users' Service, and where its DNS is."""

import dataclasses
from typing import Any

import pytest

from serinus.cli.context import surroundings
from serinus.cli.unusable import Unusable
from serinus.core.installation import DNS_TARGETS, Allowed, Peer
from serinus.core.model import InvalidSpec
from serinus.resources.peers import peer_rules
from tests.unit.fake_world import FAST, FakeWorld, world
from tests.unit.rollouts import condition, served

CLOUD = "service.beta.kubernetes.io/"


def allowing(found: FakeWorld, **allowed: Any) -> FakeWorld:
    settings = dataclasses.replace(found.around.settings, allowed=Allowed(**allowed))
    found.around = dataclasses.replace(found.around, settings=settings)
    return found


def users_service(found: FakeWorld) -> dict[str, Any]:
    return found.objects["Service", "chat"]


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_a_service_that_is_open_to_the_outside_needs_an_allowance(kind: str) -> None:
    found = world(**FAST, service={"type": kind})
    refusal = rf"^spec.service.type: found '{kind}', allowed are ClusterIP \(.*allowedServiceTypes\)$"
    with pytest.raises(InvalidSpec, match=refusal):
        found.look()

    allowing(found, service_types=("ClusterIP", kind)).rest()
    assert users_service(found)["spec"]["type"] == kind


def test_an_annotation_needs_an_allowance_of_its_beginning() -> None:
    annotations = {f"{CLOUD}aws-load-balancer-internal": "true"}
    found = world(**FAST, service={"annotations": annotations})
    with pytest.raises(InvalidSpec, match=r"spec.service.annotations: found 'service.beta.*that begin with: none"):
        found.look()

    allowing(found, service_annotations=("cloud.google.com/", CLOUD)).rest()
    assert users_service(found)["metadata"]["annotations"] == annotations
    more = annotations | {"external-dns.alpha.kubernetes.io/hostname": "bank.example.com"}
    found.body["spec"]["service"] = {"annotations": more}
    found.rest()
    assert condition(found, "SpecValid") == ("False", "InvalidSpec")
    assert f"that begin with: cloud.google.com/, {CLOUD} (" in found.status("message")
    assert "external-dns" not in str(users_service(found))


def test_a_service_that_is_not_allowed_any_more_goes_on_serving() -> None:
    found = allowing(served(), service_types=("NodePort",))
    users = found.users()
    found.rest()

    assert (found.status("phase"), found.users()) == ("Invalid", users)


def test_render_reads_what_is_allowed_from_the_operators_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERINUS_ALLOWED_SERVICE_TYPES", "ClusterIP,LoadBalancer")
    monkeypatch.setenv("SERINUS_ALLOWED_SERVICE_ANNOTATIONS", CLOUD)
    made = surroundings(probe_image="x", monitor_labels={}).settings.allowed
    assert made == Allowed(service_types=("ClusterIP", "LoadBalancer"), service_annotations=(CLOUD,))

    monkeypatch.setenv("SERINUS_ALLOWED_SERVICE_TYPES", "ExternalName")
    with pytest.raises(Unusable, match=r"SERINUS_ALLOWED_SERVICE_TYPES: found 'ExternalName'; allowed: one or more of"):
        surroundings(probe_image="x", monitor_labels={})


def policy(found: FakeWorld) -> list[dict[str, Any]]:
    egress: list[dict[str, Any]] = found.objects["NetworkPolicy", "chat-probes"]["spec"]["egress"]
    return egress


def test_probe_pods_reach_the_dns_of_common_distributions() -> None:
    reached = policy(served())
    peers = [peer for rule in reached for peer in rule["to"]]

    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in peers
    spaces = [p["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for p in peers if len(p) == 2]
    assert spaces == ["kube-system", "openshift-dns"]
    openshift = next(r for r in reached if "openshift-dns" in str(r))
    assert openshift["ports"] == [{"protocol": "UDP", "port": 5353}, {"protocol": "TCP", "port": 5353}]


def test_probe_pods_reach_dns_where_the_installation_says() -> None:
    found = served()
    targets = (Peer(namespace="dns", ports=(1053,)),)
    settings = dataclasses.replace(found.around.settings, dns=targets)
    found.around = dataclasses.replace(found.around, settings=settings)
    found.rest()

    assert policy(found)[-1:] == peer_rules(targets)
    assert policy(found)[-1]["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}}}]
    assert "kube-system" not in str(policy(found))


def test_a_target_without_ports_allows_any() -> None:
    assert "ports" not in peer_rules(DNS_TARGETS)[0]
