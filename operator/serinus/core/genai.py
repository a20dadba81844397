"""Names of the GenAI conventions of OpenTelemetry: those of today, those that they replaced, and which hold content.

It owns the tables. Today's names are those of 1.37 and later; what stays unknown is left as it is.
"""

from typing import Final

RENAMED: Final = {
    "gen_ai.system": "gen_ai.provider.name",
    "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
    "gen_ai.openai.request.seed": "gen_ai.request.seed",
    "gen_ai.prompt": "gen_ai.input.messages",
    "gen_ai.completion": "gen_ai.output.messages",
    "llm.request.type": "gen_ai.operation.name",
    "llm.model_name": "gen_ai.request.model",
    "llm.provider": "gen_ai.provider.name",
    "llm.token_count.prompt": "gen_ai.usage.input_tokens",
    "llm.token_count.completion": "gen_ai.usage.output_tokens",
    "session.id": "gen_ai.conversation.id",
    "input.value": "gen_ai.input.messages",
    "output.value": "gen_ai.output.messages",
    "traceloop.entity.input": "gen_ai.input.messages",
    "traceloop.entity.output": "gen_ai.output.messages",
}
"""Name of before -> name of today: the conventions' own old names, OpenInference's and OpenLLMetry's."""

LISTED: Final = {"gen_ai.response.finish_reason": "gen_ai.response.finish_reasons"}
"""Name of one value -> name of the list that it became."""

EVENTS: Final = {
    "gen_ai.content.prompt": ("gen_ai.prompt", "gen_ai.input.messages"),
    "gen_ai.content.completion": ("gen_ai.completion", "gen_ai.output.messages"),
}
"""Span event -> its attribute, and the span's attribute that it became."""

MESSAGES: Final = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions")
"""What a request and its answer say; a list or a text."""

CONTENT_KEYS: Final = (
    r"^(gen_ai\.(input\.messages|output\.messages|system_instructions|prompt|completion|tool\.definitions|"
    r"tool\.call\.arguments|tool\.call\.result)(\..*)?|(input|output)\.value|traceloop\.entity\.(input|output)|"
    r"llm\.(input_messages|output_messages|prompts|completions|invocation_parameters|tools)(\..*)?|"
    r"retrieval\.documents\..*|reranker\.(input|output)_documents\..*|message\.content.*|"
    r"http\.(request|response)\.body.*)$"
)
"""Attributes that hold what people and models wrote."""
VECTOR_KEYS: Final = r"(?i)(^|\.)(embedding\.vector|embeddings?\.[0-9]+\..*vector|query\.vector)(\..*)?$"
"""Attributes that hold vectors: long, of no use to a reader, and a text can be guessed from them."""
CONTENT_EVENTS: Final = r"^gen_ai\.(content\..*|(system|user|assistant|tool)\.message|choice)$"
"""Span events that held content before it became attributes and log records."""
SECRET_KEYS: Final = (r"(?i)^(.*[._-])?(api[_-]?key|authorization|password|passwd|secret|cookie|set-cookie)$",)
"""Attributes whose value is a secret whatever it looks like."""
DETAILS_EVENT: Final = "gen_ai.client.inference.operation.details"
"""Name of the log record with the content of one operation."""
