"""Which fields of a manifest a field set holds, and what the annotation then must say; without a server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.shell.entry import Mark, Owner, entry_of
from serinus.shell.managed import annotation_value, manifest_hash, missing
from serinus.shell.outcomes import Standing, standing

OWNER = Owner("serinus.dev/v1alpha1", "LLMService", "chat", "uid-1")


@pytest.mark.parametrize(
    ("manifest", "fields", "expected"),
    [
        ({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "namespace": "b"}}, {}, ()),
        ({"metadata": {"labels": {"a": "1"}}}, {}, ("metadata.labels",)),
        ({"spec": {"a": 1, "b": 2}}, {"f:spec": {"f:a": {}}}, ("spec.b",)),
        ({"spec": {"deep": {"atomic": [1, {"x": 2}]}}}, {"f:spec": {"f:deep": {}}}, ()),
        ({"l": [{"name": "a", "x": 1}]}, {"f:l": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:x": {}}}}, ()),
        ({"l": [{"name": "a", "x": 1}]}, {"f:l": {'k:{"name":"a"}': {".": {}, "f:name": {}}}}, ("l.0.x",)),
        ({"l": [{"name": "a"}]}, {"f:l": {'k:{"name":"b"}': {".": {}, "f:name": {}}}}, ("l.0",)),
        ({"l": [{"port": 80}]}, {"f:l": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}, ()),
        ({"l": [{"port": 80, "protocol": "UDP"}]}, {"f:l": {'k:{"port":80,"protocol":"TCP"}': {".": {}}}}, ("l.0",)),
        ({"s": ["a", "b"]}, {"f:s": {'v:"a"': {}}}, ("s.1",)),
        ({"s": ["ä"]}, {"f:s": {'v:"ä"': {}}}, ()),
        ({"i": [["x"], ["y"]]}, {"f:i": {"i:0": {}}}, ("i.1",)),
        ({"m": {}}, {"f:m": {}}, ()),
        ({"m": {}}, {}, ("m",)),
        ({"m": None}, {}, ("m",)),
    ],
)
def test_missing_names_what_is_not_in_the_set(manifest: Any, fields: Any, expected: tuple[str, ...]) -> None:
    assert missing(manifest, fields) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(content=st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_hash_depends_on_the_content_and_not_on_the_order_of_keys(content: dict[str, Any]) -> None:
    turned = dict(reversed(content.items()))
    assert manifest_hash(content) == manifest_hash(turned)
    assert manifest_hash(content) != manifest_hash({**content, "more": 1, "and": 2})


def test_annotation_tells_dropped_fields_apart() -> None:
    values = {annotation_value("d", dropped) for dropped in [(), ("a",), ("a", "b"), ("b",)]}
    assert len(values) == 4
    assert "d" in values


def body(*owners: Owner, manager: str = "", operation: str = "Apply", subresource: str = "") -> Any:
    managed = [{"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": {"f:spec": {}}}]
    references = [owner.reference() for owner in owners]
    return {"metadata": {"uid": "u", "resourceVersion": "1", "managedFields": managed, "ownerReferences": references}}


OTHER = Owner("apps/v1", "Deployment", "other", "uid-9")
EARLIER = Owner(OWNER.api_version, OWNER.kind, OWNER.name, "uid-0")


@pytest.mark.parametrize(
    ("found", "owner", "strict", "expected"),
    [
        (body(OWNER, manager="serinus"), OWNER, False, Standing.OURS),
        (body(OWNER), OWNER, False, Standing.OURS),
        (body(OWNER), OWNER, True, Standing.FOREIGN),
        (body(OWNER, manager="serinus", operation="Update"), OWNER, True, Standing.OURS),
        (body(manager="serinus"), OWNER, False, Standing.OURS),
        (body(manager="serinus"), OWNER, True, Standing.FOREIGN),
        (body(manager="serinus", subresource="status"), OWNER, False, Standing.FOREIGN),
        (body(manager="kubectl"), OWNER, False, Standing.FOREIGN),
        (body(OTHER), OWNER, False, Standing.FOREIGN),
        (body(EARLIER, manager="serinus"), OWNER, False, Standing.LEAVING),
        (body(EARLIER, manager="serinus"), OWNER, True, Standing.LEAVING),
        (body(manager="serinus"), None, False, Standing.OURS),
        (body(), None, False, Standing.FOREIGN),
    ],
)
def test_whose_an_object_is(found: Any, owner: Owner | None, strict: bool, expected: Standing) -> None:
    assert standing(entry_of(found, Mark("serinus", "x")), owner, strict=strict) is expected


def test_owner_reference_never_blocks_a_deletion() -> None:
    assert OWNER.reference()["blockOwnerDeletion"] is False
