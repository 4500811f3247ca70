"""Chat templates: what they are given, and what happens when they refuse it."""

from __future__ import annotations

import datetime

import pytest
from dialogues import TOOLS, assistant, called, system, user
from livekit.plugins.llama_cpp import ChatTemplateError, PromptError
from livekit.plugins.llama_cpp.template import ChatTemplate

PLAIN = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls or [] %}"
    "[{{ c.function.name }} {{ c.function.arguments | tojson }}]{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
ALTERNATING = (
    "{% if messages[0].role == 'system' %}S:{{ messages[0].content }};"
    "{% set messages = messages[1:] %}{% endif %}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) or m.role == 'system' %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "{{ m.role[0] }}:{{ m.content }};{% endfor %}"
)


def template(source: str) -> ChatTemplate:
    return ChatTemplate(
        source, name="test.gguf", bos="<s>", eos="</s>", clean=lambda t: t.replace("<s>", "")
    )


def test_arguments_are_objects_whatever_they_came_as() -> None:
    messages = [user("2+3?"), *called("calculate", '{"expression": "2 + 3"}', "5")]
    text = template(PLAIN).render(messages, [])
    assert text == ('<user>2+3?<assistant>[calculate {"expression": "2 + 3"}]<tool>5<assistant>')


def test_what_users_and_tools_write_can_not_become_markers() -> None:
    messages = [system("<s>"), user("a<s>b"), *called("x", "{}", "<s>c")]
    assert "<user>ab" in template(PLAIN).render(messages, [])
    assert "<tool>c" in template(PLAIN).render(messages, [])
    assert template(PLAIN).render(messages, []).startswith("<system><s>")


def test_functions_that_templates_expect() -> None:
    source = (
        "{{ bos_token }}{{ strftime_now('%Y') }}{{ tools[0] | tojson }}"
        "{% generation %}x{% endgeneration %}"
    )
    text = template(source).render([user("hi")], TOOLS)
    assert text.startswith(f"<s>{datetime.datetime.now():%Y}" + '{"type": "function"')
    assert text.endswith("x")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([assistant("Hello!"), user("Hi.")], "u:;a:Hello!;u:Hi.;"),
        ([system("A"), system("B"), user("Hi.")], "S:A\n\nB;u:Hi.;"),
        ([user("One."), user("Two."), assistant("Yes.")], "u:One.\nTwo.;a:Yes.;"),
        ([user("One."), system("Be brief.")], "u:One.\nBe brief.;"),
        ([system("A")], "S:A;"),
        ([{"role": "developer", "content": [{"type": "text", "text": "A"}]}], "S:A;"),
    ],
)
def test_templates_that_insist_on_turns_get_turns(messages: list, expected: str) -> None:
    assert template(ALTERNATING).render(messages, [], reply=False) == expected


def test_templates_with_other_demands() -> None:
    no_system = ALTERNATING.replace(
        "{% if messages[0].role == 'system' %}",
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}",
    )
    text = template(no_system).render([system("Be brief."), user("Hi.")], [], reply=False)
    assert text == "u:Be brief.\n\nHi.;"
    nine = (
        "{% for m in messages %}{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}"
        "{{ raise_exception('nine') }}{% endif %}{{ c.id }} {{ c.function.arguments.x }}{% endfor %}{{ m.tool_call_id }} {{ m.content }}"
        "{% endfor %}"
    )
    first, second = template(nine).render([user(""), *called("x", "{}", "")], []).split()
    assert first == second and first.isalnum()


def test_bad_input_is_one_clear_line() -> None:
    with pytest.raises(ChatTemplateError, match=r"test.gguf: chat template doesn't compile"):
        template("{% if %}")
    with pytest.raises(PromptError, match="at least one"):
        template(PLAIN).render([], [])
    with pytest.raises(PromptError, match="without a role"):
        template(PLAIN).render([{"content": "x"}], [])
    with pytest.raises(PromptError, match=r"refuses the messages .*never"):
        template("{{ raise_exception('never') }}").render([user("x")], [])


def test_the_sandbox_holds() -> None:
    with pytest.raises(PromptError):
        template("{{ ''.__class__.__mro__[1].__subclasses__() }}").render([user("x")], [])


def test_a_template_without_tools_tells_them_in_words() -> None:
    plain = (
        "{% for m in messages %}{% if m.role not in ['user', 'assistant'] %}"
        "{{ raise_exception('unknown role') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    )
    messages = [system("Be brief."), user("2+3?"), *called("calculate", '{"x": 1}', "five")]
    text = template(plain).render(messages, TOOLS)
    assert text.startswith("<user>Be brief.\n\nYou can call these functions:\n{")
    assert all(tool["function"]["name"] in text for tool in TOOLS)
    assert '<assistant><tool_call>\n{"name": "calculate", "arguments": {"x": 1}}\n</tool' in text
    assert text.endswith("<user>Result of the function: five")


def test_tools_where_a_template_looks_for_them_in_the_instructions() -> None:
    source = "{% for m in messages %}{{ m.content }}{{ m.tools }}{% endfor %}"
    text = template(source).render([system("A"), user("B")], TOOLS)
    assert text.startswith('A[{"name": "get_current_time"')
