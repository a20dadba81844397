"""What a collector does to one span or log record, as OTTL statements: names, place, redaction, content.

It owns the statements. Which of them run, and in which order, `collector_config` knows.
"""

import json
from collections.abc import Iterable
from typing import Final

from serinus.core import genai
from serinus.core.model import Manifest, Service
from serinus.core.trace_redaction import replacements

ATTRIBUTE_BYTES: Final = 2048
"""Tempo cuts attributes there."""
RECORD_BYTES: Final = 250_000
"""Loki refuses lines of more than 256 KB."""
RECORD: Final = "content"
_INPUT, _OUTPUT, _ = genai.MESSAGES


def quote(text: str) -> str:
    """A text as OTTL writes it."""
    return json.dumps(text, ensure_ascii=False)


def attribute(context: str, name: str) -> str:
    """An attribute of a span, a log record or their resource."""
    return f"{context}.attributes[{quote(name)}]"


def block(context: str, statements: Iterable[str]) -> Manifest:
    """Statements of one context, as the transform processor takes them."""
    return {"context": context, "statements": list(statements)}


def names(context: str) -> list[str]:
    """Old names become those of today; a name of today that is there already stays."""
    done: list[str] = []
    for old, new in genai.RENAMED.items():
        done += _moved(context, old, new, attribute(context, old))
    for old, new in genai.LISTED.items():
        done += _moved(context, old, new, f"[{attribute(context, old)}]")
    for name in genai.MESSAGES:
        at = attribute(context, name)
        done.append(f"set({at}, String({at})) where {at} != nil and not IsString({at})")
    return done


def _moved(context: str, old: str, new: str, value: str) -> list[str]:
    source, target = attribute(context, old), attribute(context, new)
    return [
        f"set({target}, {value}) where {target} == nil and {source} != nil",
        f"delete_key({context}.attributes, {quote(old)})",
    ]


def event_names() -> list[str]:
    """Content in span events, which are gone, becomes the attribute that it is today."""
    return [
        f"set({attribute('span', new)}, {attribute('spanevent', old)}) "
        f"where spanevent.name == {quote(event)} and {attribute('span', new)} == nil"
        for event, (old, new) in genai.EVENTS.items()
    ]


def usual(service: Service) -> list[str]:
    """What backends need to recognise an operation of a model, where the application left it out."""
    model = f"{attribute('span', 'gen_ai.request.model')} != nil"
    values = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": service.runtime.name}
    return [
        f"set({attribute('span', name)}, {quote(value)}) where {attribute('span', name)} == nil and {model}"
        for name, value in values.items()
    ]


def place(service: Service) -> list[str]:
    """Whose the telemetry is, by the labels that metrics and logs have."""
    known = {"k8s.namespace.name": service.namespace, "llmservice": service.name, "team": service.owner.team}
    return [f"set({attribute('resource', name)}, {quote(value)})" for name, value in known.items()]


def redacted(context: str, *texts: str) -> list[str]:
    """The redaction of all attributes, and of texts such as a span's name or a record's body."""
    done = []
    for expression, mark in replacements():
        done.append(f'replace_all_patterns({context}.attributes, "value", {quote(expression)}, {quote(mark)})')
        done += [f"replace_pattern({text}, {quote(expression)}, {quote(mark)})" for text in texts]
    return done


def without(context: str, *patterns: str) -> list[str]:
    """Attributes whose key matches are deleted."""
    return [f"delete_matching_keys({context}.attributes, {quote(pattern)})" for pattern in patterns]


def short(context: str) -> list[str]:
    """Attributes are cut where a trace store would cut them."""
    return [f"truncate_all({context}.attributes, {ATTRIBUTE_BYTES})"]


def packed() -> list[str]:
    """The content of a span as one attribute of JSON; a span without content has none."""
    at = attribute("span", RECORD)
    service = attribute("span", "service.name")
    return [
        f"keep_matching_keys(span.attributes, {quote(genai.CONTENT_KEYS)})",
        f"set({service}, {attribute('resource', 'service.name')}) where Len(span.attributes) > 0",
        f"set({at}, String(span.attributes)) where Len(span.attributes) > 0",
        f"keep_keys(span.attributes, [{quote(RECORD)}])",
    ]


def unpacked() -> list[str]:
    """A line with one span in OTLP's JSON becomes the record of its content: the JSON of `packed` as the body."""
    return [
        'set(log.cache, ParseJSON(log.body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0])',
        'set(log.trace_id.string, log.cache["traceId"])',
        'set(log.span_id.string, log.cache["spanId"])',
        'set(log.time_unix_nano, Int(log.cache["startTimeUnixNano"]))',
        'set(log.attributes["content"], log.cache["attributes"][0]["value"]["stringValue"])',
        *as_body(f"log.attributes[{quote(RECORD)}]"),
        'delete_key(log.attributes, "log.file.name")',
        f'set(log.attributes["event.name"], {quote(genai.DETAILS_EVENT)})',
    ]


def as_body(text: str) -> list[str]:
    """A text of an attribute, bounded, becomes the body; cut between characters, and said so."""
    return [
        f'set(log.attributes["serinus.cut"], true) where Len({text}) > {RECORD_BYTES}',
        f"truncate_all(log.attributes, {RECORD_BYTES})",
        f"set(log.body, {text})",
        f"delete_key(log.attributes, {quote(RECORD)})",
    ]


def event_body() -> list[str]:
    """The content of a log event of the conventions moves from attributes, which stores keep short, to the body."""
    name = quote(genai.DETAILS_EVENT)
    details = f'(log.attributes["event.name"] == {name} or log.event_name == {name})'
    has = f"({attribute('log', _INPUT)} != nil or {attribute('log', _OUTPUT)} != nil)"
    where = f"where {details} and {has}"
    at = attribute("log", RECORD)
    return [
        f"set(log.cache, log.attributes) {where}",
        f"keep_matching_keys(log.cache, {quote(genai.CONTENT_KEYS)}) {where}",
        f"set({at}, String(log.cache)) {where}",
        f'set(log.attributes["serinus.cut"], true) where {at} != nil and Len({at}) > {RECORD_BYTES}',
        f"truncate_all(log.attributes, {RECORD_BYTES}) where {at} != nil",
        f"set(log.body, {at}) where {at} != nil",
        f"delete_matching_keys(log.attributes, {quote(genai.CONTENT_KEYS)})",
        f"delete_key(log.attributes, {quote(RECORD)})",
    ]


def eventless_body() -> list[str]:
    """The body of a log event of the conventions is what somebody wrote: it goes, and so do such attributes."""
    named = 'IsMatch(log.event_name, "^gen_ai\\\\.") or IsMatch(String(log.attributes["event.name"]), "^gen_ai\\\\.")'
    return [f'set(log.body, "") where {named}', *without("log", genai.CONTENT_KEYS, genai.VECTOR_KEYS)]
