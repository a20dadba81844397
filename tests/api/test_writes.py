"""Nothing is written when nothing changed: with fifty services at rest, over several resyncs, and on a restart."""

from collections.abc import Iterator

import pytest

from tests.support.apibed import ApiBed
from tests.support.faultproxy import FaultProxy
from tests.support.load.fleet import Fleet
from tests.support.operatorproc import Operator, namespaced
from tests.support.processes import eventually

pytestmark = pytest.mark.api

SERVICES = 50
RESYNCS = 4
RESYNC = 15


@pytest.fixture(scope="module")
def fleet(controlled_bed: ApiBed) -> Iterator[tuple[Fleet, Operator, FaultProxy]]:
    """Fifty services whose first revision is promoted."""
    bed = controlled_bed
    namespace = bed.new_namespace()
    proxy = FaultProxy(bed)
    operator = namespaced(bed, namespace, url=proxy.url, RESYNC=f"{RESYNC}s")
    with Fleet(bed, [namespace], SERVICES) as many:
        try:
            operator.start()
            many.deploy()
            many.wait_stable(seconds=120)
            many.wait_quiet(proxy.writes, seconds=60)
            yield many, operator, proxy
        finally:
            operator.close()
            proxy.close()


def _resyncs(proxy: FaultProxy) -> int:
    """How often everything was compared: each time our own kinds are listed, besides the lists at the start."""
    return sum(c.verb == "list" and c.path.endswith("/decisions") for c in proxy.calls())


def test_fifty_services_at_rest_cost_no_write_over_several_resyncs(fleet: tuple[Fleet, Operator, FaultProxy]) -> None:
    _, operator, proxy = fleet
    already, writes = _resyncs(proxy), len(proxy.writes())
    eventually(lambda: _resyncs(proxy) >= already + RESYNCS, "several resyncs", seconds=RESYNCS * RESYNC * 2)
    assert proxy.writes()[writes:] == []
    assert not operator.ended


def test_a_restart_costs_no_write(fleet: tuple[Fleet, Operator, FaultProxy]) -> None:
    _, operator, proxy = fleet
    assert operator.stop() == 0
    writes = len(proxy.writes())
    operator.start()
    already = _resyncs(proxy)
    # One more list is the first one of kopf; the next one is a resync.
    eventually(lambda: _resyncs(proxy) >= already + 2, "the first resync after the restart", seconds=RESYNC * 3)
    assert proxy.writes()[writes:] == []
