"""Owns what the probe Jobs of a test report: counts of a set quality, in the runner's own format. It judges nothing.

No model is asked here: a Job's pod ends at once with the report that the test's script says. The report is written by
`serinus.core.report`, with the identity that the Job was given.
"""

import threading
from collections.abc import Callable
from typing import Any

from serinus.core import naming, runspec
from serinus.core.report import Critical, Identity, Pairs, Report, Side, Usage, encode
from tests.support.podlife import Behaviour, Evicted, Finish, Silent, by_annotation

Manifest = dict[str, Any]
Answer = Callable[[Identity], Behaviour]
_PROBES = 2
_CRITICAL = "hours-01"


def good(identity: Identity) -> Finish:
    """A report of answers that pass every limit."""
    critical = (Critical(probe=_CRITICAL, passed=100),)
    if not identity.baseline:
        return _finish(Report(identity=identity, canary=Side(passed=198, failed=2), critical=critical), "Decided")
    pairs, side = Pairs(lost=2, tied=196, won=2), Side(passed=196, failed=4)
    return _finish(Report(identity=identity, pairs=pairs, canary=side, stable=side, critical=critical), "Decided")


def bad(identity: Identity) -> Finish:
    """A report of answers that are clearly worse: below the floor, and worse than stable."""
    if not identity.baseline:
        return _finish(Report(identity=identity, canary=Side(passed=20, failed=80)), "Decided")
    pairs = Pairs(lost=60, tied=40, won=0)
    report = Report(identity=identity, pairs=pairs, canary=Side(passed=35, failed=65), stable=Side(passed=95, failed=5))
    return _finish(report, "Decided")


def inconclusive(identity: Identity) -> Finish:
    """A report of a run whose budget ended before the counts decided."""
    if not identity.baseline:
        return _finish(Report(identity=identity, canary=Side(passed=8, failed=2)), "Budget")
    pairs, side = Pairs(lost=1, tied=8, won=1), Side(passed=8, failed=2)
    return _finish(Report(identity=identity, pairs=pairs, canary=side, stable=side), "Budget")


def broken(identity: Identity) -> Finish:
    """A report of a runner that could not do its work."""
    return _finish(Report(identity=identity, error="the judge did not answer"), "Error")


def crashed(_: Identity) -> Finish:
    """The runner ends with an error and no report."""
    return Finish(message="Traceback (most recent call last): …", exit_code=1, container=naming.PROBE_CONTAINER)


def garbage(_: Identity) -> Finish:
    """Something that is no report, from a container that says it ended well."""
    return Finish(message='{"verdict": "Passed"}', container=naming.PROBE_CONTAINER)


def empty(_: Identity) -> Finish:
    """No report at all, from a container that says it ended well."""
    return Finish(container=naming.PROBE_CONTAINER)


def of_another(identity: Identity) -> Finish:
    """A good report, but of another attempt."""
    other = {f: getattr(identity, f) for f in identity.__dataclass_fields__} | {"attempt": identity.attempt + 1}
    return good(Identity(**other))


def evicted(_: Identity) -> Evicted:
    """The Job's own pod is evicted."""
    return Evicted()


def never(_: Identity) -> Silent:
    """The Job's pod never says anything: a run that goes on."""
    return Silent()


def only_first(most: int, *, except_for: str) -> Callable[[Manifest], Behaviour]:
    """Serving pods of other revisions than `except_for` come up only so often, in the order of their first sight."""
    order: list[str] = []

    def behave(pod: Manifest) -> Behaviour:
        name, revision = pod["metadata"]["name"], pod["metadata"]["labels"][naming.LABEL_REVISION]
        if revision != except_for and name not in order:
            order.append(name)
        return by_annotation(pod) if revision == except_for or name in order[:most] else Silent()

    return behave


def _finish(report: Report, end: str) -> Finish:
    asked = max(report.canary.scored, report.pairs.scored)
    fields = {f: getattr(report, f) for f in report.__dataclass_fields__}
    fields |= {"end": end, "probes_seen": min(_PROBES, asked), "usage": Usage(calls=2 * asked, seconds=1.0)}
    return Finish(message=encode(Report(**fields)), container=naming.PROBE_CONTAINER)


class Script:
    """What every pod of a test's namespace does: `answer` for the pods of probe Jobs, annotations for all others.

    `good_reports` are the texts of the good reports that were given: the only evidence that may let users in.
    """

    def __init__(self, answer: Answer = good) -> None:
        self._answer = answer
        self._serve: Callable[[Manifest], Behaviour] = by_annotation
        self._lock = threading.Lock()
        self._asked: list[Identity] = []
        self._good: set[str] = set()

    def use(self, answer: Answer) -> None:
        """Answer runs like this from now on (a pod that has ended stays as it is)."""
        with self._lock:
            self._answer = answer

    def serve(self, behave: Callable[[Manifest], Behaviour]) -> None:
        """Serving pods that come from now on, or change their labels, do this; else what their annotation says."""
        with self._lock:
            self._serve = behave

    def sequence(self, *answers: Answer) -> None:
        """Answer the next runs with these, one each; the last one repeats."""
        left = list(answers)
        given: dict[Identity, Answer] = {}

        def answer(identity: Identity) -> Behaviour:
            if identity not in given:
                given[identity] = left.pop(0) if len(left) > 1 else left[0]
            return given[identity](identity)

        self.use(answer)

    @property
    def asked(self) -> list[Identity]:
        """Every run that was asked for, in order, once."""
        with self._lock:
            return list(self._asked)

    def gave(self, message: str) -> None:
        """Note a good report."""
        self._good.add(message)

    def is_good(self, message: str) -> bool:
        """Whether a termination message is a good report that this script gave."""
        with self._lock:
            return message in self._good

    def __call__(self, pod: Manifest) -> Behaviour:
        """What a pod does; for `PodFaker`."""
        if naming.LABEL_PROBE_FOR not in (pod["metadata"].get("labels") or {}):
            with self._lock:
                return self._serve(pod)
        identity = _identity(pod)
        with self._lock:
            if identity not in self._asked:
                self._asked.append(identity)
            behaviour = self._answer(identity)
            if isinstance(behaviour, Finish) and behaviour.message == good(identity).message:
                self.gave(behaviour.message)
        return behaviour


def _identity(pod: Manifest) -> Identity:
    container = next(c for c in pod["spec"]["containers"] if c["name"] == naming.PROBE_CONTAINER)
    text = next(e["value"] for e in container["env"] if e["name"] == runspec.ENV_RUN)
    return runspec.from_json(text).identity
