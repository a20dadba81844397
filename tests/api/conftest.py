"""Fixtures of the tests against a real API server."""

from collections.abc import Iterator

import pytest

from tests.support.apibed import ApiBed, bed, controlled_bed, namespace
from tests.support.operatorproc import Operator
from tests.support.team import Team, a_team

__all__ = ["bed", "controlled_bed", "namespace", "operator", "team"]


@pytest.fixture(scope="module")
def operator(controlled_bed: ApiBed) -> Iterator[Operator]:
    """One operator for the whole cluster, with the usual Lease, for the tests of a module."""
    bed = controlled_bed
    settings = {"NAMESPACE": bed.new_namespace(), "RESYNC": "20s"}
    running = Operator(bed.kubeconfig(), bed.server.folder / f"operator-{settings['NAMESPACE']}.log", settings)
    try:
        yield running.start()
        assert not running.ended, f"the operator ended by itself: {running.tail(40)}"
    finally:
        running.close()


@pytest.fixture
def team(controlled_bed: ApiBed, operator: Operator) -> Iterator[Team]:
    """A team in a namespace of its own."""
    with a_team(controlled_bed, operator) as one:
        yield one
