"""Silence, unreadable objects and echoes of our own writes, in virtual time against a scripted API."""

import asyncio

import pytest

from serinus.shell.informer import Informer, Rhythm
from serinus.shell.kinds import Object
from tests.engine import scripted
from tests.engine.informers import News, names, play
from tests.engine.scripted import HANG, OPEN, ScriptedApi, Step, added, bookmark, deleted, listing, modified, thing


def test_silent_watch_is_opened_again_at_its_last_version_without_a_list() -> None:
    """What a hung stream kept back comes with the next one; bookmarks, which are no promise, may simply be rare."""
    api = ScriptedApi([listing(5, thing("a", 1))], [[bookmark(7), HANG], [HANG], [deleted("a", 9), OPEN]])

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(139)
        assert names(informer) == ["a"]
        await asyncio.sleep(3)
        assert names(informer) == []
        assert (api.watched_from, len(api.listed_at)) == (["5", "7", "7"], 1)

    play(api, story)


def test_silence_of_a_stream_that_was_opened_does_not_count_as_a_dead_watch() -> None:
    api = ScriptedApi([listing(5)], [[HANG] for _ in range(20)])

    async def story(informer: Informer[None], _news: News) -> None:
        oldest = 0.0
        for _ in range(580):
            await asyncio.sleep(1)
            oldest = max(oldest, informer.age())
        assert 69 < oldest < 142
        assert len(api.watched_from) == 9

    play(api, story, rhythm=Rhythm(relist=10_000, inactivity=70))


def test_version_that_is_too_old_after_a_silence_is_healed_by_a_list() -> None:
    api = ScriptedApi([listing(5, thing("a", 1)), listing(9)], [[HANG], [scripted.gone()], [OPEN]])

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(72)
        assert names(informer) == []

    play(api, story)


def test_object_that_cannot_be_read_is_counted_and_named_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def project(body: Object) -> str:
        return str(body["metadata"]["labels"]["tier"])

    stream: list[Step] = [modified("sound", 6), added("later", 7, tier="x"), modified("broken", 8, tier="y"), OPEN]
    api = ScriptedApi([listing(5, thing("broken", 1), thing("sound", 2, tier="x"))], [stream])

    async def story(informer: Informer[None], news: News) -> None:
        await informer.synced.wait()
        broken, sound = informer.store.get("team-a", "broken"), informer.store.get("team-a", "sound")
        assert broken is not None
        assert sound is not None
        assert (broken.readable, sound.readable, informer.reader.failures) == (False, True, 1)
        await asyncio.sleep(1)
        found = {name: seen.readable for name, seen in informer.store.indexed("team-a", "chat").items()}
        assert found == {"broken": True, "sound": False, "later": True}
        assert (informer.reader.failures, len(news)) == (2, 5)

    play(api, story, project=project)
    said = [getattr(record, "fields") for record in caplog.records if record.getMessage() == "unreadable"]  # noqa: B009
    assert [(fields["object"], fields["error"]) for fields in said] == [
        ("Thing team-a/broken", "KeyError: 'tier'"),
        ("Thing team-a/sound", "KeyError: 'tier'"),
    ]


def test_echo_of_our_own_write_is_not_read_once_more() -> None:
    read: list[str] = []

    def project(body: Object) -> None:
        read.append(body["metadata"]["resourceVersion"])

    api = ScriptedApi([listing(5)], [[bookmark(5), added("mine", 6), modified("mine", 8), OPEN]])

    async def story(informer: Informer[None], news: News) -> None:
        await informer.synced.wait()
        informer.learn(thing("mine", 6))
        await asyncio.sleep(1)
        assert (read, news) == (["6", "8"], [])

    play(api, story, project=project)
