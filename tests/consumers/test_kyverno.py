"""Owns the proof that Kyverno's own command passes and fails what the table of writes says, rule by rule.

It knows no state before a write: what depends on one is judged by the API server, from the same texts (tests/api).
"""

import copy
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.core.policies import Policies, PolicyAction, Rule
from serinus.resources import kyverno_policy
from tests.cluster.binaries import ensure
from tests.golden.crd import CrdFolder
from tests.support.policy_cases import CASES, OPERATOR, OWNER, REQUIRED, Case, context

Manifest = dict[str, Any]
NAMESPACE = "team-a"
CONTENT, CALLER = "-policy", "-managed"
GROUPS = {OPERATOR: ["system:serviceaccounts"]}


def policies(case: Case, rules: tuple[Rule, ...]) -> list[Manifest]:
    """The policies of the case's service, if it asked for these rules; of them those that look at its object."""
    found = context(case.service, NAMESPACE, PolicyAction.DENY)
    monitoring = replace(found.service.monitoring, policies=Policies(action=PolicyAction.DENY, require=rules))
    built = kyverno_policy.build(replace(found, service=replace(found.service, monitoring=monitoring)))
    looked_at = case.object["kind"] in ("Pod", "Service") and not case.delete
    return [p for p in built if looked_at or p["metadata"]["name"].endswith(CALLER)]


def write_test(folder: Path, case: Case, rules: tuple[Rule, ...], result: str) -> int:
    """Write one test of Kyverno's command; return how many results it expects."""
    found = policies(case, rules)
    if not found:
        return 0
    folder.mkdir(parents=True)
    resource = copy.deepcopy(case.object)
    resource["metadata"] |= {"namespace": NAMESPACE, "ownerReferences": [OWNER]}
    user = {"username": case.user, "groups": GROUPS.get(case.user, ["system:authenticated"])}
    files = {
        "policies.yaml": found,
        "resource.yaml": [resource],
        "user.yaml": [
            {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "UserInfo", "metadata": {"name": "who"}, "userInfo": user}
        ],
        "kyverno-test.yaml": [_test(folder.name, case, found, result)],
    }
    for name, documents in files.items():
        (folder / name).write_text(yaml.safe_dump_all(json.loads(json.dumps(documents))))
    return len(found)


def _test(name: str, case: Case, found: list[Manifest], result: str) -> Manifest:
    expected = {
        "kind": case.object["kind"],
        "resources": [f"{NAMESPACE}/{case.object['metadata']['name']}"],
        "isValidatingPolicy": True,
        "result": result,
        "operation": "DELETE" if case.delete else "CREATE",
    }
    return {
        "apiVersion": "cli.kyverno.io/v1alpha1",
        "kind": "Test",
        "metadata": {"name": name},
        "policies": ["policies.yaml"],
        "resources": ["resource.yaml"],
        "userinfo": "user.yaml",
        "results": [{**expected, "policy": f"{NAMESPACE}/{p['metadata']['name']}"} for p in found],
    }


def kyverno(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(ensure("kyverno")), "test", str(folder), "--require-tests", "--remove-color", "--detailed-results"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.timeout(1200)  # the first run builds Kyverno's command
def test_each_rule_passes_and_fails_what_it_should_in_kyvernos_own_command(tmp_path: Path) -> None:
    expected = 0
    for case in CASES:
        asked = REQUIRED[case.service]
        if case.refused is None:
            expected += write_test(tmp_path / case.name, case, asked, "pass")
            continue
        expected += write_test(tmp_path / case.name, case, (case.refused,), "fail")
        others = tuple(rule for rule in asked if rule is not case.refused)
        expected += write_test(tmp_path / f"{case.name}-without-the-rule", case, others, "pass")
    done = kyverno(tmp_path)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert f"Test Summary: {expected} tests passed and 0 tests failed" in done.stdout


def test_a_wrong_expectation_would_be_seen(tmp_path: Path) -> None:
    bad = next(c for c in CASES if c.refused is Rule.IMAGE_DIGEST)
    write_test(tmp_path / "wrong", bad, (Rule.IMAGE_DIGEST,), "pass")
    done = kyverno(tmp_path)

    assert done.returncode == 1
    assert "Want pass, got fail" in done.stdout


def test_the_policies_fit_kyvernos_own_schema_and_a_typo_would_not() -> None:
    crds = CrdFolder(ensure("kyverno-crds"))
    for service in REQUIRED:
        for policy in kyverno_policy.build(context(service, NAMESPACE, PolicyAction.AUDIT)):
            assert crds.problems(policy) == []
            policy["spec"]["validationAction"] = policy["spec"].pop("validationActions")
            assert any("'validationAction'" in problem for problem in crds.problems(policy))
