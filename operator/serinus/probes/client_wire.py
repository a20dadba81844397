"""How each API is asked, and its responses in the form of OpenAI's, which is read in one place. It calls nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.probe import Api, Request
from serinus.probes.scoring import Question

_PATHS: Final[Mapping[Api, str]] = {
    Api.CHAT: "/v1/chat/completions",
    Api.COMPLETIONS: "/v1/completions",
    Api.OLLAMA: "/api/chat",
    Api.TGI: "/generate",
}
_STREAMED_PATHS: Final[Mapping[Api, str]] = {Api.TGI: "/generate_stream"}
_TGI_ENDS: Final = {"eos_token": "stop", "stop_sequence": "stop", "length": "length"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What differs from call to call, so that no cache knows it."""

    seed: int
    salt: str


def path(api: Api, *, stream: bool) -> str:
    """Where an API is asked."""
    return _STREAMED_PATHS.get(api, _PATHS[api]) if stream else _PATHS[api]


def body(model: str, request: Request, question: Question, variation: Variation, *, logprobs: bool) -> dict[str, Any]:
    """The body of one request."""
    if request.api is Api.OLLAMA:
        options = {"temperature": request.temperature, "num_predict": request.max_tokens, "seed": variation.seed}
        return {"model": model, "messages": question.messages, "stream": request.stream, "options": options}
    if request.api is Api.TGI:
        return {"inputs": question.prompt, "parameters": _tgi(request, variation)}
    found: dict[str, Any] = {
        "model": model,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": request.stream,
        "seed": variation.seed,
        "user": variation.salt,
    }
    if request.stream:
        found["stream_options"] = {"include_usage": True}
    if logprobs:
        found["logprobs"] = True if request.api is Api.CHAT else 1
    if request.api is Api.CHAT:
        return {**found, "messages": question.messages}
    return {**found, "prompt": question.prompt}


def _tgi(request: Request, variation: Variation) -> dict[str, Any]:
    """Parameters of text-generation-inference, which refuses a temperature of 0."""
    found: dict[str, Any] = {
        "max_new_tokens": request.max_tokens,
        "seed": variation.seed,
        "details": True,
        "return_full_text": False,
        "do_sample": request.temperature > 0,
    }
    return {**found, "temperature": request.temperature} if request.temperature > 0 else found


def as_completion(api: Api, document: Any) -> Any:
    """A whole response as OpenAI's APIs write it; raises KeyError, IndexError, TypeError or AttributeError."""
    if api is Api.OLLAMA:
        return of_ollama(document["message"]["content"], document)
    if api is Api.TGI:
        first = document[0] if isinstance(document, list) else document
        return of_tgi(first["generated_text"], first.get("details") or {})
    return document


def of_ollama(text: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of Ollama with the counts of its last line."""
    if document["done"] is not True:
        raise KeyError("done")
    usage = {"prompt_tokens": document.get("prompt_eval_count"), "completion_tokens": document.get("eval_count")}
    choice = {"message": {"content": text}, "finish_reason": document.get("done_reason")}
    return {"choices": [choice], "usage": usage}


def of_tgi(text: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of text-generation-inference with its details."""
    end = str(details.get("finish_reason") or "")
    usage = {"completion_tokens": details.get("generated_tokens")}
    prefill = details.get("prefill")
    if isinstance(prefill, list) and prefill:
        usage["prompt_tokens"] = len(prefill)
    return {"choices": [{"text": text, "finish_reason": _TGI_ENDS.get(end, end)}], "usage": usage}
