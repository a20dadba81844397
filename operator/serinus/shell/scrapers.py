"""The Prometheus objects of the cluster: which monitors and rules are taken up. It reads them and decides nothing.

Only a cluster-wide installation may read them; without the right, or without the API, nothing is known.
"""

from collections.abc import Callable
from typing import Any

from serinus.core.scrapers import Scraper, scraper_of
from serinus.shell.informer import Informer, Rhythm, Scope
from serinus.shell.kube import Api
from serinus.shell.store import Seen
from serinus.shell.world import MARK, PROMETHEUS


class Scrapers:
    """What every Prometheus of the cluster selects; `changed` is called when one of them wants something else."""

    def __init__(self, api: Api, changed: Callable[[], None], *, cluster_wide: bool, rhythm: Rhythm) -> None:
        self._changed = changed
        self.informers: list[Informer[Scraper]] = []
        if cluster_wide:
            scope = Scope(PROMETHEUS, optional=True)
            self.informers = [
                Informer(api, scope, MARK, on_change=self._seen, project=scraper_of, rhythm=rhythm),
            ]

    def found(self) -> tuple[Scraper, ...]:
        """Every Prometheus object, as it was last seen."""
        seen = (informer.store.get(*key) for informer in self.informers for key in informer.store)
        return tuple(s.value for s in seen if s is not None and isinstance(s.value, Scraper))

    def _seen(self, _namespace: str, _name: str, old: Seen[Any] | None, new: Seen[Any] | None) -> None:
        if (old and old.value) != (new and new.value):
            self._changed()
