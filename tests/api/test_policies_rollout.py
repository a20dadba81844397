"""Whole rollouts where the API server refuses what is not proven: the operator's own writes pass, others' do not."""

from collections.abc import Iterator

import pytest

from serinus.core import naming
from serinus.core.policies import Rule
from tests.support import helm, probeplay
from tests.support.apibed import ApiBed, a_bed
from tests.support.bedclient import Manifest
from tests.support.objects import merged
from tests.support.operatorproc import Operator
from tests.support.policy_cases import EVERYTHING, installed_policy
from tests.support.team import Team, a_team

pytestmark = pytest.mark.api
USER = "serinus"
ASKED = [rule for rule in Rule if rule not in (Rule.NON_ROOT, Rule.LIMITS)]
"""Without those that the usual template of a team breaks."""


@pytest.fixture(scope="module")
def bed() -> Iterator[ApiBed]:
    """A bed of its own: others write what the policy refuses."""
    with a_bed() as running:
        yield running


@pytest.fixture(scope="module")
def controlled_bed(bed: ApiBed) -> ApiBed:
    """The same bed with a controller-manager."""
    bed.start_controllers()
    return bed


@pytest.fixture
def team(controlled_bed: ApiBed) -> Iterator[Team]:
    """A team whose operator has the chart's policy beside it, under a name that the policy knows."""
    bed = controlled_bed
    own, where = bed.new_namespace(), bed.new_namespace()
    for namespace in (own, where):
        bed.grant(USER, EVERYTHING, namespace=namespace)
    settings = {"NAMESPACE": own, "NAMESPACES": where, "ADMISSION_POLICY": "true", "USER": USER, "RESYNC": "20s"}
    for item in installed_policy(helm.template({}, namespace="ops")):
        bed.client.apply(item)
    operator = Operator(bed.kubeconfig(USER), bed.server.folder / f"operator-{own}.log", settings)
    try:
        with a_team(bed, operator, namespace=where) as one:
            operator.start()
            yield one
            ask_for_nothing(one)
    finally:
        operator.close()


def ask_for_nothing(team: Team) -> None:
    """Lift every rule, so that the namespace can be cleared by anybody."""
    team.apply(merged(team.spec or {}, {"monitoring": {"policies": {"require": []}}}))
    team.until(lambda _: parameters(team) is None, "no rule is asked for any more")


def parameters(team: Team) -> Manifest | None:
    return team.client.find("v1", "ConfigMap", naming.policy("chat"), team.namespace)


def tagged(team: Team) -> str:
    """A revision whose image has no digest."""
    assert team.spec is not None
    template = team.spec["workload"]["template"]
    container = template["spec"]["containers"][0] | {"image": "registry.example/vllm:v2"}
    spec = {"containers": [container]}
    return team.apply(merged(team.spec, {"workload": {"template": merged(template, {"spec": spec})}}))


def test_rollouts_go_on_under_rules_that_refuse_and_what_breaks_one_is_held(team: Team) -> None:
    rules = [str(rule) for rule in ASKED]
    one = team.begin(monitoring={"policies": {"action": "Deny", "require": rules}})
    found = parameters(team)
    assert found is not None
    assert found["data"] == {"service": "chat", "operator": USER, "proven": one, "require": ",".join(rules)}
    assert found["metadata"]["labels"][naming.LABEL_POLICY] == "Deny"

    two = team.deploy("two")
    team.until_stable(two)
    team.script.use(probeplay.bad)
    three = team.deploy("three")
    team.until_rejected(three, stable=two)

    team.script.use(probeplay.good)
    four = tagged(team)
    status = team.until_held("AdmissionRefused")
    assert "imageDigest of LLMService chat" in status["message"]
    assert not team.pods(four)
    ready = next(c for c in status["conditions"] if c["type"] == "PoliciesReady")
    assert (ready["status"], ready["reason"]) == ("True", "Generated")
    shown = {(o["kind"], o["name"]): o["state"] for o in status["outputs"]}
    assert shown[("ConfigMap", "chat-policy")] == "Applied"
    assert shown[("NamespacedValidatingPolicy", "chat-policy")] == "Skipped"
    team.check()
