"""The fault proxy before a real API server: each fault as the client sees it, and what the server has done."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.apibed import ApiBed
from tests.support.bedclient import Access, ApiError, Client, Manifest
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Answer, Cut, Delay, Fault, Hook, Kill, Reset, Stale, verb_of
from tests.support.processes import free_ports
from tests.support.watchfaults import BookmarksOnly, Drop, Duplicate, Hang, Reorder, StreamError

pytestmark = pytest.mark.api

_LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


@pytest.fixture(scope="module")
def shared(bed: ApiBed) -> Iterator[FaultProxy]:
    proxy = FaultProxy(bed)
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(shared: FaultProxy) -> Iterator[FaultProxy]:
    yield shared
    shared.clear()


@pytest.fixture
def through(bed: ApiBed, proxy: FaultProxy) -> Iterator[Client]:
    user = Client(Access(proxy.url, bed.token("admin"), str(bed.ca)))
    yield user
    user.close()


def _config_map(namespace: str, name: str = "c") -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}


def _exists(bed: ApiBed, namespace: str, name: str = "c") -> bool:
    return bed.client.find("v1", "ConfigMap", name, namespace) is not None


@pytest.mark.parametrize(
    ("method", "path", "watch", "verb"),
    [
        ("GET", "/api/v1/namespaces/a/pods", False, "list"),
        ("GET", "/api/v1/pods", True, "watch"),
        ("GET", "/api/v1/namespaces/a", False, "get"),
        ("GET", "/apis/apps/v1/namespaces/a/replicasets/b/status", False, "get"),
        ("GET", "/version", False, "get"),
        ("POST", "/api/v1/namespaces", False, "create"),
        ("PUT", "/api/v1/namespaces/a/pods/b", False, "update"),
        ("PATCH", "/apis/serinus.dev/v1alpha1/namespaces/a/llmservices/b/status", False, "patch"),
        ("DELETE", "/api/v1/namespaces/a/pods/b", False, "delete"),
        ("DELETE", "/api/v1/namespaces/a/pods", False, "deletecollection"),
    ],
)
def test_verb_is_that_of_the_api_server(method: str, path: str, watch: bool, verb: str) -> None:
    assert verb_of(method, path, watch=watch) == verb


def test_without_a_rule_nothing_is_changed_and_every_write_is_logged(
    proxy: FaultProxy, through: Client, bed: ApiBed, namespace: str
) -> None:
    before = len(proxy.writes())
    stored = through.create(_config_map(namespace))
    through.delete(stored)
    with pytest.raises(ApiError, match="404"):
        through.get("v1", "ConfigMap", "c", namespace)
    written = proxy.writes()[before:]
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert [(w.verb, w.path, w.code) for w in written] == [("create", path, 201), ("delete", f"{path}/c", 200)]
    assert len(written[0].body_hash) == 16
    assert not _exists(bed, namespace)


@pytest.mark.parametrize("code", [401, 403, 409, 422, 429, 500, 503])
def test_refused_write_never_reaches_the_server(
    code: int, proxy: FaultProxy, through: Client, bed: ApiBed, namespace: str
) -> None:
    rule = proxy.add(Answer(code), verb="create", path="/configmaps")
    with pytest.raises(ApiError, match=f"{code} .*: fault: {code}"):
        through.create(_config_map(namespace))
    assert rule.met == 1
    assert not proxy.writes()[-1].forwarded
    assert not _exists(bed, namespace)
    through.create(_config_map(namespace))


def test_too_many_requests_says_when_to_come_back(proxy: FaultProxy, bed: ApiBed) -> None:
    proxy.add(Answer(429, retry_after=7), verb="list")
    answer = requests.get(f"{proxy.url}/api/v1/pods", verify=str(bed.ca), timeout=5)
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["reason"] == "TooManyRequests"


def test_rule_meets_the_nth_call_as_often_as_it_says(proxy: FaultProxy, through: Client, namespace: str) -> None:
    rule = proxy.add(Answer(500), verb="write", nth=2, times=2)
    outcomes = []
    for number in range(5):
        try:
            through.create(_config_map(namespace, f"c{number}"))
            outcomes.append("done")
        except ApiError as e:
            outcomes.append(str(e.code))
    assert outcomes == ["done", "500", "500", "done", "done"]
    assert (rule.seen, rule.met) == (5, 2)


def test_rule_for_one_verb_and_token_leaves_the_others_alone(
    proxy: FaultProxy, through: Client, bed: ApiBed, namespace: str
) -> None:
    proxy.add(Answer(401), token=bed.token("jane@example.com"), times=None)
    proxy.add(Answer(403), verb="patch", path="/configmaps/", times=None)
    jane = Client(Access(proxy.url, bed.token("jane@example.com"), str(bed.ca)))
    with pytest.raises(ApiError, match="401"):
        jane.request("GET", "/version")
    jane.close()
    through.create(_config_map(namespace))
    with pytest.raises(ApiError, match="403"):
        through.apply(_config_map(namespace))


@pytest.mark.parametrize(("after", "done"), [(False, False), (True, True)])
def test_reset_before_loses_the_write_and_reset_after_loses_only_its_answer(
    after: bool, done: bool, proxy: FaultProxy, through: Client, bed: ApiBed, namespace: str
) -> None:
    proxy.add(Reset(after=after), verb="create", path="/configmaps")
    with pytest.raises(_LOST):
        through.create(_config_map(namespace))
    assert _exists(bed, namespace) is done
    assert (proxy.writes()[-1].forwarded, proxy.writes()[-1].code) == (done, 0)


@pytest.mark.parametrize("after", [False, True])
def test_delay_makes_the_answer_late(after: bool, proxy: FaultProxy, through: Client, namespace: str) -> None:
    proxy.add(Delay(0.3, after=after), verb="create")
    started = time.monotonic()
    through.create(_config_map(namespace))
    assert time.monotonic() - started >= 0.3


def test_cut_answer_is_no_json(proxy: FaultProxy, bed: ApiBed, through: Client, namespace: str) -> None:
    proxy.add(Cut(), verb="list")
    with pytest.raises(requests.JSONDecodeError):
        through.request("GET", f"/api/v1/namespaces/{namespace}/configmaps").json()


def test_stale_list_is_the_first_one_again(proxy: FaultProxy, through: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    mine = {"fieldSelector": "metadata.name=c"}
    proxy.add(Stale(), verb="list", path=path, times=2)
    first = through.request("GET", path, query=mine).json()
    through.create(_config_map(namespace))
    assert through.request("GET", path, query=mine).json() == first
    assert len(through.request("GET", path, query=mine).json()["items"]) == 1


def test_hook_sees_the_world_before_and_after_the_write(
    proxy: FaultProxy, through: Client, bed: ApiBed, namespace: str
) -> None:
    seen: list[bool] = []
    look = Hook(before=lambda: seen.append(_exists(bed, namespace)), after=lambda: seen.append(_exists(bed, namespace)))
    proxy.add(look, verb="create", path="/configmaps")
    through.create(_config_map(namespace))
    assert seen == [False, True]


_WRITER = """
import sys, requests
url, token, ca, namespace = sys.argv[1:]
sys.stdin.readline()
for n in range(3):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{n}", "namespace": namespace}}
    path = f"{url}/api/v1/namespaces/{namespace}/configmaps"
    headers = {"Authorization": f"Bearer {token}"}
    requests.post(path, json=body, headers=headers, verify=ca, timeout=9).raise_for_status()
"""


@pytest.mark.parametrize(("after", "written"), [(False, ["c0"]), (True, ["c0", "c1"])])
def test_client_is_killed_before_or_after_its_second_write(
    after: bool, written: list[str], proxy: FaultProxy, bed: ApiBed, namespace: str
) -> None:
    arguments = [proxy.url, bed.token("admin"), str(bed.ca), namespace]
    with subprocess.Popen([sys.executable, "-c", _WRITER, *arguments], stdin=subprocess.PIPE) as writer:
        assert writer.stdin
        proxy.add(Kill(writer.pid, after=after), verb="write", path=f"/namespaces/{namespace}/", nth=2)
        writer.stdin.write(b"go\n")
        writer.stdin.close()
        assert writer.wait(20) == -9
    names = [c["metadata"]["name"] for c in bed.client.list("v1", "ConfigMap", namespace)]
    assert [n for n in names if n != "kube-root-ca.crt"] == written


def _watched(proxy: FaultProxy, bed: ApiBed, namespace: str, fault: Fault | None) -> list[tuple[str, str]]:
    """Create two ConfigMaps and delete the first; the types and names that a watch over them brings in 2 s."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    version = bed.client.request("GET", path).json()["metadata"]["resourceVersion"]
    if fault is not None:
        proxy.add(fault, verb="watch", path=path)
    for name in ("a", "b"):
        bed.client.create(_config_map(namespace, name))
    bed.client.delete(_config_map(namespace, "a"))
    query = {
        "watch": "true",
        "timeoutSeconds": "1",
        "resourceVersion": version,
        "fieldSelector": "metadata.name!=kube-root-ca.crt",
    }
    headers = {"Authorization": f"Bearer {bed.token('admin')}"}
    found = []
    with requests.get(
        f"{proxy.url}{path}", params=query, headers=headers, verify=str(bed.ca), stream=True, timeout=2
    ) as answer:
        try:
            for line in answer.iter_lines():
                event: dict[str, Any] = json.loads(line)
                found.append((event["type"], event["object"].get("metadata", {}).get("name", "")))
        except requests.ConnectionError as e:
            found.append(("SILENCE", "Read timed out" if "Read timed out" in str(e) else str(e)))
    return found


_A, _B, _GONE = ("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, [_A, _B, _GONE]),
        (Duplicate(), [_A, _A, _B, _B, _GONE, _GONE]),
        (Reorder(), [_B, _A]),
        (Drop("DELETED"), [_A, _B]),
        (BookmarksOnly(), []),
        (StreamError(410), [("ERROR", "")]),
        (StreamError(410, events=2), [_A, _B, ("ERROR", "")]),
        (Hang(), [("SILENCE", "Read timed out")]),
    ],
    ids=lambda value: type(value).__name__ if value is None or not isinstance(value, list) else "",
)
def test_watch_under_a_fault(
    fault: Fault | None, expected: list[tuple[str, str]], proxy: FaultProxy, bed: ApiBed, namespace: str
) -> None:
    assert _watched(proxy, bed, namespace, fault) == expected


def test_watch_can_be_refused(proxy: FaultProxy, bed: ApiBed) -> None:
    proxy.add(Answer(503), verb="watch")
    answer = requests.get(f"{proxy.url}/api/v1/pods", params={"watch": "1"}, verify=str(bed.ca), timeout=5)
    assert (answer.status_code, answer.json()["reason"]) == (503, "ServiceUnavailable")


def test_large_objects_come_through_a_watch_whole(proxy: FaultProxy, bed: ApiBed, namespace: str) -> None:
    big = _config_map(namespace, "big") | {"data": {"x": "y" * 900_000}}
    bed.client.create(big)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    query = {"watch": "true", "timeoutSeconds": "1", "fieldSelector": "metadata.name=big"}
    headers = {"Authorization": f"Bearer {bed.token('admin')}"}
    proxy.add(Drop("DELETED"), verb="watch", path=path)
    answer = requests.get(f"{proxy.url}{path}", params=query, headers=headers, verify=str(bed.ca), timeout=5)
    assert len(json.loads(answer.text)["object"]["data"]["x"]) == 900_000


def test_api_server_that_is_gone_looks_like_a_lost_connection(bed: ApiBed) -> None:
    proxy = FaultProxy(bed, upstream=f"https://127.0.0.1:{free_ports(1)[0]}")
    try:
        with pytest.raises(_LOST):
            requests.get(f"{proxy.url}/version", verify=str(bed.ca), timeout=5)
        assert [(c.verb, c.code) for c in proxy.calls()] == [("get", 0)]
    finally:
        proxy.close()


def test_closed_proxy_takes_no_more_connections(bed: ApiBed) -> None:
    proxy = FaultProxy(bed)
    assert requests.get(f"{proxy.url}/version", verify=str(bed.ca), timeout=5).status_code == 200
    proxy.close()
    with pytest.raises(_LOST):
        requests.get(f"{proxy.url}/version", verify=str(bed.ca), timeout=5)
