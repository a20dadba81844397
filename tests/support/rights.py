"""Owns rights as (verb, group, resource): those that a table of rules grants, and those that calls have used.

A subresource is written `resource/subresource`. An apply that created its object has used `create` too.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus

from serinus.shell.verbs import Place, Rule
from tests.support.faults import Call

Right = tuple[str, str, str]
_PATH = re.compile(
    r"^/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/[^/]+(?=/))?/(?P<resource>[^/]+)(?:/[^/]+(?:/(?P<sub>.+))?)?$"
)
_REVIEWS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})


def granted(rules: Iterable[Rule], *places: Place) -> set[Right]:
    """The rights of these rules, in these places."""
    return {
        (verb, rule.group, resource)
        for rule in rules
        if rule.place in places
        for resource in rule.resources
        for verb in rule.verbs
    }


def used(calls: Iterable[Call]) -> set[Right]:
    """The rights that these calls needed; discovery and reviews need none."""
    return {right for call in calls for right in _rights(call)}


def refused(calls: Iterable[Call]) -> list[str]:
    """Calls that were forbidden, in words."""
    return sorted({f"{c.verb} {c.path}" for c in calls if c.code == HTTPStatus.FORBIDDEN})


def _rights(call: Call) -> set[Right]:
    found = _PATH.match(call.path)
    if not found or found["resource"] in _REVIEWS:
        return set()
    resource = found["resource"] + (f"/{found['sub']}" if found["sub"] else "")
    group = found["group"] or ""
    created = call.verb == "patch" and call.code == HTTPStatus.CREATED
    return {(call.verb, group, resource)} | ({("create", group, resource)} if created else set())
