"""The API client of the engine: one method for each verb that the engine uses, on aiohttp.

It knows no kind of Serinus, keeps no object, and writes only what its caller hands it. The elector gets an Api
of its own, with its own limiter and without a fence, so that a flood of writes cannot keep a lease from renewal.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal

from serinus.shell import wire
from serinus.shell.api_errors import (
    ApiError,
    Conflict,
    Gone,
    NotFound,
    NotLeader,
    Refused,
    Unavailable,
    error_of_status,
    unanswered,
)
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.transport import Request, Target, Transport

__all__ = [
    "Api", "ApiError", "Conflict", "Event", "Gone", "Kind", "Listing", "NotFound", "NotLeader", "Object", "Ref",
    "Refused", "Unavailable",
]  # fmt: skip

PAGE = 250
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
_WHOLE = "application/json"
_STREAM_SECONDS = 300
_LIST_TRIES = 2

Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, or a whole one, with the resourceVersion at which it was true."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch: ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Object


class Api:
    """Verbs of the API server. Every method raises ApiError (see `api_errors`); writes also what the fence raises."""

    def __init__(self, transport: Transport, *, field_manager: str, kinds: Iterable[Kind] = ()) -> None:
        self._transport = transport
        self._manager = field_manager
        self._kinds = {(kind.api_version, kind.kind): kind for kind in kinds}

    def kind_of(self, api_version: str, kind: str) -> Kind:
        """The kind of these words. Raises LookupError for one that this client was not told of."""
        found = self._kinds.get((api_version, kind))
        if found is None:
            raise LookupError(f"{api_version} {kind}: not among the kinds of this client ({len(self._kinds)} known)")
        return found

    def ref_of(self, manifest: Object) -> Ref:
        """The object that a manifest describes. Raises LookupError for a kind that this client was not told of."""
        return Ref.of(self.kind_of(manifest["apiVersion"], manifest["kind"]), manifest)

    async def raw(self, path: str, *, accept: str = "application/json") -> Any:
        """The JSON behind a path that is no object: discovery, readiness."""
        _, body = await self._transport.send(Request("get", Target("", path), path, accept=accept))
        return body

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Object:
        """The object as it is now (a quorum read)."""
        return await self._object(Request("get", _target(ref.kind), ref.path(), accept=_accept(metadata_only)))

    async def pages(
        self,
        kind: Kind,
        namespace: str | None = None,
        label_selector: str = "",
        *,
        metadata_only: bool = False,
        limit: int = PAGE,
    ) -> AsyncGenerator[Listing, None]:
        """Pages of at most `limit` objects, all true at one resourceVersion; Gone if the token expires on the way."""
        params = {"limit": str(limit), **_selector(label_selector)}
        accept = _accept(metadata_only, "List")
        while True:
            request = Request("list", _target(kind), kind.path(namespace), params=params, accept=accept)
            body = await self._object(request)
            metadata = body["metadata"]
            yield Listing(body.get("items") or [], metadata["resourceVersion"])
            if not metadata.get("continue"):
                return
            params = {**params, "continue": metadata["continue"]}

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        label_selector: str = "",
        *,
        metadata_only: bool = False,
        limit: int = PAGE,
    ) -> Listing:
        """All objects, read in pages; begun again once if the continue token expires."""
        for attempt in range(1, _LIST_TRIES + 1):
            items: list[Object] = []
            version = ""
            try:
                async for page in self.pages(kind, namespace, label_selector, metadata_only=metadata_only, limit=limit):
                    items += page.items
                    version = page.resource_version
                return Listing(items, version)
            except Gone:
                if attempt == _LIST_TRIES:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        selector: str = "",
        *,
        resource_version: str,
        metadata_only: bool = False,
        inactivity: float = 70.0,
    ) -> AsyncGenerator[Event, None]:
        """Events since `resource_version`, bookmarks among them, until the server ends the stream.

        Raises Gone when the version is too old, Unavailable on a cut, after `inactivity` seconds of silence, or
        whatever an ERROR event says.
        """
        params = {
            "watch": "1", "allowWatchBookmarks": "true", "resourceVersion": resource_version,
            "timeoutSeconds": str(_STREAM_SECONDS), **_selector(selector),
        }  # fmt: skip
        request = Request("watch", _target(kind), kind.path(namespace), params=params, accept=_accept(metadata_only))
        async with aclosing(self._transport.lines(request, inactivity=inactivity)) as lines:
            async for line in lines:
                yield _event(line, request)

    async def apply(
        self,
        manifest: Object,
        *,
        force: bool = False,
        resource_version: str | None = None,
        dry_run: bool = False,
        again: bool = True,
        metadata_only: bool = False,
    ) -> tuple[Object, bool]:
        """Server-side apply; the object as it is now, and whether it was created by this call.

        With `resource_version` it is a Conflict unless the object is at that version. A dry run is strict: an unknown
        field is Refused. `again=False`: never sent twice, so that "created" is the truth. `metadata_only`: only a
        server that cannot leave it out answers with the whole object.
        """
        ref = self.ref_of(manifest)
        if resource_version is not None:
            manifest = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": resource_version}}
        params = {"fieldManager": self._manager, "force": "true" if force else "false"}
        if dry_run:
            params |= {"dryRun": "All", "fieldValidation": "Strict"}
        request = Request(
            "patch", _target(ref.kind), ref.path(), params=params, body=manifest,
            content_type="application/apply-patch+yaml", again=again and resource_version is None,
            accept=f"{_accept(metadata_only)},{_WHOLE}" if metadata_only else _WHOLE,
        )  # fmt: skip
        code, body = await self._transport.send(request)
        return body, code == HTTPStatus.CREATED

    async def create(self, manifest: Object) -> Object:
        """Create, never sent twice; a Conflict with `already_exists` if the name is taken."""
        ref = self.ref_of(manifest)
        path = ref.kind.path(ref.namespace)
        params = {"fieldManager": self._manager}
        return await self._object(Request("create", _target(ref.kind), path, params=params, body=manifest, again=False))

    async def patch_merge(self, ref: Ref, body: Object, *, resource_version: str | None = None) -> Object:
        """JSON merge patch; with `resource_version` a Conflict unless the object is at that version."""
        if resource_version is not None:
            body = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": resource_version}}
        return await self._patch(ref, "", body, "application/merge-patch+json", again=resource_version is None)

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> Object:
        """Put this whole status in the place of the old one; a Conflict unless the object is at that version."""
        body = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "add", "path": "/status", "value": dict(status)},
        ]
        return await self._patch(ref, "status", body, "application/json-patch+json", again=False)

    async def delete(
        self,
        ref: Ref,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: Propagation = "Background",
    ) -> Object:
        """Delete this very object (a Conflict if uid or version differ); the object if it lingers, else a Status."""
        wanted = {"uid": uid, "resourceVersion": resource_version}
        conditions = {name: value for name, value in wanted.items() if value is not None}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if conditions:
            body["preconditions"] = conditions  # type: ignore[assignment]
        return await self._object(Request("delete", _target(ref.kind), ref.path(), body=body, again=uid is not None))

    async def _patch(self, ref: Ref, subresource: str, body: Any, content_type: str, *, again: bool) -> Object:
        target = replace(_target(ref.kind), subresource=subresource)
        params = {"fieldManager": self._manager}
        path = ref.path(subresource)
        request = Request("patch", target, path, params=params, body=body, content_type=content_type, again=again)
        return await self._object(request)

    async def _object(self, request: Request) -> Object:
        _, body = await self._transport.send(request)
        if not isinstance(body, dict):
            raise unanswered(request.what, "BadBody", f"expected a JSON object, found {type(body).__name__}")
        return body


def _target(kind: Kind) -> Target:
    return Target(kind.group, kind.plural)


def _selector(label_selector: str) -> dict[str, str]:
    return {"labelSelector": label_selector} if label_selector else {}


def _accept(metadata_only: bool, suffix: str = "") -> str:  # noqa: FBT001 - private
    return _METADATA.format(suffix) if metadata_only else _WHOLE


def _event(line: bytes, request: Request) -> Event:
    try:
        event = wire.decode(line)
        kind, body = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise unanswered(request.what, "BadEvent", f"an event that cannot be read: {error}") from error
    if kind == "ERROR":
        raise error_of_status(request.what, body)
    return Event(kind, body)
