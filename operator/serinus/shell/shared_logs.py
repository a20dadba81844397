"""Log outputs of the whole installation: `config.alloy` and Promtail's whole file, in the operator's namespace.

They belong to no service, and are pruned when nothing wants them. It never touches a ConfigMap that it did not make.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from serinus.core import naming
from serinus.core.logs import Profile, profile_of
from serinus.core.model import Manifest
from serinus.core.runtime import Catalogue
from serinus.resources import log_pipeline, promtail
from serinus.resources.context import Settings
from serinus.resources.log_source import LogSource, read_source
from serinus.shell.api_errors import NotFound
from serinus.shell.apply import Applier, Sweep, Wanted
from serinus.shell.kinds import Ref
from serinus.shell.kube import Api
from serinus.shell.records import NotSettled
from serinus.shell.world import CONFIGMAP, LLMSERVICE, Customs


@dataclass(frozen=True, slots=True)
class SharedLogs:
    """Keeps the files of the log agents as the services in use want them."""

    api: Api
    applier: Applier
    customs: Customs
    catalogue: Catalogue
    settings: Settings

    async def run(self) -> None:
        """Apply the files, or prune what is no longer wanted; raises NotSettled to be tried again.

        An Alloy that mounts `config.alloy` cannot start without it: it stays while there is an address for the lines.
        """
        manifests = await self._manifests() if self.settings.logs.loki_url else []
        sweep = Sweep(self.settings.operator_namespace, naming.LOGS, [CONFIGMAP])
        outcomes = await self.applier.apply_all(None, [Wanted.of(m) for m in manifests], sweep)
        failed = [o.message for o in outcomes if o.failed]
        if failed:
            raise NotSettled("; ".join(failed))

    async def _manifests(self) -> list[Manifest]:
        namespace, logs = self.settings.operator_namespace, self.settings.logs
        alloy, whole = await self._last(naming.ALLOY_CONFIG), await self._last(naming.PROMTAIL_CONFIG)
        sources = list(self._sources({}))
        if len(sources) < len(self.customs.keys(LLMSERVICE)):
            sources = list(self._sources(promtail.profiles_in(whole)))
        profiles = {source.profile for source in sources} | self._of_unread(sources, alloy)
        found = [log_pipeline.build_config(log_pipeline.configuration(profiles, logs, alloy).text, namespace)]
        asked = [source for source in sources if source.promtail]
        if asked:
            found.append(promtail.build_config(promtail.merged(asked, logs, whole), namespace))
        return found

    def _sources(self, last: dict[str, Profile]) -> Iterator[LogSource]:
        for key in self.customs.keys(LLMSERVICE):
            body = self.customs.get(LLMSERVICE, *key)
            source = read_source(body, self.catalogue, last) if body is not None else None
            if source is not None:
                yield source

    def _of_unread(self, sources: list[LogSource], last: str) -> set[Profile]:
        """Profiles in force, while there is a service of which nobody knows which of them it uses."""
        if len(sources) == len(self.customs.keys(LLMSERVICE)):
            return set()
        return {profile for name in log_pipeline.sections(last) if (profile := profile_of(name)) is not None}

    async def _last(self, name: str) -> str:
        """The text of a ConfigMap of ours as it is now; empty if there is none."""
        try:
            body = await self.api.get(Ref(CONFIGMAP, self.settings.operator_namespace, name))
        except NotFound:
            return ""
        return "".join(str(text) for text in (body.get("data") or {}).values())
