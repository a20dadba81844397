"""Log records in a collector's configuration: those of applications, and those made of the content of spans.

It owns their processors and the file between spans and records. Where records go, `collector_config` knows.
"""

from typing import Final

from serinus.core.model import Service
from serinus.core.traces import Content, Traces
from serinus.resources import collector_statements as ottl
from serinus.resources.collector_parts import Config

SPOOL: Final = "/var/lib/serinus-traces"
_SPOOL_FILE: Final = f"{SPOOL}/content.json"


def records(config: Config, service: Service, traces: Traces, redaction: str) -> list[str]:
    """Log records of applications: names, redaction, content as the body or gone."""
    first = ["set(log.body, String(log.body)) where log.body != nil and not IsString(log.body)", *ottl.names("log")]
    content_of_events = ottl.event_body() if traces.content is Content.REDACT else ottl.eventless_body()
    named = config.transform(
        "log",
        "log-names",
        ottl.block("resource", ottl.place(service)),
        ottl.block("log", [*first, *content_of_events]),
    )
    redacted = config.transform(
        "log",
        "log-redact",
        ottl.block("resource", ottl.redacted("resource")),
        ottl.block("log", ottl.redacted("log", "log.body")),
    )
    return [named, redaction, redacted]


def content(config: Config, service: Service, limiter: str, logs: list[str]) -> str:
    """Content of spans as log records, by way of a file in memory: no component makes records of spans.

    One span a line, so that a record is of one span; both ends are in the same pod.
    """
    feed = config.add("connectors", "forward", "content", {})
    packed = config.transform("trace", "content", ottl.block("span", ottl.packed()))
    empty = {"error_mode": "ignore", "traces": {"span": [f'attributes["{ottl.RECORD}"] == nil']}}
    some = config.add("processors", "filter", "content", empty)
    one = config.add("processors", "batch", "one", {"send_batch_size": 1, "send_batch_max_size": 1, "timeout": "1s"})
    rotation = {"max_megabytes": 32, "max_backups": 1}
    spool = config.add("exporters", "file", "content", {"path": _SPOOL_FILE, "rotation": rotation})
    config.join("traces/content", [feed], [packed, some, one], [spool])
    reader = {"include": [f"{SPOOL}/content*.json"], "start_at": "beginning", "max_log_size": "8MiB"}
    file_log = config.add("receivers", "filelog", "content", reader)
    record = config.transform(
        "log",
        "record",
        ottl.block("resource", [*ottl.place(service), _named_service(service)]),
        ottl.block("log", ottl.unpacked()),
    )
    config.join("logs/content", [file_log], [limiter, record], logs)
    return feed


def _named_service(service: Service) -> str:
    return f"set({ottl.attribute('resource', 'service.name')}, {ottl.quote(service.name)})"
