"""The prompts of a configuration: texts, or files that promptfoo would read the same way. It renders nothing."""

from typing import Final

from serinus.core.findings import Place
from serinus.core.jstext import WHITESPACE, js_json
from serinus.core.probe import MAX_PROMPTS
from serinus.core.sources import YAML_ENDINGS, Sources, is_other_script, is_reference, is_script
from serinus.core.tree import Node

_OUTSIDE: Final = ("langfuse://", "helicone://", "portkey://", "exec:", "http://", "https://", "huggingface://")
_DELIMITER: Final = "---"
_FILE_ENDINGS: Final = (".txt", ".json", ".md", ".j2", *YAML_ENDINGS)
_KEYS: Final = ("id", "raw", "label")
_IGNORED: Final = frozenset({"config", "display", "provider", "description"})


def read_prompts(sources: Sources, where: Place) -> tuple[str, ...]:
    """All prompts, as templates; problems go to the findings."""
    value = where.node.value
    if isinstance(value, str):
        places = [where]
    elif isinstance(value, dict):
        # a mapping of prompts has paths as keys and labels as values
        places = [Place(Node(label.line, path), where.at(path).path, where.file) for path, label in value.items()]
    elif isinstance(value, tuple):
        places = where.each()
    else:
        sources.findings.problem(where, f"found {where.node.kind()}, allowed are a text and a list of texts")
        return ()
    prompts = tuple(prompt for place in places for prompt in _read(sources, place))
    if len(prompts) > MAX_PROMPTS:
        sources.findings.problem(where, f"found {len(prompts)} prompts, allowed are {MAX_PROMPTS}")
        return ()
    return prompts


def _read(sources: Sources, where: Place) -> list[str]:
    if isinstance(where.node.value, dict):
        for key in where.node.fields:
            if key in _IGNORED:
                sources.findings.note(where.at(key), f"{key} is ignored: spec.request says how the model is called")
            elif key not in _KEYS:
                message = f"found {key!r}, which is not supported; allowed are {', '.join(_KEYS)}"
                sources.findings.problem(where.at(key), message)
        where = where.at("raw") if where.present("raw") else where.at("id")
    text = where.node.value
    if not isinstance(text, str) or not text:
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a text that is not empty")
        return []
    if "*" in text and (is_reference(text) or _looks_like_path(text)):
        return _from_pattern(sources, where, text)
    if is_reference(text) or sources.has(text):
        return _from_file(sources, where, text)
    if text.startswith(_OUTSIDE):
        sources.findings.problem(where, f"found {text[:100]!r}: prompts are read from the ProbeSet alone")
    if _looks_like_path(text):
        sources.findings.problem(where, f"found {text[:100]!r}, allowed are a prompt and the name of a given file")
    return [text]


def _from_pattern(sources: Sources, where: Place, pattern: str) -> list[str]:
    names = sources.matching(pattern)
    if not names:
        sources.findings.problem(where, f"found {pattern[:100]!r}, which no file of the ProbeSet matches")
    return [prompt for name in names for prompt in _from_file(sources, where, name)]


def _looks_like_path(text: str) -> bool:
    """Whether promptfoo would take such a text as the path of a file."""
    return not any(c in text for c in WHITESPACE) and text.endswith((*_FILE_ENDINGS, ".js", ".py", ".csv", ".jsonl"))


def _from_file(sources: Sources, where: Place, reference: str) -> list[str]:
    if is_script(reference) or is_other_script(reference):
        message = f"found {reference[:100]!r}: prompts that a program makes are not run, allowed are texts"
        sources.findings.problem(where, message)
        return []
    if not reference.endswith(_FILE_ENDINGS):
        sources.findings.problem(where, f"found {reference[:100]!r}, allowed are files {', '.join(_FILE_ENDINGS)}")
        return []
    if reference.endswith(YAML_ENDINGS):
        document = sources.document(where, reference)
        return [] if document is None else [js_json(document.node.plain())]
    found = sources.text(where, reference)
    if found is None:
        return []
    if not reference.endswith(".txt"):
        return [found[1]]
    parts: list[list[str]] = [[]]
    for line in found[1].replace("\r\n", "\n").split("\n"):
        if line.strip(WHITESPACE) == _DELIMITER:
            parts.append([])
        else:
            parts[-1].append(line)
    return [text for text in ("\n".join(part).strip(WHITESPACE) for part in parts) if text]
