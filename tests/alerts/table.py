"""Prints what is recorded of every runtime, `python -m tests.alerts.table`: the value from its sample, gap, or n/a.
Below stands every alert with the number of its cases that fire and that stay silent.

It judges nothing: the values are the oracle's, and test_runtimes proves that the rules record the same.
"""

import sys
from collections.abc import Iterator

from serinus.core.runtime import Runtime
from serinus.core.signals import ERROR_RATIO, PREFIX_CACHE_HIT, UP, VOCABULARY, Form
from serinus.resources import signal_rules
from tests.alerts import alert_table, observed, oracles, oracles_nvidia, vllm_oracle
from tests.alerts.observed import Observed
from tests.alerts.oracle import Rows
from tests.alerts.sample import Sample
from tests.golden import render

GAP = "gap"
NOT_APPLICABLE = "n/a"
RECORDED = "yes"
"""Recorded of a runtime for which nobody has reckoned values a second time."""
SERIES: dict[str, tuple[str, ...]] = {
    "up": (UP,),
    **{
        name: (f"{e.series}:p95_5m", f"{e.series}:mean5m") if e.form is Form.DISTRIBUTION else (e.series,)
        for name, e in VOCABULARY.items()
        if e.form is not Form.PART
    },
    "request_error_ratio": (ERROR_RATIO,),
    "prefix_cache_hit": (PREFIX_CACHE_HIT,),
}
"""A row of the table, and the series that it shows: the first that there is."""
_NEEDS = {"request_error_ratio": "request_errors", "prefix_cache_hit": "cached_tokens"}


def columns() -> dict[str, dict[str, str]]:
    """Every cell, by runtime and row."""
    return {name: dict(_cells(runtime)) for name, runtime in render.library().runtimes.items()}


def main() -> int:
    """Print the table; 1 if a cell is empty."""
    found = columns()
    head = ["signal", *found]
    rows = [[name, *(found[runtime][name] for runtime in found)] for name in SERIES]
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("Latencies in seconds: p95, or ~ the mean where there are no quantiles; rates by second; classes added up.")
    proven = alert_table.rows()
    print("\n".join(["", *alert_table.lines(proven)]))
    return int(not all(cell for row in (*rows, *proven) for cell in row))


def _cells(runtime: Runtime) -> Iterator[tuple[str, str]]:
    scraped = list(_scraped(runtime))
    rules = signal_rules.rules(runtime) if runtime.serves else signal_rules.attached_rules(runtime)
    recorded = {rule.record for rule in rules}
    for name, series in SERIES.items():
        signal = VOCABULARY.get(_NEEDS.get(name, name))
        if (signal and runtime.kind not in signal.kinds) or (name == "up" and not runtime.serves):
            yield name, NOT_APPLICABLE
        elif not recorded & set(series):
            yield name, GAP
        else:
            yield name, _value(scraped, series) if scraped else "1"


def _scraped(runtime: Runtime) -> Iterator[tuple[Rows, Sample]]:
    """Oracles and samples of a runtime, the newest version first."""
    for file in observed.files(runtime):
        seen = Observed(runtime, attached=not runtime.serves)
        if runtime.name == "vllm":
            yield dict(vllm_oracle.rows()), seen.sample(file)
        elif runtime.name == "dynamo":
            yield oracles_nvidia.DYNAMO, seen.sample(file)
            yield oracles_nvidia.DYNAMO_WORKER, seen.sample("dynamo-worker.prom")
        else:
            own, attached = oracles.OWN.get(runtime.name, {}), oracles.ATTACHED.get(runtime.name, ({}, ""))
            yield own if runtime.serves else attached[0], seen.sample(file)


def _value(scraped: list[tuple[Rows, Sample]], series: tuple[str, ...]) -> str:
    for name in series:
        for rows, sample in scraped:
            try:
                found = rows[name](sample)
            except KeyError:
                continue
            if found:
                mean = "~" if ":mean5m" in name and len(series) > 1 else ""
                return f"{mean}{sum(value for _, value in found):.4g}"
    return "" if any(rows for rows, _ in scraped) else RECORDED


if __name__ == "__main__":
    sys.exit(main())
