"""The informer in virtual time against a scripted API: whatever a watch does, the store ends at the truth."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.shell.entry import entry_of
from serinus.shell.informer import Informer, State
from serinus.shell.kinds import Object
from serinus.shell.kube import ApiError, Event, Listing
from serinus.shell.store import Seen, Store
from tests.engine import scripted
from tests.engine.informers import MARK, News, names, play
from tests.engine.scripted import OPEN, ScriptedApi, Step, added, bookmark, deleted, listing, modified, thing
from tests.engine.virtual import now


def test_list_and_events_fill_the_store_and_are_told() -> None:
    api = ScriptedApi(
        [listing(5, thing("a", 1), thing("b", 2))], [[added("c", 6), modified("a", 7, tier="x"), deleted("b", 8), OPEN]]
    )

    async def story(informer: Informer[None], news: News) -> None:
        await informer.synced.wait()
        await asyncio.sleep(1)
        assert names(informer) == ["a", "c"]
        assert news == [("came", "a"), ("came", "b"), ("came", "c"), ("changed", "a"), ("went", "b")]
        assert informer.state is State.SYNCED
        assert sorted(informer.store.indexed("team-a", "chat")) == ["a", "c"]
        assert informer.store.indexed("team-a", "other") == {}

    play(api, story)


def test_change_in_the_version_alone_is_no_news() -> None:
    api = ScriptedApi([listing(5, thing("a", 1))], [[modified("a", 7), OPEN]])

    async def story(informer: Informer[None], news: News) -> None:
        await asyncio.sleep(1)
        assert news == [("came", "a")]
        seen = informer.store.get("team-a", "a")
        assert seen is not None
        assert seen.entry.resource_version == "7"

    play(api, story)


def test_what_was_learnt_from_our_own_write_is_no_news_when_its_event_comes() -> None:
    api = ScriptedApi([listing(5)], [[bookmark(5), added("mine", 6), added("theirs", 7), OPEN]])

    async def story(informer: Informer[None], news: News) -> None:
        await informer.synced.wait()
        informer.learn(thing("mine", 6))
        await asyncio.sleep(1)
        assert names(informer) == ["mine", "theirs"]
        assert news == [("came", "theirs")]

    play(api, story)


def test_cut_stream_goes_on_from_the_last_version_without_a_list() -> None:
    api = ScriptedApi([listing(5)], [[added("a", 6), scripted.cut()], [added("b", 9), OPEN]])

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(5)
        assert names(informer) == ["a", "b"]
        assert api.watched_from == ["5", "6"]
        assert len(api.listed_at) == 1

    play(api, story)


def test_stream_that_the_server_ends_goes_on_from_the_last_bookmark() -> None:
    api = ScriptedApi([listing(5)], [[bookmark(40)], [added("b", 41), OPEN]])

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(5)
        assert api.watched_from[:2] == ["5", "40"]
        assert names(informer) == ["b"]

    play(api, story)


@pytest.mark.parametrize(
    "fault", [scripted.gone, scripted.internal, scripted.cut], ids=["410", "ERROR 500", "cut at once"]
)
def test_broken_watch_is_healed_by_a_list_which_finds_what_came_and_went(fault: Callable[[], ApiError]) -> None:
    streams: list[list[Step]] = [[fault()], [OPEN]]
    api = ScriptedApi([listing(5, thing("went", 1)), listing(9, thing("came", 8))], streams)

    async def story(informer: Informer[None], news: News) -> None:
        await asyncio.sleep(5)
        assert names(informer) == ["came"]
        assert news == [("came", "went"), ("came", "came"), ("went", "went")]

    play(api, story)


def test_missed_deletion_is_found_by_the_compare_every_ten_minutes() -> None:
    """The defect of kopf: an object that went while the watch was down stays for ever."""
    api = ScriptedApi([listing(5, thing("a", 1), thing("b", 2)), listing(9, thing("b", 2), thing("unseen", 7))])

    async def story(informer: Informer[None], news: News) -> None:
        await asyncio.sleep(500)
        assert names(informer) == ["a", "b"]
        await asyncio.sleep(200)
        assert names(informer) == ["b", "unseen"]
        assert news[2:] == [("came", "unseen"), ("went", "a")]

    play(api, story)


def test_duplicate_and_reordered_events_end_at_the_newest() -> None:
    stream: list[Step] = [
        added("a", 6), added("a", 6), modified("a", 9, tier="new"), modified("a", 7, tier="old"),
        deleted("b", 12), modified("b", 11), deleted("c", 13, uid="first"), OPEN,
    ]  # fmt: skip
    api = ScriptedApi([listing(5, thing("b", 2), thing("c", 20, uid="second"))], [stream])

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(1)
        seen = informer.store.get("team-a", "a")
        assert seen is not None
        assert seen.entry.labels["tier"] == "new"
        assert names(informer) == ["a", "c"]

    play(api, story)


def test_stale_list_takes_nothing_back() -> None:
    """Time travel: another API server, behind, answers the list."""
    fresh, stale = listing(50, thing("new", 40)), listing(30, thing("old", 20))
    api = ScriptedApi([fresh, stale, listing(60, thing("new", 40))], [[scripted.gone()], [OPEN]])

    async def story(informer: Informer[None], news: News) -> None:
        await asyncio.sleep(30)
        assert names(informer) == ["new"]
        assert news == [("came", "new")]

    play(api, story)


def test_cluster_restored_from_a_backup_is_believed_after_some_lists() -> None:
    api = ScriptedApi(
        [listing(50, thing("lost", 40)), listing(30, thing("old", 20))], [[scripted.gone()], [added("next", 31), OPEN]]
    )

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(30)
        assert names(informer) == ["next", "old"]
        assert len(api.listed_at) == 5

    play(api, story)


def test_absent_api_counts_as_in_sync_and_is_watched_as_soon_as_discovery_says_so() -> None:
    api = ScriptedApi([scripted.absent(), listing(5, thing("a", 1))])

    async def story(informer: Informer[None], _news: News) -> None:
        await informer.synced.wait()
        await asyncio.sleep(100)
        assert (informer.state, informer.age(), len(api.listed_at)) == (State.ABSENT, 0.0, 1)
        informer.installed()
        await asyncio.sleep(1)
        assert informer.state is State.SYNCED
        assert names(informer) == ["a"]

    play(api, story)


def test_api_that_is_removed_takes_its_objects_with_it() -> None:
    api = ScriptedApi([listing(5, thing("a", 1)), scripted.absent()], [[scripted.cut()]])

    async def story(informer: Informer[None], news: News) -> None:
        await asyncio.sleep(10)
        assert informer.state is State.ABSENT
        assert news == [("came", "a"), ("went", "a")]

    play(api, story)


@pytest.mark.parametrize("optional", [False, True])
def test_missing_right_keeps_nobody_waiting_for_an_optional_kind_alone(*, optional: bool) -> None:
    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(20)
        assert (informer.state, informer.synced.is_set()) == (State.REFUSED, optional)

    play(ScriptedApi([scripted.forbidden()] * 20, []), story, optional=optional)


def test_revoked_right_keeps_what_is_known_and_is_tried_again_slowly() -> None:
    api = ScriptedApi(
        [listing(5, thing("a", 1)), *[scripted.forbidden()] * 8, listing(9, thing("a", 1))], [[scripted.gone()], [OPEN]]
    )

    async def story(informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(20)
        assert (informer.state, names(informer)) == (State.REFUSED, ["a"])
        await asyncio.sleep(200)
        assert (informer.state, len(api.listed_at)) == (State.SYNCED, 10)

    play(api, story)


def test_server_that_ends_every_stream_at_once_is_not_asked_in_a_tight_loop() -> None:
    api = ScriptedApi([listing(5)], [[] for _ in range(1000)])

    async def story(_informer: Informer[None], _news: News) -> None:
        await asyncio.sleep(600)
        assert len(api.watched_from) < 60

    play(api, story)


def test_age_grows_in_silence_and_falls_with_a_bookmark() -> None:
    api = ScriptedApi([listing(5)])

    async def story(informer: Informer[None], _news: News) -> None:
        await informer.synced.wait()
        await asyncio.sleep(50)
        assert 49 < informer.age() < 51
        await asyncio.sleep(11)
        assert informer.age() < 2
        assert now() > 60

    play(api, story)


def test_memory_of_eight_thousand_entries_is_small() -> None:
    import tracemalloc

    tracemalloc.start()
    store: Store[None] = Store("serinus.dev/service")
    for index in range(8000):
        body = thing(f"object-{index}", index + 1, tier="x")
        fields = {"f:metadata": {"f:labels": {f"f:label-{n}": {} for n in range(30)}}, "f:spec": {"f:selector": {}}}
        managed = {"manager": "serinus", "operation": "Apply", "fieldsV1": fields, "time": "2026-11-21T10:00:00Z"}
        body["metadata"]["managedFields"] = [managed]
        store.offer(("team-a", f"object-{index}"), Seen(entry_of(body, MARK), None))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(store) == 8000
    assert size < 20_000_000


def test_list_takes_away_what_it_does_not_hold_unless_that_is_newer_than_the_list() -> None:
    store: Store[None] = Store()
    store.offer(("team-a", "a"), Seen(entry_of(thing("a", 10), MARK), None))
    assert store.replace({}, "9") == []
    assert list(store) == [("team-a", "a")]
    assert [change.name for change in store.replace({}, "10")] == ["a"]
    assert len(store) == 0


NAMES = st.sampled_from("abc")
HISTORY = st.lists(st.tuples(NAMES, st.sampled_from(["put", "drop"])), max_size=20)


@settings(max_examples=200, deadline=None)
@given(history=HISTORY, data=st.data())
def test_store_ends_at_the_truth_in_any_order_of_events_with_any_list_between(
    history: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Events of a true history, shuffled, doubled or lost, and lists of any moment; then one list of the end."""
    events: list[Event] = []
    truth: dict[str, Object] = {}
    snapshots = [listing(0)]
    for version, (name, verb) in enumerate(history, 1):
        truth = {**truth, name: thing(name, version, uid=f"{name}-{version}")}
        event = deleted(name, version) if verb == "drop" else Event("ADDED", truth[name])
        if verb == "drop":
            del truth[name]
        events.append(event)
        snapshots.append(listing(version, *truth.values()))
    store: Store[None] = Store()
    mixed: list[Event | Listing] = [*events, *snapshots]
    chaos = data.draw(st.lists(st.sampled_from(mixed), max_size=30))
    for item in [*chaos, snapshots[-1]]:
        if isinstance(item, Listing):
            store.replace(
                {("team-a", b["metadata"]["name"]): Seen(entry_of(b, MARK), None) for b in item.items},
                item.resource_version,
            )
        elif item.type == "DELETED":
            store.remove(("team-a", item.object["metadata"]["name"]), item.object["metadata"]["resourceVersion"])
        else:
            store.offer(("team-a", item.object["metadata"]["name"]), Seen(entry_of(item.object, MARK), None))
    assert {name: store.get("team-a", name).entry.uid for _, name in store} == {  # type: ignore[union-attr]
        name: body["metadata"]["uid"] for name, body in truth.items()
    }
