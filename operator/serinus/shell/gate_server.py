"""The gate endpoint: `GET /gate/<namespace>/<name>?revision=`. Answered by every replica, from a read of status.

It decides nothing, keeps nothing, and fails closed: what cannot be read is 503, never Passed.
"""

from aiohttp import web

from serinus.core.answer import gate_answer
from serinus.shell.kinds import Ref
from serinus.shell.kube import Api, ApiError, NotFound
from serinus.shell.world import LLMSERVICE


def add_gate(app: web.Application, api: Api) -> None:
    """Serve the verdict of a revision as JSON."""

    async def answer(request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        try:
            body = await api.get(Ref(LLMSERVICE, namespace, name))
        except NotFound:
            return _error(404, f"LLMService {namespace}/{name} was not found")
        except ApiError as e:
            return _error(503, f"LLMService {namespace}/{name} cannot be read now: {e}")
        return web.json_response(gate_answer(body, request.query.get("revision", "")))

    names = "{namespace:[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?}/{name:[a-z]([-a-z0-9]{0,61}[a-z0-9])?}"
    app.router.add_get(f"/gate/{names}", answer)


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"verdict": None, "message": message}, status=status)
