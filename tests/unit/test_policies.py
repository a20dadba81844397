"""Admission rules as the spec asks for them, as policies and parameters carry them, and as status tells of them."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core.arrange import Arrangement, SetWanted
from serinus.core.child import Head
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.policies import Policies, PolicyAction, Rule
from serinus.core.policy_rules import CALLER_VALIDATIONS, VALIDATIONS, guarded, literal, literals, told
from serinus.core.policyspec import parse_policies
from serinus.core.policystatus import policies_ready
from serinus.core.rollout import State
from serinus.core.seen import Outcome, RevisionSeen
from serinus.core.status import Output
from serinus.resources import BUILDERS, admission_policy, kyverno_policy, output_of
from serinus.resources.context import Context
from serinus.shell.shown import needless
from tests.support.policy_cases import CHAT, context

AUDIT, DENY = PolicyAction.AUDIT, PolicyAction.DENY


def parsed(**policies: object) -> Policies:
    return parse_policies(Fields({"policies": policies} if policies else {}, "spec.monitoring"))


def asking(found: Context, *rules: Rule) -> Context:
    policies = Policies(action=AUDIT, require=rules)
    monitoring = dataclasses.replace(found.service.monitoring, policies=policies)
    return dataclasses.replace(found, service=dataclasses.replace(found.service, monitoring=monitoring))


def test_every_rule_is_asked_for_and_reported_by_default() -> None:
    assert parsed() == Policies(action=AUDIT, require=tuple(Rule))
    assert parsed(action="Deny", require=["limits", "imageDigest"]).require == (Rule.IMAGE_DIGEST, Rule.LIMITS)
    assert parsed(require=[]).require == ()


@pytest.mark.parametrize(
    ("policies", "path", "said"),
    [
        ({"action": "Warn"}, "spec.monitoring.policies.action", "allowed are Audit, Deny"),
        ({"require": ["root"]}, "spec.monitoring.policies.require[0]", "allowed are imageDigest"),
        ({"require": ["limits", "limits"]}, "spec.monitoring.policies.require", "allowed is each rule once"),
        ({"require": "limits"}, "spec.monitoring.policies.require", "allowed is a list"),
    ],
)
def test_what_is_no_rule_is_named_with_its_path(policies: dict[str, object], path: str, said: str) -> None:
    with pytest.raises(InvalidSpec, match=said) as error:
        parsed(**policies)
    assert error.value.path == path


def test_each_rule_has_exactly_one_text_that_holds_where_it_is_not_asked_for() -> None:
    found = [*VALIDATIONS, *CALLER_VALIDATIONS]
    assert sorted(v.rule for v in found) == sorted(Rule)
    for validation in found:
        assert guarded(validation).startswith(f"!('{validation.rule}' in variables.require) || (")
        assert f"spec.monitoring.policies {validation.rule} of LLMService" in told(validation)


@given(st.text(max_size=20))
def test_a_text_in_a_policy_never_ends_its_quotes(text: str) -> None:
    try:
        written = literal(text)
    except ValueError:
        return
    assert written == f"'{text}'"
    assert not set(text) & set("'\"\\\n ")


def test_a_list_is_written_as_cel() -> None:
    assert literals(("a", "r1")) == "['a', 'r1']"
    with pytest.raises(ValueError, match='found "a\'b"'):
        literals(("a'b",))


def test_both_forms_carry_the_same_texts() -> None:
    found = context(CHAT, "team-a", AUDIT)
    static, *bindings = admission_policy.build_policy("guard")
    content, callers = kyverno_policy.build(found)
    shared = [*content["spec"]["validations"], *callers["spec"]["validations"]]

    assert static["spec"]["validations"] == shared
    variables = [v for v in static["spec"]["variables"] if "params." not in v["expression"]]
    assert callers["spec"]["variables"][4:] == variables
    assert [b["spec"]["validationActions"] for b in bindings] == [["Warn", "Audit"], ["Deny"]]
    assert content["spec"]["evaluation"]["background"]["enabled"]
    assert not callers["spec"]["evaluation"]["background"]["enabled"]
    assert "request." not in str([content["spec"]["variables"], content["spec"]["validations"]])
    assert not any(m["apiVersion"].startswith("kyverno.io/") for m in (content, callers))


def test_parameters_are_data_and_choose_the_binding_by_a_label() -> None:
    [parameters] = admission_policy.build(context(CHAT, "team-a", DENY))
    [deny] = [b for b in admission_policy.build_policy("guard")[1:] if b["spec"]["validationActions"] == ["Deny"]]

    selector = deny["spec"]["paramRef"]["selector"]["matchLabels"]
    assert selector.items() <= parameters["metadata"]["labels"].items()
    assert parameters["data"] == {
        "service": "chat",
        "operator": "system:serviceaccount:ops:canary-serinus",
        "proven": "r1111111111",
        "require": ",".join(Rule),
    }


def test_kyverno_gets_the_policies_that_are_asked_for() -> None:
    found = context(CHAT, "team-a", DENY)

    assert [p["metadata"]["name"] for p in kyverno_policy.build(asking(found, Rule.LIMITS))] == ["chat-policy"]
    assert [p["metadata"]["name"] for p in kyverno_policy.build(asking(found, Rule.MANAGED_OBJECTS))] == [
        "chat-managed"
    ]
    assert kyverno_policy.build(asking(found)) == admission_policy.build(asking(found)) == []
    [content, _] = kyverno_policy.build(found)
    assert content["spec"]["validationActions"] == ["Deny"]


def test_without_the_operators_own_user_nobody_is_judged_by_who_writes() -> None:
    found = context(CHAT, "team-a", AUDIT, user="")

    assert [p["metadata"]["name"] for p in kyverno_policy.build(found)] == ["chat-policy"]
    assert admission_policy.unjudged(found).startswith("managedObjects is not judged")
    assert admission_policy.unjudged(asking(found, Rule.LIMITS)) == ""


def revision(name: str, outcome: Outcome | None) -> RevisionSeen:
    return RevisionSeen(name=name, sha256="", number=1, outcome=outcome, data={})


def test_proven_is_what_serves_what_the_rollout_lets_in_and_what_was_recorded_as_such() -> None:
    sets = {"r2": SetWanted(replicas=1, live=True), "r3": SetWanted(replicas=1, live=False)}
    recorded = [*Outcome, None]
    found = Context(
        service=context(CHAT, "team-a", AUDIT).service,
        settings=context(CHAT, "team-a", AUDIT).settings,
        state=State(stable="r1"),
        arrangement=Arrangement(sets=sets, patches=(), settled=True, wake=None),
        revisions=tuple(revision(f"r{n}", outcome) for n, outcome in enumerate(recorded, 4)),
    )

    assert admission_policy.proven(found) == ("r1", "r2", "r4", "r5")
    assert admission_policy.proven(dataclasses.replace(found, revisions=(), state=State())) == ("r2",)


def test_policies_are_written_before_what_they_judge() -> None:
    kinds = [b.kind for b in BUILDERS]
    judges = [kinds.index("NamespacedValidatingPolicy"), kinds.index("ConfigMap")]
    assert max(judges) < min(kinds.index("ReplicaSet"), kinds.index("Service"))
    builder = output_of("ConfigMap", "chat-policy")
    assert builder is not None
    assert builder.build is admission_policy.build


@pytest.mark.parametrize("installed", [True, False])
def test_the_api_servers_own_policy_is_for_clusters_without_kyverno(installed: bool) -> None:
    [parameters] = admission_policy.build(context(CHAT, "team-a", AUDIT))
    assert needless(Head.of(parameters), lambda api: installed and api == "policies.kyverno.io/v1") is installed
    assert not needless(Head("v1", "Service", "team-a", "chat"), lambda _: True)


def output(kind: str, state: str, **words: str) -> Output:
    return Output(kind=kind, name="chat-policy", state=state, **words)


SKIPPED = output("NamespacedValidatingPolicy", "Skipped", reason="ApiNotInstalled")
PARAMETERS = output("ConfigMap", "Applied")
FAILED = output("NamespacedValidatingPolicy", "Failed", reason="Refused", message="no room")


@pytest.mark.parametrize(
    ("outputs", "unjudged", "status", "reason"),
    [
        ((), "", "Unknown", "NotYet"),
        ((SKIPPED,), "", "False", "ApiNotInstalled"),
        ((SKIPPED, PARAMETERS), "", "True", "Generated"),
        ((PARAMETERS,), "managedObjects is not judged", "False", "NotAsSpecified"),
        ((FAILED,), "", "False", "NotAsSpecified"),
        ((output("ConfigMap", "Applied"), FAILED), "", "False", "NotAsSpecified"),
    ],
)
def test_the_condition_says_whether_anything_judges(
    outputs: tuple[Output, ...], unjudged: str, status: str, reason: str
) -> None:
    found = policies_ready(Policies(), outputs, unjudged)
    assert (found.type, found.status, found.reason) == ("PoliciesReady", status, reason)


def test_who_asks_for_nothing_is_told_so_and_others_outputs_do_not_count() -> None:
    assert policies_ready(Policies(require=()), (), "").reason == "NothingRequired"
    other = Output(kind="ConfigMap", name="chat-promtail", state="Applied")
    assert policies_ready(Policies(), (SKIPPED, other), "").reason == "ApiNotInstalled"


def test_names_of_policies_of_two_services_never_meet() -> None:
    services = ["chat", "chat-policy", "chat-managed", "chat-policy-managed"]
    names = [
        [p["metadata"]["name"] for p in kyverno_policy.build(with_name(context(CHAT, "team-a", AUDIT), name))]
        for name in services
    ]
    flat = list(itertools.chain.from_iterable(names))
    assert len(flat) == len(set(flat)) == 2 * len(services)


def with_name(found: Context, name: str) -> Context:
    return dataclasses.replace(found, service=dataclasses.replace(found.service, name=name))
