"""A second, naive reckoning of what is recorded: arithmetic on raw names, in rows that the oracles are made of.

It must not read a rule or the catalogue. A row gives the labels and values of one series; a KeyError in it says that
the sample has nothing for it, so that the recorded series must be absent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.alerts.sample import Sample, Want, quantile

Found = list[tuple[dict[str, str], float]]
Number = Callable[[Sample], float]
Row = Callable[[Sample], Found]
Rows = dict[str, Row]


def one(number: Number) -> Row:
    """A single series without labels of its own."""
    return lambda s: [({}, number(s))]


def rate(name: str, **labels: Want) -> Number:
    """Growth a second."""
    return lambda s: s.rate(name, **labels)


def level(name: str, **labels: Want) -> Number:
    """Sum of what is now."""
    return lambda s: s.sum(name, **labels)


def some(number: Number) -> Number:
    """A number that is 0 where the sample has nothing for it."""

    def read(s: Sample) -> float:
        try:
            return number(s)
        except KeyError:
            return 0.0

    return read


def either(*numbers: Number) -> Number:
    """The first that the sample has."""

    def read(s: Sample) -> float:
        for number in numbers[:-1]:
            try:
                return number(s)
            except KeyError:
                continue
        return numbers[-1](s)

    return read


def total(*numbers: Number) -> Number:
    """The sum of all."""
    return lambda s: sum(number(s) for number in numbers)


def over(part: Number, whole: Number) -> Number:
    """A quotient; KeyError for a whole of 0, of which nothing is recorded."""

    def read(s: Sample) -> float:
        if not whole(s):
            raise KeyError("nothing to divide by")
        return part(s) / whole(s)

    return read


def scalars(**numbers: Number) -> Rows:
    """Rows of single series, by the name between `llm:` and what comes after it, `__` for the colon."""
    return {f"llm:{name.replace('__', ':')}": one(number) for name, number in numbers.items()}


def finished(**reasons: Number) -> Rows:
    """Finished requests by reason; a reason that the sample lacks is absent."""
    return {"llm:requests_finished:rate5m": _classes("finish_reason", reasons)}


def errors(requests: Number, **classes: Number) -> Rows:
    """Errors by class, 0 for one that the sample lacks, and the share of those that are the server's fault."""
    numbers = {name: _while(requests, number) for name, number in classes.items()}
    blamed = [some(number) for name, number in classes.items() if name not in ("client", "cancelled")]
    ratio = over(total(*blamed), requests)
    return {
        "llm:request_errors:rate5m": _classes("error_class", numbers),
        "llm:request_error:ratio5m": one(lambda s: min(ratio(s), 1.0)),
    }


def tokens(prompt: Number, generated: Number, cached: Number | None = None) -> Rows:
    """Tokens a second, and the share of the prompt that came from a cache."""
    rows = scalars(prompt_tokens__rate5m=prompt, generated_tokens__rate5m=generated)
    if cached is None:
        return rows
    return rows | scalars(cached_tokens__rate5m=cached, prefix_cache_hit__ratio5m=over(cached, prompt))


@dataclass(frozen=True)
class Raw:
    """A raw histogram: its name, and the labels that its series must have."""

    name: str
    labels: tuple[tuple[str, Want], ...] = ()

    @classmethod
    def of(cls, name: str, **labels: Want) -> "Raw":
        """Make one."""
        return cls(name, tuple(labels.items()))

    def buckets(self, s: Sample) -> dict[str, float]:
        """Counts by upper edge."""
        return s.buckets(self.name, **dict(self.labels))

    def part(self, s: Sample, suffix: str) -> float:
        """Its sum or count."""
        return s.sum(f"{self.name}{suffix}", **dict(self.labels))


def histogram(name: str, *raw: Raw | str, divisor: int = 0) -> Rows:
    """Buckets, quantiles and mean of raw histograms together; with a divisor no buckets: they cannot be divided."""
    raws = [Raw(r) if isinstance(r, str) else r for r in raw]

    def buckets(s: Sample) -> dict[str, float]:
        added: dict[str, float] = {}
        for one_of in raws:
            for le, count in one_of.buckets(s).items():
                added[le] = added.get(le, 0.0) + count
        return dict(sorted(added.items(), key=lambda item: float(item[0])))

    by = divisor or 1
    base = f"llm:{name}_seconds"
    rows: Rows = {}
    if not divisor:
        rows[f"{base}_bucket:rate5m"] = lambda s: [({"le": le}, n / 60) for le, n in buckets(s).items()]
    for label, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        rows[f"{base}:{label}_5m"] = one(lambda s, q=q: quantile(buckets(s), q) / by)  # type: ignore[misc]
    return rows | {f"{base}:mean5m": one(mean(*raws, divisor=by))}


def mean(*raw: Raw | str, divisor: int = 1) -> Number:
    """Mean over raw histograms."""
    raws = [Raw(r) if isinstance(r, str) else r for r in raw]
    return lambda s: sum(r.part(s, "_sum") for r in raws) / sum(r.part(s, "_count") for r in raws) / divisor


def newest(*versions: Rows) -> Rows:
    """Rows of the first of several versions that the sample is of."""

    def first(series: str) -> Row:
        def read(s: Sample) -> Found:
            for rows in versions[:-1]:
                try:
                    return rows[series](s)
                except KeyError:
                    continue
            return versions[-1][series](s)

        return read

    return {series: first(series) for series in versions[0]}


def info(series: str, **labels: str) -> Rows:
    """A series of 1 with these labels."""
    return {series: lambda _: [(labels, 1.0)]}


def _while(requests: Number, number: Number) -> Number:
    """A number that is 0 where the sample lacks it while it has requests."""

    def read(s: Sample) -> float:
        try:
            return number(s)
        except KeyError:
            return 0 * requests(s)

    return read


def _classes(label: str, numbers: dict[str, Number]) -> Row:
    def read(s: Sample) -> Found:
        found = []
        for name, number in numbers.items():
            try:
                found.append(({label: name}, number(s)))
            except KeyError:
                continue
        return found

    return read


def matches(*values: str) -> Any:
    """One of these values."""
    return lambda found: found in values


def starts(prefix: str, *but: str) -> Any:
    """A value that begins so, but none of those."""
    return lambda found: found.startswith(prefix) and found not in but


def other(*values: str) -> Any:
    """None of these values."""
    return lambda found: found not in values
