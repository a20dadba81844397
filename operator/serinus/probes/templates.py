"""Templates of prompts and values, rendered with a test's variables. Authors write them: sandboxed and bounded.

Nunjucks is promptfoo's language and Jinja2 this one's: values print as JavaScript prints them, and the filters `dump`
and `load` exist. Deliberate difference: an undefined variable is an error.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from serinus.core.jstext import js_json, js_text

MAX_TEMPLATE: Final = 200_000
MAX_RENDERED: Final = 1_000_000
_MAX_REPEATED: Final = 100_000
_REFERENCE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_UNCLOSED: Final = re.compile(r"\{%[^%]*$|\{\{[^}]*$|\{#[^#]*$", re.MULTILINE)
_RAW: Final = re.compile(r"\{%-?\s*raw\s*-?%\}")
_MAX_PASSES: Final = 5


class TemplateFailed(Exception):
    """A template that cannot be rendered; says why."""


class Templates:
    """Renders templates; one that is used again is compiled once."""

    def __init__(self) -> None:
        self._environment = _Bounded(
            undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_finalize
        )
        self._environment.filters["dump"] = _dump
        self._environment.filters["load"] = json.loads
        self._environment.globals = {"range": self._range, "dict": dict}
        self._left = _MAX_REPEATED
        self._compiled: dict[str, jinja2.Template] = {}
        self._documents: dict[str, tuple[Any] | None] = {}

    def render(self, template: str, variables: Mapping[str, Any]) -> str:
        """Render a template; raises TemplateFailed. Text without template syntax is returned as it is."""
        if not any(sign in template for sign in ("{{", "{%", "{#")):
            return template
        if len(template) > MAX_TEMPLATE:
            raise TemplateFailed(f"the template has {len(template)} characters, allowed are {MAX_TEMPLATE}")
        try:
            return self._collect(template, variables)
        except jinja2.TemplateError as e:
            raise TemplateFailed(f"{type(e).__name__}: {e}"[:300]) from e
        except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, RecursionError, MemoryError) as e:
            raise TemplateFailed(f"{type(e).__name__}: {e}"[:300]) from e

    def _range(self, *bounds: int) -> range:
        """Numbers to repeat over, 100,000 in one template all together."""
        numbers = range(*bounds)
        self._left -= len(numbers)
        if self._left < 0:
            _refuse("range")
        return numbers

    def resolve(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Variables that name other variables, replaced as promptfoo does: `{{name}}` only, at most five times."""
        found = dict(variables)
        for _ in range(_MAX_PASSES):
            changed = False
            for name, value in found.items():
                match = _REFERENCE.search(value) if isinstance(value, str) else None
                if match is not None and match[1] in found and match[1] != name:
                    replaced = f"{value[: match.start()]}{js_text(found[match[1]])}{value[match.end() :]}"
                    found[name] = _bounded(replaced)
                    changed = True
            if not changed:
                break
        return found

    def prompt(self, template: str, variables: Mapping[str, Any]) -> Any:
        """The rendered prompt: a document, if the template is JSON (its texts are rendered one by one), else a text."""
        document = self._document(template)
        if document is None:
            own = {k: self._own(v, variables) for k, v in variables.items()}
            return self.render(_protected(template), own)
        return self._within(document[0], variables)

    def _document(self, template: str) -> tuple[Any] | None:
        """The document that a template is, or None; looked at once, as most probes have the same prompt."""
        if template not in self._documents:
            try:
                self._documents[template] = (json.loads(template),)
            except (ValueError, RecursionError):
                self._documents[template] = None
        return self._documents[template]

    def _own(self, value: Any, variables: Mapping[str, Any]) -> Any:
        """A variable's own template; one that names what is not there is text, as it may be what is asked about."""
        if not isinstance(value, str):
            return value
        try:
            return self.render(_protected(value), variables)
        except TemplateFailed:
            return value

    def _within(self, value: Any, variables: Mapping[str, Any]) -> Any:
        if isinstance(value, str):
            return self.render(value, variables)
        if isinstance(value, list):
            return [self._within(v, variables) for v in value]
        if isinstance(value, dict):
            return {k: self._within(v, variables) for k, v in value.items()}
        return value

    def _collect(self, template: str, variables: Mapping[str, Any]) -> str:
        compiled = self._compiled.get(template)
        if compiled is None:
            compiled = self._compiled[template] = self._environment.from_string(template)
            compiled.globals = dict(compiled.globals)  # a chain of mappings is copied slowly, each time
        self._left = _MAX_REPEATED
        parts: list[str] = []
        size = 0
        for part in compiled.generate(variables):
            size += len(part)
            if size > MAX_RENDERED:
                raise TemplateFailed(f"it renders to more than {MAX_RENDERED} characters")
            parts.append(part)
        return "".join(parts)


class _Bounded(SandboxedEnvironment):
    """A sandbox in which repetition and powers are bounded too."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:  # type: ignore[explicit-override]
        """What a name behind a dot means; `.length` is what Nunjucks authors write."""
        if attribute == "length" and isinstance(obj, str | list):
            return len(obj)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # type: ignore[explicit-override]
        numbers = all(isinstance(v, int | float) for v in (left, right))
        if not numbers or operator == "**":
            sizes = [len(v) if hasattr(v, "__len__") else abs(v) for v in (left, right)]
            if operator == "%" or sizes[0] * sizes[1] > _MAX_REPEATED:
                _refuse(operator)
        return super().call_binop(context, operator, left, right)


def _refuse(operator: str) -> NoReturn:
    raise jinja2.exceptions.SecurityError(f"{operator} is bounded in templates")


def _finalize(value: Any) -> Any:
    """Print as Nunjucks does: nothing for null, JavaScript's words for the rest."""
    if isinstance(value, str | jinja2.Undefined):
        return value
    return "" if value is None else js_text(value)


def _dump(value: Any, spaces: int | None = None) -> str:
    return js_json(value) if spaces is None else json.dumps(value, indent=min(int(spaces), 10), ensure_ascii=False)


def _protected(template: str) -> str:
    """Text with a bracket that is opened and never closed in its line is no template."""
    if _UNCLOSED.search(template) and not _RAW.search(template):
        return "{% raw %}" + template.replace("{% endraw %}", "") + "{% endraw %}"
    return template


def _bounded(text: str) -> str:
    if len(text) > MAX_RENDERED:
        raise TemplateFailed(f"a variable grows to more than {MAX_RENDERED} characters")
    return text
