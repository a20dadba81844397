"""Owns the proof that what is written for Cilium fits Cilium's own schema, where a typo of ours would be seen."""

import copy

from tests.cluster.binaries import ensure
from tests.golden import guards, render
from tests.golden.crd import CrdFolder

KIND = "CiliumNetworkPolicy"


def test_cilium_takes_the_policy_of_a_service_and_no_typo_in_it() -> None:
    cilium = CrdFolder(ensure("cilium-crds"))
    [policy] = [o for o in guards.build(render.context("vllm")) if o["kind"] == KIND]
    typo = copy.deepcopy(policy)
    typo["spec"]["ingress"][0]["toPort"] = typo["spec"]["ingress"][0].pop("toPorts")

    assert cilium.problems(policy) == []
    assert any("'toPort'" in problem for problem in cilium.problems(typo))
