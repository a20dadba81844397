"""The five ways in which the API server says no, in the words of the engine. It decides nothing about retries."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from serinus.shell import wire

_MAX_MESSAGE = 1024
# The server's answer to an apply with a field that its schema does not have: an internal error by its code only.
_BAD_APPLY = "failed to create typed patch object"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said: HTTP status code (0: no answer), `Status.reason` and its message."""

    code: int
    reason: str = ""
    message: str = ""


class ApiError(Exception):
    """A call to the API server that did not succeed; `what` names the verb and the object."""

    def __init__(self, what: str, answer: Answer) -> None:
        super().__init__(f"{what}: {answer.code} {answer.reason}: {answer.message}")
        self.what = what
        self.answer = answer

    @property
    def code(self) -> int:
        """HTTP status code; 0 if there was no answer."""
        return self.answer.code

    @property
    def reason(self) -> str:
        """`Status.reason` of the server, or a word of ours where it gave none."""
        return self.answer.reason

    @property
    def message(self) -> str:
        """The server's sentence, cut to 1,024 characters."""
        return self.answer.message


class NotFound(ApiError):
    """404: the object, its namespace or its kind is not there."""


class Conflict(ApiError):
    """409: another version, another owner of a field, or an object of that name. Read again before acting."""

    @property
    def already_exists(self) -> bool:
        """A create met an object of that name."""
        return self.reason == "AlreadyExists"


class Gone(ApiError):
    """410: the resourceVersion or the continue token is too old; list again."""


class Refused(ApiError):
    """Any other 4xx (invalid, forbidden, denied by admission, quota): it stays so until its input changes."""


class Unavailable(ApiError):
    """Timeout, connection, 401, 429, 5xx, cut body: try later, `retry_after` seconds from now at the soonest."""

    def __init__(self, what: str, answer: Answer, retry_after: float | None = None) -> None:
        super().__init__(what, answer)
        self.retry_after = retry_after

    @property
    def answered(self) -> bool:
        """The server dealt with this very request (a webhook down, an internal error), so others may succeed."""
        return self.code >= HTTPStatus.INTERNAL_SERVER_ERROR and self.code != HTTPStatus.SERVICE_UNAVAILABLE


class NotLeader(Exception):
    """The fence refused a write: this process may no longer be the leader."""


def unanswered(what: str, reason: str, message: str) -> Unavailable:
    """The error of a call that got no answer that can be used."""
    return Unavailable(what, Answer(0, reason, message[:_MAX_MESSAGE]))


def error_of(what: str, code: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error of an answer with this status code, body (a `Status`, or anything) and headers."""
    answer = _answer(code, body)
    match code:
        case HTTPStatus.NOT_FOUND:
            return NotFound(what, answer)
        case HTTPStatus.CONFLICT:
            return Conflict(what, answer)
        case HTTPStatus.GONE:
            return Gone(what, answer)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
            return Unavailable(what, answer, _retry_after(headers))
        case _ if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Refused(what, answer)
        case _ if answer.message.startswith(_BAD_APPLY):
            return Refused(what, answer)
        case _:
            return Unavailable(what, answer, _retry_after(headers))


def error_of_status(what: str, status: Mapping[str, Any]) -> ApiError:
    """The error that a `Status` object inside a watch stream stands for."""
    return error_of(what, int(status.get("code") or 0), wire.encode(status), {})


def _answer(code: int, body: bytes) -> Answer:
    try:
        status = wire.decode(body)
    except ValueError:
        status = None
    if not isinstance(status, dict):
        return Answer(code, "NoStatus", body.decode(errors="replace")[:_MAX_MESSAGE])
    return Answer(code, str(status.get("reason") or ""), str(status.get("message") or "")[:_MAX_MESSAGE])


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
