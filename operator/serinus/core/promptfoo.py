"""promptfoo's configuration and test lists into probes, as promptfoo 0.123.1 merges and multiplies them.

Every key is understood, ignored with a note because it changes no score, or a problem. It reads no other format.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.assertion_reader import read_assertions, read_number
from serinus.core.findings import Place
from serinus.core.probe import MAX_PROBES, Assertion, Origin, Probe
from serinus.core.probe_traits import read_traits
from serinus.core.sources import Sources, is_reference
from serinus.core.variables import multiply, read_variables

_CONFIG_IGNORED: Final = frozenset(
    {"providers", "targets", "evaluateOptions", "commandLineOptions", "outputPath", "sharing", "tags"}
    | {"writeLatestResults", "$schema", "metadata", "derivedMetrics"}
)
_CONFIG_KEYS: Final = ("prompts", "tests", "defaultTest")
_TEST_KEYS: Final = ("description", "vars", "assert", "options", "threshold", "metadata")
_TEST_IGNORED: Final = frozenset({"provider", "providers"})
_OPTION_KEYS: Final = ("disableDefaultAsserts", "disableVarExpansion", "prefix", "suffix")
_OPTION_IGNORED: Final = frozenset({"provider", "repeat", "runSerially", "disableConversationVar"})


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
    refuse_keys(sources, root, allowed=(*_CONFIG_KEYS, "description"), ignored=_CONFIG_IGNORED)
    found = (root.at(key) if root.present(key) else None for key in _CONFIG_KEYS)
    prompts, tests, default = found
    return prompts, tests, default


def refuse_keys(sources: Sources, where: Place, *, allowed: Iterable[str], ignored: frozenset[str]) -> None:
    """Make every key that is neither allowed nor ignored a problem, and every ignored one a note."""
    for key in where.node.fields:
        if key in ignored:
            sources.findings.note(where.at(key), f"{key} is ignored: it changes no score here")
        elif key not in allowed:
            names = ", ".join(allowed)
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
            named = probe.id or f"test-{number}"
            probes.extend(_with_prompts(sources, test, default, dataclasses.replace(probe, id=named), suite.prompts))
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
    refuse_keys(sources, where, allowed=_TEST_KEYS, ignored=_TEST_IGNORED)
    options = where.at("options")
    if options.node.value is not None and not isinstance(options.node.value, dict):
        sources.findings.problem(options, f"found {options.node.kind()}, allowed is a mapping")
    refuse_keys(sources, options, allowed=_OPTION_KEYS, ignored=_OPTION_IGNORED)
    return where


def _read_test(sources: Sources, place: Place, default: Place, common: _Default) -> Iterator[Probe]:
    test = _check_test(sources, place)
    own = read_assertions(sources, test.at("assert"))
    traits = read_traits(sources, test, default)
    skip = _true(sources, test.at("options").at("disableDefaultAsserts"))
    assertions = (() if skip else common.assertions) + own + traits.assertions
    if not assertions:
        sources.findings.problem(
            test, "found no assertion, allowed is at least one: a probe without any proves nothing"
        )
    elif all(a.weight == 0 for a in assertions):
        sources.findings.problem(test, "found only assertions of weight 0, which never fail; allowed is one above 0")
    threshold = read_number(sources, test.at("threshold"), low=-1e9, high=1e9)
    if threshold is None:
        threshold = read_number(sources, default.at("threshold"), low=-1e9, high=1e9)
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
            origin=Origin(line=test.node.line, file=test.file),
        )


def _with_prompts(
    sources: Sources, test: Place, default: Place, probe: Probe, prompts: tuple[str, ...]
) -> Iterator[Probe]:
    prefix = _text(sources, _option(test, default, "prefix"))
    suffix = _text(sources, _option(test, default, "suffix"))
    for prompt in prompts:
        yield dataclasses.replace(probe, prompt=prefix + prompt + suffix)


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
