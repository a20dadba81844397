"""Every name fits where it is written, and two things never share one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import naming
from tests.unit.rollouts import at, served

LABEL = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
services = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
gates = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?", fullmatch=True)
revisions = st.from_regex(r"r[0-9a-f]{10}", fullmatch=True)
purposes = st.sampled_from(["BeforeTraffic", "EachStep", "Bake", "Continuous", "SelfTest", "Manual"])


@given(services, revisions, gates, purposes, st.none() | st.integers(0, 19), st.integers(0, 10**9))
def test_the_name_of_a_run_is_a_label_of_at_most_63_characters(
    service: str, revision: str, gate: str, purpose: str, step: int | None, attempt: int
) -> None:
    def named(number: int) -> str:
        return naming.probe_run(service, revision, gate=gate, purpose=purpose, step=step, attempt=number)

    assert LABEL.fullmatch(named(attempt))
    assert len(named(attempt)) <= 63
    assert named(attempt) != named(attempt + 1)


@given(services, revisions)
def test_names_of_objects_fit(service: str, revision: str) -> None:
    digest = "sha256:" + "3f" * 32
    names = [
        naming.stable_service(service),
        naming.canary_service(service),
        naming.metrics_service(service),
        naming.revision_object(service, revision),
        naming.probes_config_map(service, digest),
        naming.probe_network_policy(service),
        naming.signal_rules(service),
    ]

    assert all(LABEL.fullmatch(n) and len(n) <= 63 for n in names)
    assert len(set(names)) == len(names)


@given(st.text("ab-.", min_size=1, max_size=120), st.text("ab-.", min_size=1, max_size=120))
def test_a_cut_name_keeps_two_names_apart(one: str, two: str) -> None:
    assert len(naming.bounded(one)) <= 63
    assert (naming.bounded(one) == naming.bounded(two)) == (one == two)


@pytest.mark.parametrize(
    ("camel", "kebab"), [("BeforeTraffic", "before-traffic"), ("Bake", "bake"), ("SelfTest", "self-test")]
)
def test_purposes_are_written_with_dashes(camel: str, kebab: str) -> None:
    assert naming.kebab(camel) == kebab


def test_known_names() -> None:
    run = naming.probe_run("chat", "r5f9c1a03be", gate="support", purpose="EachStep", step=1, attempt=2)

    assert run == "chat-r5f9c1a03be-support-each-step-1-2"
    assert naming.probes_config_map("chat", "sha256:0123456789abcdef") == "chat-probes-0123456789"
    assert naming.revision_name("0123456789abcdef") == "r0123456789"


def test_no_two_objects_of_a_plan_share_a_name() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    names = [(m["kind"], m["metadata"]["name"]) for m in found.look().manifests]

    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for _, name in names)
