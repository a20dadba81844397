"""Which components and stages of Alloy we write, with their arguments: what a text may hold to be applied.

Names, arguments and types are those of Alloy 1.18. It knows only what Serinus writes: everything else is a mistake.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from serinus.core.alloy import Block, InvalidAlloy, Reference, read

_DURATION: Final = re.compile(r"(?:[0-9]+(?:ms|s|m|h))+")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SELECTOR: Final = re.compile(r'\{[a-z_]+="[a-z]+"\}')
Check = Callable[[Any], str]
"""Says what is allowed instead, or nothing."""


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of block: its arguments, the needed ones among them, and the blocks in it."""

    arguments: Mapping[str, Check]
    needed: tuple[str, ...] = ()
    blocks: Mapping[str, "Form"] = field(default_factory=dict)
    labelled: bool = False


def problems(text: str) -> list[str]:
    """One line for each thing in a text that Alloy would refuse, or that we never write; empty: none was found."""
    try:
        blocks = read(text)
    except InvalidAlloy as e:
        return [str(e)]
    found = list(_blocks(blocks, _COMPONENTS, ""))
    names = [f"{b.name}.{b.label}" for b in blocks]
    found += [f"{name}: found twice" for name in sorted(set(names)) if names.count(name) > 1]
    receivers = {f"{name}.receiver" for name in names}
    for block in blocks:
        for target in block.attributes.get("forward_to", []):
            if isinstance(target, Reference) and target.name not in receivers:
                found.append(f"{block.name}.{block.label}.forward_to: found {target.name}, which no component exports")
    return found


def _blocks(blocks: tuple[Block, ...], forms: Mapping[str, Form], path: str) -> Iterator[str]:
    for block in blocks:
        where = f"{path}.{block.name}".lstrip(".")
        form = forms.get(block.name)
        if form is None:
            yield f"{where}: found an unknown block, allowed are {', '.join(sorted(forms)) or 'none'}"
            continue
        if form.labelled != bool(_IDENTIFIER.fullmatch(block.label)) or (block.label and not form.labelled):
            yield f"{where}: found the label {block.label!r}, allowed is {'an identifier' if form.labelled else 'none'}"
        yield from _arguments(block, form, where)
        yield from _blocks(block.blocks, form.blocks, where)


def _arguments(block: Block, form: Form, where: str) -> Iterator[str]:
    for name, value in block.attributes.items():
        if name not in form.arguments:
            allowed = ", ".join(sorted(form.arguments)) or "none"
            yield f"{where}.{name}: found an unknown argument, allowed are {allowed}"
        elif allowed := form.arguments[name](value):
            yield f"{where}.{name}: found {value!r}, allowed is {allowed}"
    for name in form.needed:
        if name not in block.attributes:
            yield f"{where}.{name}: is required"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "a text"


def _truth(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _rate(value: Any) -> str:
    return "" if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 else "0 to 1"


def _whole(value: Any) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else "a whole number"


def _duration(value: Any) -> str:
    return "" if isinstance(value, str) and _DURATION.fullmatch(value) else "a duration such as 3s"


def _texts(value: Any) -> str:
    fits = isinstance(value, list) and value and all(isinstance(v, str) and v for v in value)
    return "" if fits else "a list of texts"


def _object(value: Any) -> str:
    fits = isinstance(value, dict) and value and all(isinstance(v, str) and v for v in value.values())
    return "" if fits else "an object of texts"


def _pattern(value: Any) -> str:
    try:
        return "" if isinstance(value, str) and value and re.compile(value, re.ASCII) else "a pattern"
    except re.error as e:
        return f"a pattern ({e})"


def _capturing(value: Any) -> str:
    wrong = _pattern(value)
    return wrong or ("" if re.compile(value, re.ASCII).groups else "a pattern with a group: only groups are replaced")


def _template(value: Any) -> str:
    if not isinstance(value, str) or not value:
        return "a template"
    words = re.findall(r"\{\{-? *(if|range|with|end)\b", value)
    whole = value.count("{{") == value.count("}}") and words.count("end") * 2 == len(words)
    return "" if whole else "a template with an end for every beginning"


def _selector(value: Any) -> str:
    return "" if isinstance(value, str) and _SELECTOR.fullmatch(value) else 'a selector such as {label="value"}'


def _inc(value: Any) -> str:
    return "" if value == "inc" else '"inc"'


def _receivers(value: Any) -> str:
    fits = isinstance(value, list) and value and all(isinstance(v, Reference) and v.arguments is None for v in value)
    return "" if fits else "a list of receivers"


def _node(value: Any) -> str:
    fits = isinstance(value, Reference) and value.name == "sys.env" and len(value.arguments or ()) == 1
    return "" if fits else 'sys.env("NAME")'


_COUNTER: Final = Form(
    {
        "name": _text,
        "description": _text,
        "source": _text,
        "prefix": _text,
        "max_idle_duration": _duration,
        "action": _inc,
        "match_all": _truth,
    },
    needed=("name", "action"),
)
_STAGES: Final[dict[str, Form]] = {
    "stage.multiline": Form(
        {"firstline": _pattern, "max_lines": _whole, "max_wait_time": _duration}, needed=("firstline",)
    ),
    "stage.json": Form({"expressions": _object}, needed=("expressions",)),
    "stage.logfmt": Form({"mapping": _object}, needed=("mapping",)),
    "stage.regex": Form({"expression": _capturing, "source": _text}, needed=("expression",)),
    "stage.replace": Form({"expression": _capturing, "replace": _template}, needed=("expression", "replace")),
    "stage.template": Form({"source": _text, "template": _template}, needed=("source", "template")),
    "stage.metrics": Form({}, blocks={"metric.counter": _COUNTER}),
    "stage.labels": Form({"values": _object}, needed=("values",)),
    "stage.label_drop": Form({"values": _texts}, needed=("values",)),
    "stage.structured_metadata": Form({"values": _object}, needed=("values",)),
    "stage.sampling": Form({"rate": _rate}, needed=("rate",)),
}
_STAGES["stage.match"] = Form({"selector": _selector}, needed=("selector",), blocks=dict(_STAGES))
_COMPONENTS: Final[Mapping[str, Form]] = {
    "loki.source.podlogs": Form(
        {"forward_to": _receivers},
        needed=("forward_to",),
        blocks={
            "selector": Form({"match_labels": _object}),
            "node_filter": Form({"enabled": _truth, "node_name": _node}),
        },
        labelled=True,
    ),
    "loki.process": Form({"forward_to": _receivers}, needed=("forward_to",), blocks=_STAGES, labelled=True),
    "loki.source.api": Form(
        {"forward_to": _receivers},
        needed=("forward_to",),
        blocks={"http": Form({"listen_address": _text, "listen_port": _whole})},
        labelled=True,
    ),
    "loki.write": Form(
        {}, blocks={"endpoint": Form({"url": _text, "tenant_id": _text}, needed=("url",))}, labelled=True
    ),
}
