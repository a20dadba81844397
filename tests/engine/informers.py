"""A story beside an informer of a scripted API, in virtual time."""

from collections.abc import Awaitable, Callable
from typing import Any

from serinus.shell.entry import Mark
from serinus.shell.informer import Informer, Rhythm, Scope
from serinus.shell.kinds import Kind, Object
from serinus.shell.store import Seen
from tests.engine.scripted import ScriptedApi
from tests.engine.virtual import run_virtual
from tests.engine.waiting import running

THINGS = Kind("example.dev", "v1", "things", "Thing")
MARK = Mark("serinus", "serinus.dev/applied")
News = list[tuple[str, str]]
Story = Callable[[Informer[None], News], Awaitable[None]]


def play(
    api: ScriptedApi,
    story: Story,
    *,
    rhythm: Rhythm | None = None,
    optional: bool = False,
    project: Callable[[Object], Any] | None = None,
) -> None:
    """Run a story beside an informer of this API."""
    news: News = []

    def on_change(_namespace: str, name: str, old: Seen[None] | None, new: Seen[None] | None) -> None:
        verb = "came" if old is None else "went" if new is None else "changed"
        news.append((verb, name))

    async def run() -> None:
        scope = Scope(THINGS, "team-a", "", "serinus.dev/service", optional=optional)
        informer = Informer[None](
            api,  # type: ignore[arg-type]
            scope, MARK, on_change=on_change, project=project, rhythm=rhythm or Rhythm(relist=600, inactivity=70),
        )  # fmt: skip
        async with running(informer.run()):
            await story(informer, news)

    run_virtual(run())


def names(informer: Informer[None]) -> list[str]:
    """Names of the objects in the store, sorted."""
    return sorted(name for _, name in informer.store)
