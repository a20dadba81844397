"""JSON Schema draft 7 as promptfoo's validator reads it: strict about keywords, JavaScript patterns, no remote schemas.

It must not fetch anything and must not run a pattern outside of the JavaScript engine, where it is bounded.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jsonschema
import referencing
from jsonschema.exceptions import SchemaError, ValidationError

from serinus.probes.formats import NUMBERS, TEXT, fits
from serinus.probes.script import Engine, ScriptFailed

Accepts = Callable[[Any], bool]
_FLAGS: Final = "u"
_DRAFT: Final = ("http://json-schema.org/draft-07/schema", "http://json-schema.org/draft-07/schema#")
_ONE: Final = frozenset(
    {"not", "if", "then", "else", "additionalProperties", "additionalItems", "propertyNames", "contains", "items"}
)
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf"})
_NAMED: Final = frozenset({"properties", "patternProperties", "definitions", "$defs", "dependencies"})
_PLAIN: Final = frozenset(
    {"$schema", "$id", "$ref", "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly"}
    | {"type", "enum", "const", "format", "nullable", "required", "pattern", "uniqueItems", "multipleOf"}
    | {"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "maxLength", "minLength", "maxItems", "minItems"}
    | {"maxProperties", "minProperties", "contentMediaType", "contentEncoding"}
)


class InvalidSchema(ValueError):
    """A schema that cannot be used; says where and why."""


def compile_schema(schema: Any, engine: Engine) -> Accepts:
    """A function that tells whether a document is valid; raises InvalidSchema, and later ScriptFailed of a pattern."""
    if not isinstance(schema, dict | bool):
        raise InvalidSchema(f"found {type(schema).__name__}, allowed is a mapping")
    ready = _prepare(schema, "$", engine)
    try:
        jsonschema.Draft7Validator.check_schema(ready, format_checker=jsonschema.FormatChecker(()))
        validator = _validator(engine)(ready, registry=referencing.Registry())
    except (SchemaError, referencing.exceptions.Unresolvable) as e:
        raise InvalidSchema(str(e).splitlines()[0][:300]) from e

    def accepts(document: Any) -> bool:
        return bool(validator.is_valid(document))

    try:
        accepts({})  # an unresolvable $ref shows only when it is followed
    except referencing.exceptions.Unresolvable as e:
        raise InvalidSchema(f"a $ref leads nowhere: {e}"[:300]) from e
    return accepts


def _prepare(schema: Any, path: str, engine: Engine) -> Any:
    """The schema with `nullable` spelled out, after a look at every keyword."""
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        here = f"{path}.{key}"
        if key in _ONE or key in _MANY or key in _NAMED:
            found[key] = _subschemas(key, value, here, engine)
        elif key in _PLAIN:
            _check_keyword(key, value, here, engine)
            found[key] = value
        else:
            raise InvalidSchema(f"{here}: found an unknown keyword, allowed are those of draft 7")
    if found.pop("nullable", False) is True:
        _allow_null(found, path)
    return found


def _subschemas(key: str, value: Any, path: str, engine: Engine) -> Any:
    if key in _NAMED and isinstance(value, dict):
        if key == "patternProperties":
            for pattern in value:
                _check_pattern(pattern, path, engine)
        return {k: v if isinstance(v, list) else _prepare(v, f"{path}.{k}", engine) for k, v in value.items()}
    if isinstance(value, list):
        return [_prepare(v, f"{path}[{i}]", engine) for i, v in enumerate(value)]
    return _prepare(value, path, engine)


def _check_keyword(key: str, value: Any, path: str, engine: Engine) -> None:
    if key == "$ref" and not str(value).startswith("#"):
        raise InvalidSchema(f"{path}: found {value!r}, allowed are references within the schema (#/…)")
    if key == "$schema" and value not in _DRAFT:
        raise InvalidSchema(f"{path}: found {value!r}, allowed is {_DRAFT[1]}")
    if key == "format" and value not in TEXT and value not in NUMBERS and value != "regex":
        raise InvalidSchema(f"{path}: found {value!r}, allowed are regex, {', '.join(sorted({*TEXT, *NUMBERS}))}")
    if key == "pattern":
        _check_pattern(value, path, engine)


def _check_pattern(pattern: Any, path: str, engine: Engine) -> None:
    try:
        engine.check_pattern(str(pattern), _FLAGS)
    except ScriptFailed as e:
        raise InvalidSchema(f"{path}: found {pattern!r}: {e}") from e


def _allow_null(schema: dict[str, Any], path: str) -> None:
    kinds = schema.get("type")
    if kinds is None:
        raise InvalidSchema(f"{path}: found nullable without type")
    schema["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"] if "null" not in kinds else kinds


def _validator(engine: Engine) -> Any:
    """Draft 7 whose patterns run in the JavaScript engine."""

    def pattern(_: Any, expression: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not engine.matches(expression, instance, _FLAGS):
            yield ValidationError("pattern")

    def pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, _: Any) -> Iterator[Any]:
        for expression, schema in patterns.items() if isinstance(instance, dict) else ():
            for name, value in instance.items():
                if engine.matches(expression, name, _FLAGS):
                    yield from validator.descend(value, schema, path=name, schema_path=expression)

    def additional_properties(validator: Any, rest: Any, instance: Any, schema: Any) -> Iterator[Any]:
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items() if isinstance(instance, dict) else ():
            if name in named or any(engine.matches(p, name, _FLAGS) for p in patterns):
                continue
            yield from validator.descend(value, rest, path=name)

    def format_(_: Any, name: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        if not (_is_regex(engine, instance) if name == "regex" else fits(name, instance)):
            yield ValidationError("format")

    return jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft7Validator,
        {
            "pattern": pattern,
            "patternProperties": pattern_properties,
            "additionalProperties": additional_properties,
            "format": format_,
        },
    )


def _is_regex(engine: Engine, instance: Any) -> bool:
    if not isinstance(instance, str):
        return True
    try:
        engine.check_pattern(instance, _FLAGS)
    except ScriptFailed:
        return False
    return True
