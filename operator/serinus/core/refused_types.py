"""promptfoo's assertion types by name, and why those that cannot be used are refused. What others take is not here."""

from collections.abc import Mapping
from typing import Final

_PROMPTFOO: Final = """
    agent-rubric answer-relevance bleu classifier contains contains-all contains-any contains-html contains-json
    contains-sql contains-xml context-faithfulness context-recall context-relevance conversation-relevance cost
    equals factuality finish-reason g-eval gleu guardrails icontains icontains-all icontains-any is-html is-json
    is-refusal is-sql is-valid-function-call is-valid-openai-function-call is-valid-openai-tools-call is-xml
    javascript latency levenshtein llm-rubric meteor model-graded-closedqa model-graded-factuality moderation
    perplexity perplexity-score pi python regex rouge-n ruby search-rubric similar similar:cosine similar:dot
    similar:euclidean skill-used starts-with tool-call-f1 trace-error-spans trace-span-count trace-span-duration
    trajectory:goal-success trajectory:step-count trajectory:tool-args-match trajectory:tool-sequence
    trajectory:tool-used webhook word-count
"""
PROMPTFOO: Final = frozenset(_PROMPTFOO.split())
"""Every type that promptfoo 0.123.1 knows: in a CSV cell, other words before a colon are plain text."""

REFUSED: Final[Mapping[str, str]] = {
    "select-best": "it compares outputs with each other",
    "max-score": "it compares outputs with each other",
    "human": "it needs a person",
    "webhook": "it would call a URL",
    "ruby": "there is no Ruby in the probe Job",
    "search-rubric": "it would search the web",
    "agent-rubric": "it would run an agent",
    "moderation": "it would call an outside service",
    "guardrails": "it needs the verdict of an outside service",
    "pi": "it would call an outside service",
    "classifier": "it would call an outside service",
    "answer-relevance": "it needs a chain of judge calls; llm-rubric asks for relevance in one",
    "conversation-relevance": "it needs a chain of judge calls; llm-rubric asks for relevance in one",
    "context-faithfulness": "it scores a retriever's context; llm-rubric can quote the context in its value",
    "context-recall": "it scores a retriever's context; llm-rubric can quote the context in its value",
    "context-relevance": "it scores a retriever's context; llm-rubric can quote the context in its value",
    "is-sql": "there is no SQL parser in the probe Job; regex and javascript can check the form",
    "contains-sql": "there is no SQL parser in the probe Job; regex and javascript can check the form",
    "is-xml": "XML is not parsed in the probe Job; regex and javascript can check the form",
    "contains-xml": "XML is not parsed in the probe Job; regex and javascript can check the form",
    "is-html": "HTML is not parsed in the probe Job; regex and javascript can check the form",
    "contains-html": "HTML is not parsed in the probe Job; regex and javascript can check the form",
    "rouge-l": "of the ROUGE scores only rouge-n is there",
    "rouge-s": "of the ROUGE scores only rouge-n is there",
}
_REFUSED_PREFIXES: Final = (
    ("trajectory:", "it needs traces"),
    ("trace-", "it needs traces"),
    ("skill-used", "it needs traces"),
    ("tool-call-", "it needs tool calls"),
    ("is-valid-", "it needs tool calls"),
    ("promptfoo:redteam:", "it is a red-team type"),
    ("select-", "it compares outputs with each other"),
)


def refusal(base: str) -> str:
    """Why a type without its `not-` is refused, in words; empty when it is no type that is known and refused."""
    return REFUSED.get(base) or next((why for prefix, why in _REFUSED_PREFIXES if base.startswith(prefix)), "")
