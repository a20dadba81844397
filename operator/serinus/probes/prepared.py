"""A probe made ready: its request rendered, its assertions compiled. What cannot work is found here, early."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from serinus.core.jstext import WHITESPACE, js_json
from serinus.core.probe import Assertion, Probe, flat
from serinus.core.tree import UnreadableDocument
from serinus.probes.assertions import compile_assertion
from serinus.probes.assertions.scripts import compile_transform
from serinus.probes.outcome import Answer, Ask, Check, Misconfigured, NoScore, Outcome, Said
from serinus.probes.script import ScriptFailed, Tools
from serinus.probes.templates import TemplateFailed, Templates

Found = Outcome | Ask | NoScore
"""What a check found out: an outcome, what still has to be asked, or why there is no score."""
_MAX_MESSAGES: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One probe, ready to be asked and scored. `assertions` are its own, rendered, those of a set in its place."""

    probe: Probe
    prompt: str  # as text, for completions and for scripts
    messages: tuple[Mapping[str, Any], ...]
    assertions: tuple[Assertion, ...]
    checks: tuple[Check, ...]
    transform: Callable[[Answer], Answer]
    context: Mapping[str, Any]

    def score(self, said: Said) -> Iterator[Found]:
        """What each of `assertions` finds in an answer, in order."""
        answer = Answer(
            text=said.text,
            latency_ms=said.latency_ms,
            finish_reason=said.finish_reason,
            logprobs=said.logprobs,
            cost=said.cost,
            context=self.context,
        )
        try:
            answer = self.transform(answer)
        except ScriptFailed as e:
            for _ in self.checks:
                yield Outcome(passed=False, score=0.0, reason=f"transform: {e}")
            return
        for check in self.checks:
            try:
                yield check(answer)
            except NoScore as e:
                yield e


def prepare(probe: Probe, templates: Templates, tools: Tools) -> Prepared:
    """Render and compile; raises Misconfigured that names the probe, what is wrong, and where it was written."""
    try:
        variables = templates.resolve(probe.variables)
        rendered = templates.prompt(probe.prompt, variables)
    except TemplateFailed as e:
        raise Misconfigured(f"probe {probe.id!r}: prompt: {e}", probe.origin) from e
    try:
        transform = compile_transform(probe.transform, probe.transform_module, tools)
    except ScriptFailed as e:
        raise Misconfigured(f"probe {probe.id!r}: transform: {e}", probe.origin) from e
    assertions: list[Assertion] = []
    checks: list[Check] = []
    for assertion in flat(probe.assertions):
        try:
            assertions.append(_rendered(assertion, templates, variables))
            checks.append(compile_assertion(assertions[-1], tools))
        except (TemplateFailed, Misconfigured) as e:
            raise Misconfigured(f"probe {probe.id!r}: {e}", assertion.origin) from e
    prompt = rendered if isinstance(rendered, str) else js_json(rendered)
    return Prepared(
        probe=probe,
        prompt=prompt,
        messages=_messages(rendered),
        assertions=tuple(assertions),
        checks=tuple(checks),
        transform=transform,
        context=_context(probe, assertions, variables, prompt),
    )


def _rendered(assertion: Assertion, templates: Templates, variables: Mapping[str, Any]) -> Assertion:
    """The assertion with its value rendered: a text, or the texts of a list; schemas and other mappings stay."""
    if assertion.metric:
        assertion = replace(assertion, metric=_metric(assertion.metric, templates, variables))
    if assertion.literal:
        return assertion
    value = assertion.value
    if isinstance(value, str):
        rendered = templates.render(value, variables)
        return assertion if rendered == value else replace(assertion, value=rendered)
    if isinstance(value, list):
        entries = [templates.render(v, variables) if isinstance(v, str) else v for v in value]
        return replace(assertion, value=entries)
    return assertion


def _metric(name: str, templates: Templates, variables: Mapping[str, Any]) -> str:
    """The rendered name of a metric, as it is where it cannot be rendered."""
    try:
        return templates.render(name, variables)
    except TemplateFailed:
        return name


def _messages(rendered: Any) -> tuple[Mapping[str, Any], ...]:
    """Chat messages, where the prompt is a list of them in JSON or YAML; else one message of the user."""
    found = _parsed(rendered) if isinstance(rendered, str) else rendered
    if isinstance(found, list) and found and all(isinstance(m, dict) and "role" in m for m in found):
        return tuple(found)
    return ({"role": "user", "content": rendered if isinstance(rendered, str) else js_json(rendered)},)


def _parsed(text: str) -> Any:
    start = text.strip(WHITESPACE)
    if len(text) > _MAX_MESSAGES or not start.startswith(("[", "- role:")):
        return None
    try:
        if start.startswith("["):
            return json.loads(text)
        from serinus.core.yaml12 import read_yaml  # noqa: PLC0415 - few probes need it, and it takes long to import

        return read_yaml(text).plain()
    except (ValueError, RecursionError, UnreadableDocument):
        return None


def _context(probe: Probe, assertions: list[Assertion], variables: Mapping[str, Any], prompt: str) -> Mapping[str, Any]:
    """What a script sees beside the answer; the same names as in promptfoo."""
    names = [{"type": ("not-" if a.negated else "") + a.type, "weight": a.weight} for a in assertions]
    test = {"description": probe.id, "vars": variables, "assert": names, "metadata": probe.metadata}
    return {"vars": variables, "prompt": prompt, "test": test, "metadata": {}}
