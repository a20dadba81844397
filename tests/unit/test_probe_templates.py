"""Templates of prompts and values: Nunjucks' way of printing, and the bounds on what an author can write."""

import json
from typing import Any

import pytest

from serinus.core.probe import Assertion, Probe
from serinus.probes.outcome import Misconfigured, Outcome, Said
from serinus.probes.prepared import Prepared, prepare
from serinus.probes.templates import TemplateFailed, Templates
from serinus.probes.toolbox import make_tools

TEMPLATES = Templates()


def prepared(prompt: str, variables: dict[str, Any], *assertions: Assertion) -> Prepared:
    wanted = assertions or (Assertion(type="is-json"),)
    return prepare(Probe(id="p", prompt=prompt, variables=variables, assertions=wanted), Templates(), make_tools())


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain { text }\n", "plain { text }\n"),
        ("{{ a }}\n", "1\n"),
        ("{{ yes }} {{ none }} {{ list }} {{ map }} {{ half }}", "true  1,2 [object Object] 0.5"),
        ("{{ list | dump }} {{ map | dump }}", '[1,2] {"k":"v"}'),
        ("{% for x in list %}<{{ x }}>{% endfor %}", "<1><2>"),
        ("{% if yes %}a{% else %}b{% endif %}", "a"),
        ("{{ html }}", "<b>&</b>"),
        ("{{ map.k }}", "v"),
    ],
)
def test_values_print_as_in_nunjucks(template: str, text: str) -> None:
    values = {"a": 1, "yes": True, "none": None, "list": [1, 2], "map": {"k": "v"}, "half": 0.5, "html": "<b>&</b>"}
    assert TEMPLATES.render(template, values) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ missing }}",
        "{{ a.missing.more }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ self._TemplateReference__context }}",
        "{% for %}",
        "{{ 'x' * 100000000 }}",
        "{{ 2 ** 100000000 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ range(999999999) | list }}",
        "{% for i in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}",
        "{{ 1 / 0 }}",
        "{% include 'x' %}",
        "{{ a" + "|upper" * 50_000 + " }}",
    ],
)
def test_template_that_is_wrong_or_too_much_is_refused(template: str) -> None:
    with pytest.raises(TemplateFailed):
        TEMPLATES.render(template, {"a": "x"})


def test_variables_that_name_others_are_resolved() -> None:
    assert TEMPLATES.resolve({"a": "{{b}}!", "b": "{{ c }}", "c": 1.0}) == {"a": "1!", "b": "1", "c": 1.0}


def test_variables_that_name_each_other_end() -> None:
    found = TEMPLATES.resolve({"a": "x{{b}}", "b": "y{{a}}"})
    assert len(found["a"]) < 1000


def test_variable_that_is_text_about_templates_is_not_rendered() -> None:
    text = "What does {{ missing }} mean, and {% this?"
    assert prepared("Q: {{q}}", {"q": text}).prompt == f"Q: {text}"


def test_prompt_with_a_bracket_that_never_closes_is_text() -> None:
    assert prepared("What is {{ in Jinja?", {}).prompt == "What is {{ in Jinja?"


def test_text_prompt_is_one_user_message() -> None:
    assert prepared("Hi {{n}}", {"n": "Ann"}).messages == ({"role": "user", "content": "Hi Ann"},)


def test_json_prompt_is_chat_messages_and_quotes_in_variables_cannot_break_it() -> None:
    prompt = json.dumps([{"role": "system", "content": "Be {{m}}."}, {"role": "user", "content": "{{q}}"}])
    found = prepared(prompt, {"m": "kind", "q": 'say "hi"\n'})
    assert found.messages == ({"role": "system", "content": "Be kind."}, {"role": "user", "content": 'say "hi"\n'})
    assert json.loads(found.prompt) == list(found.messages)


def test_json_prompt_that_is_no_message_list_is_one_user_message() -> None:
    assert prepared('{"a": "{{q}}"}', {"q": "x"}).messages == ({"role": "user", "content": '{"a":"x"}'},)


def test_value_of_an_assertion_is_rendered_and_one_from_a_file_is_not() -> None:
    found = prepared(
        "x",
        {"q": "yes"},
        Assertion(type="contains", value="{{q}}"),
        Assertion(type="contains-any", value=["{{q}}!", 3]),
        Assertion(type="contains", value="{{q}}", literal=True),
    )
    assert [isinstance(o, Outcome) and o.passed for o in found.score(Said(text="yes!"))] == [True, True, False]


@pytest.mark.parametrize(
    ("prompt", "assertion"),
    [
        ("{{missing}}", Assertion(type="is-json")),
        ("x", Assertion(type="contains", value="{{missing}}")),
        ("x", Assertion(type="contains", value="{{ '' }}")),
        ("x", Assertion(type="word-count", value="{{ 'many' }}")),
        ("x", Assertion(type="regex", value="[{{q}}")),
    ],
)
def test_probe_that_cannot_work_is_named(prompt: str, assertion: Assertion) -> None:
    with pytest.raises(Misconfigured, match="probe 'p'"):
        prepared(prompt, {"q": "x"}, assertion)


@pytest.mark.parametrize(
    ("template", "text"), [("{{ q.length }}", "2"), ("{{ l.length }}", "3"), ("{{ d.length }}", "x")]
)
def test_length_behind_a_dot_is_what_nunjucks_means(template: str, text: str) -> None:
    assert Templates().render(template, {"q": "hi", "l": [1, 2, 3], "d": {"length": "x"}}) == text
