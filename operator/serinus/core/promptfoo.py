"""promptfoo's configuration and test lists into probes, as promptfoo 0.123.1 merges and multiplies them.

Every key is understood, ignored with a note because it changes no score, or a problem. It reads no other format.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from serinus.core.assertion_reader import read_assertions, read_number
from serinus.core.code_reader import read_transform
from serinus.core.findings import Place
from serinus.core.probe import MAX_PROBES, Assertion, Origin, Probe
from serinus.core.probe_traits import read_traits
from serinus.core.sources import Sources, is_reference
from serinus.core.variables import multiply, read_variables

_CONFIG_IGNORED: Final = frozenset(
    {"providers", "targets", "evaluateOptions", "commandLineOptions", "outputPath", "sharing", "share", "tags"}
    | {"writeLatestResults", "$schema", "metadata", "derivedMetrics", "env", "tracing", "version", "name", "label"}
    | {"assertionTemplates", "definitions", "id", "author", "title", "envPath"}
)
_CONFIG_KEYS: Final = ("prompts", "tests", "defaultTest")
_CONFIG_REFUSED: Final = {
    "scenarios": "scenarios are not read: write their tests out, or multiply tests by lists in vars",
    "redteam": "red-team configurations make their tests by calls of an outside service: write tests",
    "extensions": "extensions are hooks that run code around the evaluation",
    "nunjucksFilters": "filters are code that runs while templates are rendered: write the text out",
}
_TEST_KEYS: Final = ("description", "vars", "assert", "options", "threshold", "metadata")
_TEST_IGNORED: Final = frozenset({"provider", "providers", "id", "name", "tags", "category", "comment", "notes"})
_TEST_REFUSED: Final = {
    "prompts": "a test is asked with every prompt: split the file, or leave the filter out",
    "assertScoringFunction": "the score is the weighted mean of the assertions",
    "providerOutput": "it is an answer that no model gave",
    "scenarios": _CONFIG_REFUSED["scenarios"],
}
_OPTION_KEYS: Final = ("disableDefaultAsserts", "disableVarExpansion", "prefix", "suffix", "transform", "postprocess")
_OPTION_IGNORED: Final = frozenset({"provider", "repeat", "runSerially", "disableConversationVar"})
_OPTION_REFUSED: Final = {
    "rubricPrompt": "the judge's prompt is fixed, because it guards against answers that speak to the judge",
    "transformVars": "variables are used as they are written",
    "storeOutputAs": "each test is asked alone, so no test sees the answer to another",
    "factuality": "the choices of factuality have fixed scores: all pass but a disagreement",
    "response_format": "the format of the answer is the server's: ask for it in the prompt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The parts of a configuration, not yet joined."""

    prompts: tuple[str, ...]
    default: Place
    tests: tuple[Place, ...]


def split_config(sources: Sources, root: Place) -> tuple[Place | None, Place | None, Place | None]:
    """The places of prompts, tests and defaultTest in a configuration, a list of tests, or one test."""
    value = root.node.value
    if isinstance(value, tuple):
        return None, root, None
    if not isinstance(value, dict):
        sources.findings.problem(root, f"found {root.node.kind()}, allowed are a list of tests and a configuration")
        return None, None, None
    if not any(key in value for key in _CONFIG_KEYS) and any(key in value for key in ("vars", "assert")):
        return None, Place(dataclasses.replace(root.node, value=(root.node,)), "", root.file), None
    refuse_keys(sources, root, _CONFIG_RULE)
    found = (root.at(key) if root.present(key) else None for key in _CONFIG_KEYS)
    prompts, tests, default = found
    return prompts, tests, default


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What may stand in a mapping: keys that are acted on, keys that change no score, and why others are refused."""

    allowed: tuple[str, ...]
    ignored: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


_CONFIG_RULE: Final = Keys(allowed=(*_CONFIG_KEYS, "description"), ignored=_CONFIG_IGNORED, refused=_CONFIG_REFUSED)
_TEST_RULE: Final = Keys(allowed=_TEST_KEYS, ignored=_TEST_IGNORED, refused=_TEST_REFUSED)
_OPTION_RULE: Final = Keys(allowed=_OPTION_KEYS, ignored=_OPTION_IGNORED, refused=_OPTION_REFUSED)


def refuse_keys(sources: Sources, where: Place, keys: Keys) -> None:
    """Make every key that is neither allowed nor ignored a problem, and every ignored one a note.

    A key that begins with `x-` or `_` holds what anchors refer to.
    """
    for key, node in where.node.fields.items():
        if key in keys.ignored or key.startswith(("x-", "_")):
            sources.findings.note(where.at(key), f"{key} is ignored: it changes no score here")
        elif key in keys.refused and node.value not in (None, (), {}):
            sources.findings.problem(where.at(key), f"found {key!r}, which is refused: {keys.refused[key]}")
        elif key not in keys.allowed and key not in keys.refused:
            names = ", ".join(keys.allowed)
            sources.findings.problem(where.at(key), f"found {key!r}, which is not supported; allowed are {names}")


def read_suite(sources: Sources, suite: Suite) -> tuple[Probe, ...]:
    """All probes: tests × combinations of their variables × prompts; ids are not unique yet."""
    default = _check_test(sources, suite.default)
    common = _Default(
        variables=read_variables(sources, default.at("vars")),
        assertions=read_assertions(sources, default.at("assert")),
    )
    probes: list[Probe] = []
    for number, test in enumerate(suite.tests, 1):
        for probe in _read_test(sources, test, default, common):
            named = probe if probe.id else dataclasses.replace(probe, id=f"test-{number}")
            probes.extend(_with_prompts(sources, test, default, named, suite.prompts))
            if len(probes) > MAX_PROBES:
                sources.findings.problem(test, f"found more than {MAX_PROBES} probes, allowed are {MAX_PROBES}")
                return ()
    return tuple(probes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Default:
    variables: dict[str, Any]
    assertions: tuple[Assertion, ...]


def _check_test(sources: Sources, where: Place) -> Place:
    """The test itself, after a look at its keys; a `file://` leads to it."""
    if is_reference(where.node.value):
        where = sources.document(where, where.node.value) or Place(
            dataclasses.replace(where.node, value={}), where.path, where.file
        )
    if not isinstance(where.node.value, dict):
        if where.node.value is not None:
            sources.findings.problem(where, f"found {where.node.kind()}, allowed is a test")
        return Place(dataclasses.replace(where.node, value={}), where.path, where.file)
    refuse_keys(sources, where, _TEST_RULE)
    options = where.at("options")
    if options.node.value is not None and not isinstance(options.node.value, dict):
        sources.findings.problem(options, f"found {options.node.kind()}, allowed is a mapping")
    refuse_keys(sources, options, _OPTION_RULE)
    return where


def _read_test(sources: Sources, place: Place, default: Place, common: _Default) -> Iterator[Probe]:
    test = _check_test(sources, place)
    own = read_assertions(sources, test.at("assert"))
    traits = read_traits(sources, test, default)
    skip = _true(sources, test.at("options").at("disableDefaultAsserts"))
    assertions = (() if skip else common.assertions) + own + traits.assertions
    if not assertions and not test.at("assert").node.items:  # what was written and refused has its own problem
        sources.findings.problem(
            test, "found no assertion, allowed is at least one: a probe without any proves nothing"
        )
    elif assertions and all(
        a.weight == 0 or (a.children and all(c.weight == 0 for c in a.children)) for a in assertions
    ):
        sources.findings.problem(test, "found only assertions of weight 0, which never fail; allowed is one above 0")
    threshold = read_number(sources, test.at("threshold"), low=-1e9, high=1e9)
    if threshold is None:
        threshold = read_number(sources, default.at("threshold"), low=-1e9, high=1e9)
    transform, module = read_transform(sources, _transform(test, default))
    variables = common.variables | read_variables(sources, test.at("vars"))
    expand = not _true(sources, _option(test, default, "disableVarExpansion"))
    for values in multiply(sources, test.at("vars"), variables, expand=expand):
        yield Probe(
            id=_text(sources, test.at("description")),
            prompt="",
            variables=values,
            assertions=assertions,
            threshold=threshold,
            weight=traits.weight,
            critical=traits.critical,
            metadata=traits.metadata,
            transform=transform,
            transform_module=module,
            origin=Origin(line=test.node.line, file=test.file),
        )


def _with_prompts(
    sources: Sources, test: Place, default: Place, probe: Probe, prompts: tuple[str, ...]
) -> Iterator[Probe]:
    prefix = _text(sources, _option(test, default, "prefix"))
    suffix = _text(sources, _option(test, default, "suffix"))
    for prompt in prompts:
        yield dataclasses.replace(probe, prompt=prefix + prompt + suffix)


def _transform(test: Place, default: Place) -> Place:
    own = _option(test, default, "transform")
    return own if own.node.value is not None else _option(test, default, "postprocess")


def _option(test: Place, default: Place, key: str) -> Place:
    own = test.at("options")
    return own.at(key) if own.present(key) else default.at("options").at(key)


def _true(sources: Sources, where: Place) -> bool:
    if where.node.value is not None and not isinstance(where.node.value, bool):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed are true and false")
    return where.node.value is True


def _text(sources: Sources, where: Place) -> str:
    if where.node.value is not None and not isinstance(where.node.value, str):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a text")
    return where.node.value if isinstance(where.node.value, str) else ""
