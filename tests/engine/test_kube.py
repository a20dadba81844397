"""The API client over real sockets, in virtual time, against scripted answers: bounds, retries, errors, the fence."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from serinus.shell.api_errors import NotLeader
from serinus.shell.kinds import Kind, Ref
from serinus.shell.kube import ApiError, Conflict, Gone, NotFound, Refused, Unavailable
from serinus.shell.limits import Limiter
from serinus.shell.login import Credentials, LoginFailed, load_credentials
from serinus.shell.transport import MAX_BODY, SILENCE
from tests.engine.httpfake import THINGS, Answer, Client, client, raw, reset, says, slow, status, stream
from tests.engine.virtual import now, run_virtual

REF = Ref(THINGS, "team-a", "one")
MANIFEST = {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": "one", "namespace": "team-a"}}
BODY = {**MANIFEST, "metadata": {**MANIFEST["metadata"], "resourceVersion": "7"}}  # type: ignore[dict-item]
Verb = Callable[[Client], Awaitable[object]]
get: Verb = lambda c: c.api.get(REF)  # noqa: E731
apply: Verb = lambda c: c.api.apply(MANIFEST)  # noqa: E731
bound_apply: Verb = lambda c: c.api.apply(MANIFEST, resource_version="7")  # noqa: E731
create: Verb = lambda c: c.api.create(MANIFEST)  # noqa: E731
merge: Verb = lambda c: c.api.patch_merge(REF, {"spec": {}})  # noqa: E731
set_status: Verb = lambda c: c.api.patch_status(REF, {"phase": "x"}, resource_version="7")  # noqa: E731
delete: Verb = lambda c: c.api.delete(REF, uid="u")  # noqa: E731


def asking(verb: Verb, *answers: Answer, **more: object) -> tuple[Client, object]:
    """Make one call; the client with its notes, and the result or the error."""

    async def play() -> tuple[Client, object]:
        async with client(*answers, **more) as connected:  # type: ignore[arg-type]
            try:
                return connected, await verb(connected)
            except (ApiError, NotLeader) as error:
                return connected, error

    return run_virtual(play())


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (400, "BadRequest", Refused), (403, "Forbidden", Refused), (404, "NotFound", NotFound), (405, "", Refused),
        (409, "Conflict", Conflict), (410, "Expired", Gone), (413, "", Refused), (422, "Invalid", Refused),
        (429, "TooManyRequests", Unavailable), (500, "InternalError", Unavailable), (503, "", Unavailable),
        (504, "Timeout", Unavailable), (302, "", Unavailable),
    ],
)  # fmt: skip
def test_every_status_code_has_its_error(code: int, reason: str, error: type[ApiError]) -> None:
    _, result = asking(create, status(code, reason, "the server's sentence"))
    assert type(result) is error
    assert (result.code, result.reason, result.message) == (code, reason, "the server's sentence")
    assert str(result).startswith("create /apis/example.dev/v1/namespaces/team-a/things: ")


def test_unknown_field_in_an_apply_is_refused_though_the_server_calls_it_internal() -> None:
    message = "failed to create typed patch object (a/b; /v1, Kind=Service): .spec.x: field not declared in schema"
    _, result = asking(apply, status(500, "", message))
    assert isinstance(result, Refused)


def test_answer_that_is_no_status_is_an_error_all_the_same() -> None:
    async def page(_request: object) -> object:
        from aiohttp import web

        return web.Response(status=502, text="<html>bad gateway</html>")

    _, result = asking(create, page)  # type: ignore[arg-type]
    assert isinstance(result, Unavailable)
    assert "bad gateway" in result.message


@pytest.mark.parametrize(
    "fault", [status(500), status(503), status(429), reset, raw('{"cut')], ids=["500", "503", "429", "reset", "cut"]
)
@pytest.mark.parametrize("verb", [get, apply, merge, delete], ids=["get", "apply", "merge", "delete"])
def test_call_that_may_be_repeated_survives_two_faults(verb: Verb, fault: Answer) -> None:
    made, result = asking(verb, fault, fault, says(200, BODY))
    assert not isinstance(result, Exception), result
    assert len(made.server.asked) == 3


def test_third_fault_is_told() -> None:
    made, result = asking(get, status(500))
    assert isinstance(result, Unavailable)
    assert len(made.server.asked) == 3


@pytest.mark.parametrize("fault", [status(500), reset, raw('{"cut')], ids=["500", "reset", "cut"])
@pytest.mark.parametrize("verb", [create, bound_apply, set_status], ids=["create", "bound apply", "status"])
def test_call_that_may_not_be_repeated_is_sent_once(verb: Verb, fault: Answer) -> None:
    made, result = asking(verb, fault, says(200, BODY))
    assert isinstance(result, Unavailable)
    assert len(made.server.asked) == 1


def test_retry_after_is_kept_and_holds_back_the_other_calls_too() -> None:
    async def play() -> None:
        async with client(status(429, Retry_After="2"), says(200, BODY)) as connected:
            first = asyncio.create_task(connected.api.get(REF))
            await asyncio.sleep(0.1)
            await connected.api.get(REF)
            await first
            assert [asked.at >= 2 for asked in connected.server.asked] == [False, True, True]

    run_virtual(play())


def test_long_retry_after_is_left_to_the_queue() -> None:
    made, result = asking(get, status(429, Retry_After="60"))
    assert isinstance(result, Unavailable)
    assert (result.retry_after, len(made.server.asked)) == (60.0, 1)


def test_write_ends_within_its_timeout_however_slow_the_server_is() -> None:
    async def play() -> None:
        async with client(slow(30, says(201, BODY))) as connected:
            with pytest.raises(Unavailable):
                await connected.api.create(MANIFEST)
            assert now() == pytest.approx(4.0, abs=0.1)

    run_virtual(play())


def test_body_over_the_bound_is_an_error_and_not_the_end_of_memory() -> None:
    chunk = b"x" * (4 * 1024 * 1024)
    _, result = asking(create, stream(*[chunk] * (MAX_BODY // len(chunk) + 1)))
    assert isinstance(result, Unavailable)
    assert result.reason == "BodyTooLarge"


def test_rotated_token_is_read_again_once() -> None:
    made, result = asking(create, status(401), says(201, BODY), tokens=["old", "new", "never"])
    assert result == BODY
    assert [asked.headers["Authorization"] for asked in made.server.asked] == ["Bearer old", "Bearer new"]
    assert made.tokens == ["never"]


def test_token_that_stays_refused_is_unavailable() -> None:
    made, result = asking(create, status(401), tokens=["old", "new", "never"])
    assert isinstance(result, Unavailable)
    assert len(made.server.asked) == 2


def test_service_account_s_token_is_read_from_its_file_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    credentials = Credentials("https://x", None, "", None, path, lambda: pytest.fail("not a reason to load everything"))
    assert credentials.reload().headers() == {"Authorization": "Bearer first"}
    path.write_text("second\n")
    assert credentials.reload().headers() == {"Authorization": "Bearer second"}
    path.unlink()
    with pytest.raises(LoginFailed, match="token"):
        credentials.reload()


def test_missing_credentials_are_named(tmp_path: Path) -> None:
    with pytest.raises(LoginFailed, match="no-such-file"):
        load_credentials(tmp_path / "no-such-file")


@pytest.mark.parametrize("verb", [apply, bound_apply, create, merge, set_status, delete])
def test_fence_is_asked_before_every_write_and_nothing_is_sent_when_it_refuses(verb: Verb) -> None:
    def fence() -> None:
        raise NotLeader("lost")

    made, result = asking(verb, says(200, BODY), fence=fence)
    assert isinstance(result, NotLeader)
    assert made.server.asked == []


def test_reads_pass_the_fence() -> None:
    def fence() -> None:
        raise NotLeader("lost")

    _, result = asking(get, says(200, BODY), fence=fence)
    assert result == BODY


def test_fence_is_asked_again_before_the_second_try() -> None:
    asked_at: list[float] = []

    def fence() -> None:
        asked_at.append(now())
        if len(asked_at) == 2:
            raise NotLeader("lost meanwhile")

    made, result = asking(apply, status(503), says(200, BODY), fence=fence)
    assert isinstance(result, NotLeader)
    assert len(made.server.asked) == 1


def test_fence_is_asked_after_the_wait_for_a_token_and_not_before() -> None:
    async def play() -> None:
        asked_at: list[float] = []
        limiter = Limiter(qps=0.1, burst=1, concurrency=1)
        async with client(says(201, BODY), fence=lambda: asked_at.append(now()), limiter=limiter) as connected:
            await connected.api.create(MANIFEST)
            await connected.api.create(MANIFEST)
        assert asked_at == [pytest.approx(0, abs=0.1), pytest.approx(10, abs=0.1)]

    run_virtual(play())


def test_calls_are_bounded_in_rate_and_in_number() -> None:
    async def play() -> None:
        limiter = Limiter(qps=10, burst=5, concurrency=2)
        async with client(slow(0.05, says(200, BODY)), limiter=limiter) as connected:
            await asyncio.gather(*(connected.api.get(REF) for _ in range(25)))
            times = sorted(asked.at for asked in connected.server.asked)
        assert now() == pytest.approx(2.0, abs=0.2)
        assert times[4] == pytest.approx(0.1, abs=0.05)

    run_virtual(play())


def test_every_exchange_is_told_with_the_rights_that_it_took() -> None:
    made, _ = asking(apply, status(503), says(201, BODY))
    assert [(call.verb, call.target.group, call.target.resource, call.code) for call in made.calls] == [
        ("patch", "example.dev", "things", 503), ("patch", "example.dev", "things", 201),
    ]  # fmt: skip
    assert [call.rights for call in made.calls] == [("patch",), ("patch", "create")]
    made, _ = asking(set_status, reset)
    assert [(call.target.subresource, call.code) for call in made.calls] == [("status", 0)]


def test_requests_say_what_they_mean() -> None:
    async def play() -> None:
        async with client(says(200, BODY)) as connected:
            api = connected.api
            await api.apply(MANIFEST, force=True, resource_version="7", dry_run=True)
            await api.patch_merge(REF, {"metadata": {"labels": {"a": "b"}}}, resource_version="8")
            await api.patch_status(REF, {"phase": "x"}, resource_version="9")
            await api.delete(REF, uid="u", resource_version="9", propagation="Foreground")
            await api.get(REF, metadata_only=True)
        applied, merged, stated, removed, got = connected.server.asked
        assert applied.query == {
            "fieldManager": "serinus",
            "force": "true",
            "dryRun": "All",
            "fieldValidation": "Strict",
        }
        assert applied.body["metadata"]["resourceVersion"] == "7"
        assert "resourceVersion" not in MANIFEST["metadata"]
        assert merged.body == {"metadata": {"labels": {"a": "b"}, "resourceVersion": "8"}}
        assert stated.path.endswith("/things/one/status")
        assert stated.body[0] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "9"}
        assert removed.body["preconditions"] == {"uid": "u", "resourceVersion": "9"}
        assert removed.body["propagationPolicy"] == "Foreground"
        assert "PartialObjectMetadata;" in got.headers["Accept"]

    run_virtual(play())


def test_name_that_no_object_can_have_stays_one_name() -> None:
    async def play() -> None:
        async with client(says(200, BODY)) as connected:
            await connected.api.get(Ref(THINGS, "ns", "one?watch=1#x/../two é"))
            await connected.api.list(THINGS, "ns", "a in (b,c),d!=e")
        got, listed = connected.server.asked
        assert got.path.endswith("/namespaces/ns/things/one?watch=1#x/../two é")
        assert got.query == {}
        assert listed.query["labelSelector"] == "a in (b,c),d!=e"

    run_virtual(play())


def test_server_that_cannot_leave_the_rest_out_sends_whole_objects() -> None:
    async def play() -> None:
        async with client(says(201, BODY)) as connected:
            body, created = await connected.api.apply(MANIFEST, metadata_only=True)
        assert (body, created) == (BODY, True)
        first, second = connected.server.asked[0].headers["Accept"].split(",")
        assert first.startswith("application/json;as=PartialObjectMetadata;")
        assert second == "application/json"

    run_virtual(play())


def page(version: int, token: str, *names: str) -> Answer:
    items = [{"metadata": {"name": name}} for name in names]
    return says(200, {"metadata": {"resourceVersion": str(version), "continue": token}, "items": items})


def test_list_is_read_in_pages_and_begun_again_once_when_its_token_expires() -> None:
    async def play() -> None:
        answers = [page(5, "t1", "a"), status(410, "Expired"), page(9, "t2", "a", "b"), page(9, "", "c")]
        async with client(*answers) as connected:
            found = await connected.api.list(THINGS, "team-a", "x=y", metadata_only=True, limit=2)
        assert [item["metadata"]["name"] for item in found.items] == ["a", "b", "c"]
        assert found.resource_version == "9"
        last = connected.server.asked[-1]
        assert last.query == {"limit": "2", "labelSelector": "x=y", "continue": "t2"}
        assert "PartialObjectMetadataList" in last.headers["Accept"]

    run_virtual(play())


def line(kind: str, name: str = "a", **more: object) -> bytes:
    return json.dumps({"type": kind, "object": {"metadata": {"name": name}, **more}}).encode() + b"\n"


def watching(*answers: Answer) -> tuple[list[str], object, Client, float]:
    """Watch once; names of the objects seen, the error if any, the client, and the time at the end."""

    async def play() -> tuple[list[str], object, Client, float]:
        seen: list[str] = []
        error: object = None
        async with client(*answers) as connected:
            try:
                async for event in connected.api.watch(THINGS, "team-a", "x=y", resource_version="5", inactivity=70):
                    seen.append(event.object["metadata"]["name"])  # noqa: PERF401 - what came before the error counts
            except ApiError as raised:
                error = raised
            return seen, error, connected, now()

    return run_virtual(play())


def test_watch_puts_events_together_however_the_bytes_are_cut() -> None:
    text = line("ADDED", "first") + line("MODIFIED", "sécond") + line("BOOKMARK", "third")
    seen, error, made, _ = watching(stream(text[:10], text[10:75], text[75:76], text[76:]))
    assert seen == ["first", "sécond", "third"]
    assert error is None
    query = made.server.asked[0].query
    assert (query["resourceVersion"], query["allowWatchBookmarks"], query["labelSelector"]) == ("5", "true", "x=y")


@pytest.mark.parametrize(
    ("answers", "error", "reason"),
    [
        (stream(line("ADDED"), line("ERROR", code=410, reason="Expired")), Gone, "Expired"),
        (stream(line("ADDED"), line("ERROR", code=500, reason="InternalError")), Unavailable, "InternalError"),
        (stream(line("ADDED"), b'{"type": "ADDED"\n'), Unavailable, "BadEvent"),
        (stream(line("ADDED"), then="cut"), Unavailable, "ClientPayloadError"),
        (stream(line("ADDED"), then="hang"), Unavailable, SILENCE),
    ],
    ids=["410", "500", "cut JSON", "cut stream", "hung"],
)
def test_watch_that_breaks_says_how(answers: Answer, error: type[ApiError], reason: str) -> None:
    seen, raised, _, when = watching(answers)
    assert seen == ["a"]
    assert isinstance(raised, error)
    assert raised.reason == reason
    assert (when >= 70) == (reason == SILENCE)


def test_watch_that_is_not_accepted_says_why() -> None:
    _, raised, made, _ = watching(status(403, "Forbidden", "no"))
    assert isinstance(raised, Refused)
    assert [(call.verb, call.code) for call in made.calls] == [("watch", 403)]


def test_event_without_an_end_is_bounded() -> None:
    chunk = b"x" * (8 * 1024 * 1024)
    _, raised, _, _ = watching(stream(*[chunk] * 5))
    assert isinstance(raised, Unavailable)
    assert raised.reason == "BodyTooLarge"


def test_manifest_of_an_unknown_kind_is_a_bug_that_is_named() -> None:
    async def play() -> None:
        async with client(says(200)) as connected:
            with pytest.raises(LookupError, match="v1 Secret: not among the kinds"):
                await connected.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}})

    run_virtual(play())


def test_paths_of_every_form_of_kind() -> None:
    pods = Kind("", "v1", "pods", "Pod")
    nodes = Kind("", "v1", "nodes", "Node", namespaced=False)
    assert pods.path("a", "b", "status") == "/api/v1/namespaces/a/pods/b/status"
    assert pods.path() == "/api/v1/pods"
    assert nodes.path(None, "n") == "/api/v1/nodes/n"
    assert THINGS.path("a") == "/apis/example.dev/v1/namespaces/a/things"
    with pytest.raises(ValueError, match="cluster-wide"):
        nodes.path("a", "n")
    with pytest.raises(ValueError, match="namespaced"):
        pods.path(None, "b")
