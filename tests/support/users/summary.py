"""What users met, request by request and in sums.

It owns records and their summary; it must not send requests. Memory is bounded: sums are exact for the whole run,
records and failures are the latest ones.
"""

import math
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

RECORDS_KEPT = 100_000
FAILURES_KEPT = 200
UNKNOWN = "unknown"  # the revision of an answer without X-Revision, and of no answer at all


@dataclass(frozen=True, slots=True)
class Record:
    """One request of a user, its retry included; times in seconds, `at` since the epoch."""

    at: float
    ok: bool
    kind: str
    revision: str
    seconds: float
    status: int | None = None
    error: str | None = None
    retried: bool = False
    text: str = ""


@dataclass
class _Sums:
    """Sums of one revision; latencies in buckets that grow by 5 %, so quantiles are exact to 5 %."""

    ok: int = 0
    failed: int = 0
    first: float = math.inf
    last: float = 0.0
    longest: float = 0.0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        self.ok += record.ok
        self.failed += not record.ok
        self.first = min(self.first, record.at)
        self.last = max(self.last, record.at)
        self.longest = max(self.longest, record.seconds)
        self.buckets[math.ceil(math.log(max(record.seconds, 1e-4)) / math.log(1.05))] += 1

    def quantile(self, share: float) -> float:
        wanted, seen = share * sum(self.buckets.values()), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return float(min(1.05**bucket, self.longest))
        return 0.0

    def as_dict(self) -> dict[str, Any]:
        quantiles = {f"p{share:g}": round(self.quantile(share / 100), 4) for share in (50, 95, 99)}
        return {
            "total": self.ok + self.failed,
            "ok": self.ok,
            "failed": self.failed,
            "first": self.first,
            "last": self.last,
            "seconds": {**quantiles, "max": round(self.longest, 4)},
        }


class Summary:
    """Sums over all records, by revision, kind of client, status and error."""

    def __init__(self) -> None:
        self.records: deque[Record] = deque(maxlen=RECORDS_KEPT)
        self.failures: deque[Record] = deque(maxlen=FAILURES_KEPT)
        self.total = 0
        self.failed = 0
        self.retried = 0
        self.not_sent = 0
        self._revisions: dict[str, _Sums] = {}
        self._kinds: dict[str, Counter[str]] = {}
        self._statuses: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        """Count one finished request."""
        self.records.append(record)
        self.total += 1
        self.retried += record.retried
        self._revisions.setdefault(record.revision, _Sums()).add(record)
        self._kinds.setdefault(record.kind, Counter(ok=0, failed=0))["ok" if record.ok else "failed"] += 1
        self._statuses[str(record.status)] += record.status is not None
        if not record.ok:
            self.failed += 1
            self.failures.append(record)
            self._errors[(record.error or UNKNOWN).split(":")[0]] += 1

    @property
    def revisions(self) -> frozenset[str]:
        """The revisions that have answered at least once."""
        return frozenset(self._revisions) - {UNKNOWN}

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON-ready data; `not_sent` counts requests dropped because too many were open."""
        return {
            "total": self.total,
            "ok": self.total - self.failed,
            "failed": self.failed,
            "retried": self.retried,
            "not_sent": self.not_sent,
            "revisions": {name: sums.as_dict() for name, sums in sorted(self._revisions.items())},
            "kinds": {name: dict(counts) for name, counts in sorted(self._kinds.items())},
            "statuses": {name: count for name, count in sorted(self._statuses.items()) if count},
            "errors": dict(sorted(self._errors.items())),
            "failures": [asdict(record) for record in self.failures],
        }
