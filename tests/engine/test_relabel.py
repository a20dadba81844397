"""What becomes of a pod's label that the API server refuses: it is told, not lost, and the others are written."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from serinus.core.arrange import PodPatch
from serinus.shell.api_errors import Answer, Conflict, Refused
from serinus.shell.kinds import Object, Ref
from serinus.shell.outcomes import Result
from serinus.shell.reconcile import Reconciler, Tools

FORBIDDEN = Answer(422, "Invalid", "denied request: provenRevision of LLMService chat")


class _Pods:
    """An API server that refuses a pod by its name, and a watch that learns of the others."""

    def __init__(self, **errors: Exception) -> None:
        self._errors = errors
        self.learned: list[str] = []
        self.patches: list[Object] = []

    async def patch_merge(self, ref: Ref, patch: Object, *, resource_version: str) -> Object:
        self.patches.append(patch)
        if ref.name in self._errors:
            raise self._errors[ref.name]
        return {"metadata": {"name": ref.name, "resourceVersion": resource_version}}

    def learn(self, _kind: object, body: Object) -> None:
        self.learned.append(body["metadata"]["name"])


def patch(name: str) -> PodPatch:
    return PodPatch(pod=name, uid="1", resource_version="7", live=True)


async def test_a_refused_label_is_an_outcome_and_the_other_pods_get_theirs() -> None:
    pods = _Pods(one=Refused("patch Pod one", FORBIDDEN), two=Conflict("patch Pod two", Answer(409, "Conflict")))
    tools: Any = SimpleNamespace(api=pods, watches=pods, customs=None, clock=lambda: 0.0)
    reconciler = Reconciler(cast("Tools", tools))

    [refused] = await reconciler._relabel("team-a", (patch("one"), patch("two"), patch("three")))

    assert (refused.result, refused.ref.name, refused.message) == (Result.REFUSED, "one", FORBIDDEN.message)
    assert pods.learned == ["three"]


async def test_a_drained_pod_goes_before_one_whose_template_says_that_it_is_the_cheapest() -> None:
    pods = _Pods()
    tools: Any = SimpleNamespace(api=pods, watches=pods, customs=None, clock=lambda: 0.0)
    drained = PodPatch(pod="one", uid="1", resource_version="7", drain=True)

    await Reconciler(cast("Tools", tools))._relabel("team-a", (drained, replace(drained, drain=False)))

    costs = [p["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"] for p in pods.patches]
    assert costs == ["-2147483648", None]
