"""ProbeSets, ProbeRuns and Decisions that the API server must refuse, each with a part of what it says."""

from tests.api.table import Row, judges

RECORDS = [
    Row(
        "two sources", {"source": {"configMapRef": {"name": "x"}}}, "exactly one of inline and configMapRef", "ProbeSet"
    ),
    Row("no source", {"source": {"inline": None}}, "exactly one of inline and configMapRef", "ProbeSet"),
    Row("a text of 201 KiB", {"source": {"inline": "x" * 205825}}, "may not be more than 204800", "ProbeSet"),
    Row("an unknown format", {"format": "xml"}, 'spec.format: Unsupported value: "xml"', "ProbeSet"),
    Row("two judges", judges("a", "b"), "write 1, 3 or 5 judges", "ProbeSet"),
    Row("seven judges", judges(*"abcdefg"), "must have at most 5 items", "ProbeSet"),
    Row(
        "a judge that is nowhere",
        {"judges": [{"name": "a", "model": "m"}]},
        "write exactly one of serviceRef",
        "ProbeSet",
    ),
    Row(
        "a judge by its address",
        {"judges": [{"name": "a", "model": "m", "endpointRef": {"name": "http://10.0.0.1/"}}]},
        "endpointRef.name",
        "ProbeSet",
    ),
    Row("a temperature of 3", {"request": {"temperature": 3}}, "spec.request.temperature", "ProbeSet"),
    Row("300 calls at once", {"request": {"concurrency": 300}}, "spec.request.concurrency", "ProbeSet"),
    Row("an answer without end", {"request": {"timeout": "2h"}}, "write from 1s to 1h", "ProbeSet"),
    Row("a revision that is no revision", {"revision": "latest"}, "spec.revision", "ProbeRun"),
    Row("a digest that is cut", {"probeSet": {"digest": "sha256:3f"}}, "spec.probeSet.digest", "ProbeRun"),
    Row("an unknown purpose", {"purpose": "Fun"}, "spec.purpose: Unsupported value", "ProbeRun"),
    Row("a step before traffic", {"step": 0}, "remove step", "ProbeRun"),
    Row("a step's run without its step", {"purpose": "EachStep"}, "write step, the index", "ProbeRun"),
    Row(
        "a self-test of two revisions",
        {"purpose": "SelfTest"},
        "write the same revision in revision and baseline",
        "ProbeRun",
    ),
    Row("an approval without evidence", {"evidence": None}, "write evidence", "Decision"),
    Row("an approval of nothing", {"revision": None}, "write revision", "Decision"),
    Row(
        "an approval of any service of that name",
        {"llmServiceRef": {"uid": None}},
        "write llmServiceRef.uid",
        "Decision",
    ),
    Row("an approval without a reason", {"reason": None}, "write reason", "Decision"),
    Row("an abort of nothing", {"action": "Abort", "revision": None}, "write revision", "Decision"),
    Row("a freeze of one revision", {"action": "Freeze"}, "remove revision", "Decision"),
    Row(
        "a freeze without a reason", {"action": "Freeze", "revision": None, "reason": None}, "write reason", "Decision"
    ),
    Row("a decision by nobody", {"by": None}, "spec.by: Required value", "Decision"),
    Row("an unknown action", {"action": "Ignore"}, "spec.action: Unsupported value", "Decision"),
]
