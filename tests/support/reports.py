"""Reports of runs that the tests of the verdict judge: the published examples and undecided ones. No expectation."""

from dataclasses import replace

from serinus.core.model import Budget, GatePolicy
from serinus.core.report import Identity, Pairs, Report, Side, Usage, Worst

POLICY = GatePolicy(
    floor=0.8,
    margin=0.05,
    tolerance=0.0,
    alpha=0.05,
    beta=0.1,
    budget=Budget(pairs=1000, tokens=2_000_000, duration=7200),
)
PAIRED = Identity(
    namespace="shop",
    service="chat",
    revision="r5f9c1a03be",
    baseline="r8d21bb77f0",
    gate="support",
    purpose="BeforeTraffic",
    step=-1,
    attempt=0,
    digest="sha256:00",
)
FIRST = replace(PAIRED, baseline="")
PROBES = 100

WORSE = Report(  # the published example: evidence 23.4
    identity=PAIRED,
    pairs=Pairs(lost=18, tied=183, won=5),
    canary=Side(passed=182, failed=24),
    stable=Side(passed=195, failed=11),
    probes_seen=100,
    usage=Usage(calls=412),
    worst=(Worst(probe="refund-03", canary="0/3", stable="3/3", example="no idea"),),
    end="Decided",
)
GOOD = Report(  # the other published example: evidence 196
    identity=PAIRED,
    pairs=Pairs(lost=2, tied=191, won=3),
    canary=Side(passed=190, failed=6),
    stable=Side(passed=189, failed=7),
    probes_seen=100,
    usage=Usage(calls=392),
    end="Decided",
)
OPEN = Report(
    identity=PAIRED,
    pairs=Pairs(lost=2, tied=45, won=3),
    canary=Side(passed=48, failed=2),
    stable=Side(passed=47, failed=3),
    probes_seen=50,
    usage=Usage(calls=100),
)
FIRST_GOOD = Report(identity=FIRST, canary=Side(passed=98, failed=2), probes_seen=100, usage=Usage(calls=100))
FIRST_BAD = Report(identity=FIRST, canary=Side(passed=60, failed=40), probes_seen=100, usage=Usage(calls=100))
