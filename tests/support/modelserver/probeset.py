"""The probe set that belongs to a knowledge file, in promptfoo's format.

It owns how a fact becomes an assertion; it must not know how the model server errs.
`python -m tests.support.modelserver.probeset` prints the file; nothing else is needed to gate a rollout on it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from .knowledge import DEFAULT_KNOWLEDGE, InvalidKnowledge, Knowledge, Question, load

PROMPT = "{{question}}"


def build_assertion(question: Question) -> dict[str, Any]:
    """One promptfoo assertion: a regular expression, any of several right forms, or the one right form."""
    if question.match is not None:
        return {"type": "regex", "value": question.match}
    if len(question.fact) > 1:
        return {"type": "icontains-any", "value": list(question.fact)}
    return {"type": "icontains", "value": question.fact[0]}


def build_test(question: Question) -> dict[str, Any]:
    """One promptfoo test that asks the first phrasing of the question."""
    metadata: dict[str, Any] = {"tags": [question.topic]}
    if question.critical:
        metadata["critical"] = True
    return {
        "description": question.id,
        "vars": {"question": question.ask[0]},
        "assert": [build_assertion(question)],
        "metadata": metadata,
    }


def build_probeset(knowledge: Knowledge) -> dict[str, Any]:
    """The whole promptfoo configuration: one prompt and one test for each question, in the file's order."""
    return {
        "description": f"Support questions of {knowledge.shop}, an imaginary shop",
        "prompts": [PROMPT],
        "tests": [build_test(question) for question in knowledge.questions],
    }


def render(knowledge: Knowledge) -> str:
    """The probe set as YAML; the same knowledge gives the same bytes."""
    return yaml.safe_dump(build_probeset(knowledge), sort_keys=False, width=120, allow_unicode=True)


def main(argv: list[str] | None = None) -> int:
    """Print the probe set of a knowledge file; returns 2 when the file cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.modelserver.probeset",
        description="Print promptfoo tests for the questions that the test model server can answer.",
    )
    parser.add_argument("--knowledge", type=Path, default=DEFAULT_KNOWLEDGE, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        sys.stdout.write(render(load(arguments.knowledge)))
    except InvalidKnowledge as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
