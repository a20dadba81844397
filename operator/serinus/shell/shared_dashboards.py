"""Dashboards of the whole installation: that of services and that of the fleet, in the operator's namespace.

They belong to no service, and are pruned when no service wants one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from serinus.core import naming
from serinus.core.model import Dashboard, Manifest
from serinus.core.runtime import Catalogue
from serinus.resources import dashboard
from serinus.resources.context import Settings
from serinus.shell.apply import Applier, Sweep, Wanted
from serinus.shell.records import NotSettled
from serinus.shell.world import CONFIGMAP, DASHBOARD, LLMSERVICE, Customs


@dataclass(frozen=True, slots=True)
class SharedDashboards:
    """Keeps the shared dashboards as the services in use want them."""

    applier: Applier
    customs: Customs
    catalogue: Catalogue
    settings: Settings
    installed: Callable[[str], bool]
    made: dict[frozenset[Dashboard], list[Manifest]] = field(default_factory=dict)
    """What was built before: it comes of what services ask for, and of nothing else that changes."""

    async def run(self) -> None:
        """Apply the dashboards, or prune what is no longer wanted; raises NotSettled to be tried again."""
        if self.settings.grafanas and not self.installed(DASHBOARD.api_version):
            return
        used = dashboards_used(self.customs)
        if used not in self.made:
            self.made[used] = dashboard.build_shared(used, self.catalogue, self.settings)
        sweep = Sweep(self.settings.operator_namespace, naming.DASHBOARDS, [CONFIGMAP, DASHBOARD])
        outcomes = await self.applier.apply_all(None, [Wanted.of(m) for m in self.made[used]], sweep)
        failed = [o.message for o in outcomes if o.failed]
        if failed:
            raise NotSettled("; ".join(failed))


def dashboards_used(customs: Customs) -> frozenset[Dashboard]:
    """What services ask for; one that cannot be read has the default."""
    return frozenset(_asked(customs))


def _asked(customs: Customs) -> Iterator[Dashboard]:
    for key in customs.keys(LLMSERVICE):
        spec = (customs.get(LLMSERVICE, *key) or {}).get("spec") or {}
        asked = ((spec.get("monitoring") or {}).get("outputs") or {}).get("dashboard")
        yield Dashboard(asked) if asked in tuple(Dashboard) else Dashboard.SHARED
