"""One cluster with the operator for all end-to-end tests, made as the demo makes it, and the demo's first revision."""

from collections.abc import Iterator

import pytest

from tests.cluster import clusters, state
from tests.e2e.demo import cluster, settings, story


@pytest.fixture(scope="session")
def first_revision() -> Iterator[story.Row]:
    """A cluster in which the first revision serves and users ask all the time; removed at the end."""
    cluster.prepare(use_kubeconfig=False)
    cluster.remove()
    cluster.install()
    cluster.apply_team()
    row = story.make(settings.CHANGES[0])
    cluster.start_users()
    yield row
    with clusters.exclusive():
        clusters.down(state.read_mode(), keep=False)
