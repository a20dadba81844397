"""Owns the tests' own plain client of an API server: a person with kubectl. It must not retry or cache objects.

Synchronous, on requests; the code under test never uses it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tests.support.processes import eventually

Manifest = dict[str, Any]
_TIMEOUT = 15.0
_NONE: Mapping[str, str] = {}
_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


@dataclass(frozen=True, slots=True)
class Access:
    """How an API server is reached: `ca` is the path of its certificate authority, empty for plain HTTP."""

    url: str
    token: str
    ca: str = ""


class ApiError(Exception):
    """A refusal of the API server: HTTP code, reason, and the whole message."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message


class Client:
    """Calls one API server as one user; raises ApiError on every refusal."""

    def __init__(self, access: Access, *, impersonate: str = "") -> None:
        self.access = access
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {access.token}"
        if impersonate:
            self._session.headers["Impersonate-User"] = impersonate
        if access.ca:
            self._session.verify = access.ca
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def request(
        self,
        verb: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] = _NONE,
        query: Mapping[str, str] = _NONE,
    ) -> requests.Response:
        """Send one request; the body is sent as JSON."""
        content = None if body is None else json.dumps(body)
        all_headers = {"Content-Type": "application/json", **headers}
        url = f"{self.access.url}{path}"
        answer = self._session.request(verb, url, params=query, data=content, headers=all_headers, timeout=_TIMEOUT)
        if answer.status_code >= 400:
            raise _error(answer)
        return answer

    def path(self, api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
        """The path of a collection, or of one object in it."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._kinds:
            found = self.request("GET", root).json()["resources"]
            self._kinds |= {
                (api_version, r["kind"]): (r["name"], r["namespaced"]) for r in found if "/" not in r["name"]
            }
        if (api_version, kind) not in self._kinds:
            raise ApiError(404, "NotFound", f"the server has no kind {kind} in {api_version}")
        plural, namespaced = self._kinds[api_version, kind]
        inside = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{root}{inside}/{plural}" + (f"/{name}" if name else "")

    def path_of(self, manifest: Manifest, *, collection: bool = False) -> str:
        """The path of an object, or of the collection that it belongs to."""
        meta = manifest["metadata"]
        name = "" if collection else meta["name"]
        return self.path(manifest["apiVersion"], manifest["kind"], meta.get("namespace", ""), name)

    def create(self, manifest: Manifest, *, strict: bool = True, dry_run: bool = False) -> Manifest:
        """Create an object; unknown fields are refused unless `strict` is False."""
        query = {"fieldValidation": "Strict" if strict else "Ignore"} | ({"dryRun": "All"} if dry_run else {})
        answer = self.request("POST", self.path_of(manifest, collection=True), body=manifest, query=query)
        return _object(answer)

    def apply(self, manifest: Manifest, *, manager: str = "tests", force: bool = True, strict: bool = True) -> Manifest:
        """Server-side apply; unknown fields are refused unless `strict` is False."""
        return self.patch(
            self.path_of(manifest),
            manifest,
            form="apply",
            fieldManager=manager,
            force="true" if force else "false",
            fieldValidation="Strict" if strict else "Ignore",
        )

    def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """Put a whole object, or its subresource (`status`, `scale`), at its resourceVersion."""
        path = self.path_of(manifest) + (f"/{subresource}" if subresource else "")
        return _object(self.request("PUT", path, body=manifest, query={"fieldValidation": "Strict"}))

    def patch(self, path: str, patch: object, *, form: str = "merge", **query: str) -> Manifest:
        """Patch by a path; `form` is merge, json or apply."""
        return _object(self.request("PATCH", path, body=patch, headers={"Content-Type": _PATCHES[form]}, query=query))

    def set_status(self, manifest: Manifest, status: Manifest) -> Manifest:
        """Merge into the status of an object."""
        return self.patch(f"{self.path_of(manifest)}/status", {"status": status}, fieldValidation="Strict")

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Manifest:
        """Read an object; raises ApiError 404 when there is none."""
        return _object(self.request("GET", self.path(api_version, kind, namespace, name)))

    def find(self, api_version: str, kind: str, name: str, namespace: str = "") -> Manifest | None:
        """Read an object, None when there is none."""
        try:
            return self.get(api_version, kind, name, namespace)
        except ApiError as e:
            if e.code == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str = "", **selectors: str) -> list[Manifest]:
        """List objects; selectors are query parameters, such as labelSelector."""
        answer = _object(self.request("GET", self.path(api_version, kind, namespace), query=selectors))
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"]]

    def delete(self, manifest: Manifest, *, policy: str = "Background", **query: str) -> None:
        """Delete an object if it is there."""
        try:
            self.request("DELETE", self.path_of(manifest), query={"propagationPolicy": policy, **query})
        except ApiError as e:
            if e.code != 404:
                raise

    def table(self, path: str) -> Manifest:
        """The Table that kubectl prints for a path: columnDefinitions, and rows with their cells."""
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        return _object(self.request("GET", path, headers={"Accept": accept}))

    def install(self, crd: Manifest, *, seconds: float = 15.0) -> None:
        """Apply a CustomResourceDefinition and wait until its API is served."""
        self.apply(crd)
        spec = crd["spec"]
        served = [f"/apis/{spec['group']}/{v['name']}/{spec['names']['plural']}" for v in spec["versions"]]
        eventually(lambda: all(self._answers(p) for p in served), f"{crd['metadata']['name']} served", seconds=seconds)

    def _answers(self, path: str) -> bool:
        try:
            self.request("GET", path, query={"limit": "1"})
        except ApiError as e:
            if e.code in (404, 429, 503):
                return False
            raise
        return True


def _object(answer: requests.Response) -> Manifest:
    content: Manifest = answer.json()
    return content


def _error(answer: requests.Response) -> ApiError:
    try:
        status = answer.json()
        return ApiError(answer.status_code, str(status.get("reason", "")), str(status.get("message", "")))
    except (ValueError, AttributeError):
        return ApiError(answer.status_code, answer.reason, answer.text[:500])
