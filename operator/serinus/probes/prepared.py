"""A probe made ready: its request rendered, its assertions compiled. What cannot work is found here, early."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from serinus.core.jstext import js_json
from serinus.core.probe import Assertion, Probe
from serinus.probes.assertions import compile_assertion
from serinus.probes.outcome import Answer, Judge, Misconfigured, Outcome, combine
from serinus.probes.script import Engine
from serinus.probes.templates import TemplateFailed, Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One probe, ready to be asked and scored."""

    probe: Probe
    prompt: str  # as text, for completions and for scripts
    messages: tuple[Mapping[str, Any], ...]
    judges: tuple[Judge, ...]
    context: Mapping[str, Any]

    def score(self, text: str, latency_ms: float) -> tuple[Outcome, tuple[Outcome, ...]]:
        """The test's outcome and those of its assertions."""
        answer = Answer(text=text, latency_ms=latency_ms, context=self.context)
        outcomes = tuple(judge(answer) for judge in self.judges)
        weights = [a.weight for a in self.probe.assertions]
        return combine(outcomes, weights, self.probe.threshold), outcomes


def prepare(probe: Probe, templates: Templates, engine: Engine) -> Prepared:
    """Render and compile; raises Misconfigured that names the probe, what is wrong, and where it was written."""
    try:
        variables = templates.resolve(probe.variables)
        rendered = templates.prompt(probe.prompt, variables)
    except TemplateFailed as e:
        raise Misconfigured(f"probe {probe.id!r}: prompt: {e}", probe.origin) from e
    assertions: list[Assertion] = []
    judges: list[Judge] = []
    for assertion in probe.assertions:
        try:
            assertions.append(_rendered(assertion, templates, variables))
            judges.append(compile_assertion(assertions[-1], engine))
        except (TemplateFailed, Misconfigured) as e:
            raise Misconfigured(f"probe {probe.id!r}: {e}", assertion.origin) from e
    prompt = rendered if isinstance(rendered, str) else js_json(rendered)
    return Prepared(
        probe=probe,
        prompt=prompt,
        messages=_messages(rendered),
        judges=tuple(judges),
        context=_context(probe, assertions, variables, prompt),
    )


def _rendered(assertion: Assertion, templates: Templates, variables: Mapping[str, Any]) -> Assertion:
    """The assertion with its value rendered: a text, or the texts of a list; schemas and other mappings stay."""
    if assertion.literal:
        return assertion
    value = assertion.value
    if isinstance(value, str):
        return replace(assertion, value=templates.render(value, variables))
    if isinstance(value, list):
        entries = [templates.render(v, variables) if isinstance(v, str) else v for v in value]
        return replace(assertion, value=entries)
    return assertion


def _messages(rendered: Any) -> tuple[Mapping[str, Any], ...]:
    if isinstance(rendered, str):
        return ({"role": "user", "content": rendered},)
    if isinstance(rendered, list) and rendered and all(isinstance(m, dict) and "role" in m for m in rendered):
        return tuple(rendered)
    return ({"role": "user", "content": js_json(rendered)},)


def _context(probe: Probe, assertions: list[Assertion], variables: Mapping[str, Any], prompt: str) -> Mapping[str, Any]:
    """What a script sees beside the answer; the same names as in promptfoo."""
    names = [{"type": ("not-" if a.negated else "") + a.type, "weight": a.weight} for a in assertions]
    test = {"description": probe.id, "vars": variables, "assert": names, "metadata": probe.metadata}
    return {"vars": variables, "prompt": prompt, "test": test, "metadata": {}}
