"""Outputs of the whole cluster: recording rules of every runtime in use, and alerts that all services share.

They belong to no service, so nothing collects them with one: those that nobody uses any more are pruned here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from serinus.core import naming
from serinus.core.alert import AlertGroup
from serinus.core.datafile import InvalidCatalogue
from serinus.core.model import Manifest
from serinus.core.runtime import Catalogue
from serinus.resources import service_rules, shared_alerts, signal_rules
from serinus.resources.context import Settings
from serinus.shell.apply import Applier, Sweep, Wanted
from serinus.shell.informer import Informer, Rhythm, Scope
from serinus.shell.kube import Api
from serinus.shell.records import NotSettled
from serinus.shell.settings import variable_name
from serinus.shell.shared_dashboards import dashboards_used
from serinus.shell.watches import Watches
from serinus.shell.world import CONFIGMAP, DASHBOARD, LLMSERVICE, MARK, RULE, Customs

_COMPONENT = naming.LABEL_COMPONENT
_SIGNALS = "signals"
_OF_NO_SERVICE = f"{_COMPONENT} in ({naming.DASHBOARDS},{naming.LOGS})"


def check_observers(names: Iterable[str], catalogue: Catalogue) -> None:
    """Raise InvalidCatalogue for a setting that names what cannot be a second observer."""
    allowed = sorted(name for name, runtime in catalogue.items() if runtime.attaches)
    for name in names:
        if name not in allowed:
            raise InvalidCatalogue(f"{variable_name('observers')}: found {name!r}, allowed are {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class Shared:
    """Keeps the shared outputs as the services in use want them."""

    applier: Applier
    customs: Customs
    catalogue: Catalogue
    settings: Settings
    installed: Callable[[str], bool]
    alerts: tuple[AlertGroup, ...]

    async def run(self) -> float | None:
        """Apply the rules of every runtime in use, and prune the others; raises NotSettled to be tried again."""
        if not self.installed(RULE.api_version):
            return None
        manifests = self._manifests()
        sweep = Sweep(self.settings.operator_namespace, _SIGNALS, [RULE])
        outcomes = await self.applier.apply_all(None, [Wanted.of(m) for m in manifests], sweep)
        failed = [o.message for o in outcomes if o.failed]
        if failed:
            raise NotSettled("; ".join(failed))
        return None

    def _manifests(self) -> list[Manifest]:
        """Rules of our own series; of the runtimes in use, if they are shared by all; of second observers."""
        settings = self.settings
        found = [*service_rules.build(settings)]
        found += shared_alerts.build(self.alerts, settings, dashboards_used(self.customs))
        if settings.cluster_wide:
            found += [m for name in self._used() for m in signal_rules.build(self.catalogue[name], settings)]
        observers = (self.catalogue[name] for name in settings.observers)
        return [*found, *(m for runtime in observers for m in signal_rules.build_attached(runtime, settings))]

    def _used(self) -> Iterable[str]:
        """Names of the runtimes that a service has and the catalogue knows."""
        bodies = (self.customs.get(LLMSERVICE, *key) for key in self.customs.keys(LLMSERVICE))
        names = {str((body.get("spec") or {}).get("runtime", "")) for body in bodies if body is not None}
        return sorted(names & set(self.catalogue))


def shared_watches(api: Api, namespace: str, changed: Callable[[], None], *, rhythm: Rhythm) -> Watches:
    """Watch the shared outputs: informers of their own, for they carry no service's label."""
    scopes = (
        Scope(RULE, namespace, selector=naming.LABEL_RUNTIME, index_label=_COMPONENT, optional=True),
        Scope(CONFIGMAP, namespace, selector=_OF_NO_SERVICE, index_label=_COMPONENT, optional=True),
        Scope(DASHBOARD, namespace, selector=_OF_NO_SERVICE, index_label=_COMPONENT, optional=True),
    )
    return Watches(Informer(api, scope, MARK, on_change=lambda *_: changed(), rhythm=rhythm) for scope in scopes)
