"""Nothing but speech is spoken, and a call counts in whatever form it is written."""

from __future__ import annotations

import json
import random
import re

import pytest
from dialogues import TOOLS
from livekit.plugins.llama_cpp.dialect import Dialect
from livekit.plugins.llama_cpp.dialects import Harmony, Hermes, Llama3, Mistral
from livekit.plugins.llama_cpp.parser import ReplyParser
from livekit.plugins.llama_cpp.salvage import Toolbox
from parsing import always_told, fed, told

SUM = '{"name": "calculate", "arguments": {"expression": "5 + 3"}}'
SUM_CALL = ("calculate", '{"expression": "5 + 3"}')
TIME = '{"name": "get_current_time", "arguments": {}}'
TIME_CALL = ("get_current_time", "{}")
TIMER_CALL = ("set_timer", '{"amount": 5, "unit": "minutes"}')

CALLS: list[tuple[str, list[tuple[str, str]]]] = [
    (SUM, [SUM_CALL]),
    (f"  \n{SUM}\n", [SUM_CALL]),
    (f"```json\n{SUM}\n```", [SUM_CALL]),
    (f"```\n{SUM}\n```", [SUM_CALL]),
    (f"```json\n{SUM}", [SUM_CALL]),
    (f"```python\n{SUM}\n```", [SUM_CALL]),
    ('```python\nprint(calculate(expression="5 + 3"))\n```', [SUM_CALL]),
    ("```tool_code\nget_current_time()\n```", [TIME_CALL]),
    (f"[{SUM}, {TIME}]", [SUM_CALL, TIME_CALL]),
    (f"{SUM}; {TIME}", [SUM_CALL, TIME_CALL]),
    (f"{SUM}\n{TIME}", [SUM_CALL, TIME_CALL]),
    (f"{SUM},\n{SUM}", [SUM_CALL]),
    (f"<tool_call>\n{SUM}\n</tool_call>\n<tool_call>\n{TIME}\n</tool_call>", [SUM_CALL, TIME_CALL]),
    (f"<tool_call>\n{SUM}", [SUM_CALL]),
    (f"<tool_call>{SUM}<tool_call>{TIME}", [SUM_CALL, TIME_CALL]),
    (f"<tools>\n{TIME}\n</tools>", []),
    ("<tool_call>get_current_time</tool_call>", [TIME_CALL]),
    ('<function=calculate>{"expression": "5 + 3"}</function>', [SUM_CALL]),
    ("<function=calculate><parameter=expression>5 + 3</parameter></function>", [SUM_CALL]),
    (
        '<function_calls><invoke name="calculate"><parameter name="expression">5 + 3</parameter>'
        "</invoke></function_calls>",
        [SUM_CALL],
    ),
    ('calculate(expression="5 + 3")', [SUM_CALL]),
    ('calculate("5 + 3")', [SUM_CALL]),
    ('[set_timer(amount=5, unit="minutes"), get_current_time()]', [TIMER_CALL, TIME_CALL]),
    ('Action: calculate\nAction Input: {"expression": "5 + 3"}\nObservation: 8', [SUM_CALL]),
    ("Action: get_current_time\nAction Input: none\nObservation: noon", [TIME_CALL]),
    ('{"name": "calculate", "parameters": {"expression": "5 + 3"}}', [SUM_CALL]),
    ('{"tool": "calculate", "args": {"expression": "5 + 3"}}', [SUM_CALL]),
    ('{"tool_name": "calculate", "tool_input": {"expression": "5 + 3"}}', [SUM_CALL]),
    ('{"function_name": "calculate", "input": {"expression": "5 + 3"}}', [SUM_CALL]),
    ('{"action": "calculate", "action_input": "5 + 3"}', [SUM_CALL]),
    ('{"tool": "set_timer", "amount": 5, "unit": "minutes"}', [TIMER_CALL]),
    ('{"set_timer": {"amount": 5, "unit": "minutes"}}', [TIMER_CALL]),
    ('set_timer {"amount": 5, "unit": "minutes"}', [TIMER_CALL]),
    (
        '{"type": "function", "function": {"name": "calculate", "arguments": '
        '"{\\"expression\\": \\"5 + 3\\"}"}}',
        [SUM_CALL],
    ),
    ('{"tool_calls": [{"id": "1", "function": ' + SUM + "}]}", [SUM_CALL]),
    ("{'name': 'calculate', 'arguments': {'expression': '5 + 3'}}", [SUM_CALL]),
    ('{"name": "calculate", "arguments": {"expression": "5 + 3",},}', [SUM_CALL]),
    ('{name: "calculate", arguments: {expression: "5 + 3"}}', [SUM_CALL]),
    (SUM[:-1], [SUM_CALL]),
    (SUM[:-6], [("calculate", "{}")]),  # half an argument is none: it is asked for again
    ("<get_current_time/>", [TIME_CALL]),
    ('{"name": "functions.get_current_time", "arguments": {}}', [TIME_CALL]),
    ('{"name": "getCurrentTime", "arguments": {}}', [TIME_CALL]),
    ('{"name": "get_weather", "arguments": {"city": "Paris"}}', []),
    ('[{"name": "get_weather"}]', []),
    ('{"answer": "It is noon."}', []),
    ("```python\nx = 5 + 3\nprint(x)\n```", []),
]


@pytest.mark.parametrize("dialect", [Hermes(), Llama3(), Mistral()])
@pytest.mark.parametrize(("reply", "calls"), CALLS)
def test_a_call_in_any_form_is_a_call(
    dialect: Dialect, reply: str, calls: list[tuple[str, str]]
) -> None:
    assert always_told(dialect, reply) == calls
    if not reply.startswith("Action"):  # which begins a line
        before, _, after = f"One moment. {reply}".partition(" ")
        assert always_told(dialect, f"{before} {after}")[:1] == [("text", "One moment.")]
        assert told(dialect, [f"One moment. {reply}"])[1:] == calls
    assert told(dialect, [f"One moment.\n\n{reply}\n"]) == [("text", "One moment."), *calls]


def test_what_is_no_tool_is_no_call() -> None:
    for reply, _ in CALLS:
        told_of = [part for part in told(Hermes(), [reply], tools=()) if part[0] != "think"]
        # where a name stands before its arguments it has gone when they are seen
        assert not told_of or re.fullmatch(r"\w+|Action:.*", told_of[0][1], re.DOTALL), told_of


NOT_SPOKEN: list[tuple[str, str]] = [
    ("Hello.<|im_end|>", "Hello."),
    ("Hello.<|im_end|>\n<|im_start|>user\nAnd you?", "Hello."),
    ("Hello.<|eot_id|><|start_header_id|>user<|end_header_id|>", "Hello."),
    ("Hello.</s>", "Hello."),
    ("<s>Hello.", "Hello."),
    ("Hello.<end_of_turn>\n<start_of_turn>user", "Hello."),
    ("Hello.<|endoftext|>Question: what", "Hello."),
    ("Hello. [/INST] And more", "Hello."),
    ("Hello.<｜end▁of▁sentence｜>", "Hello."),
    ("Hello.<|END_OF_TURN_TOKEN|>", "Hello."),
    ("<|im_start|>assistant\nHello.", "Hello."),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nHello.", "Hello."),
    ("<|assistant|>\nHello.", "Hello."),
    ("<start_of_turn>model\nHello.", "Hello."),
    ("Hello.\nUser: And you?\nAssistant: Well.", "Hello."),
    ("Assistant: Hello.", "Hello."),
    ("Hello. <unk><pad>Bye.", "Hello. Bye."),
    ("<think>Who?</think>Hello.", "Hello."),
    ("<thinking>\nWho?\n</thinking>\n\nHello.", "Hello."),
    ("<thought>Who?</thought> Hello.", "Hello."),
    ("<reasoning>Who?</reasoning>Hello.", "Hello."),
    ("<reflection>Who?</reflection>Hello.", "Hello."),
    ("[THINK]Who?[/THINK]Hello.", "Hello."),
    ("◁think▷Who?◁/think▷Hello.", "Hello."),
    ("<|START_THINKING|>Who?<|END_THINKING|><|START_RESPONSE|>Hello.<|END_RESPONSE|>", "Hello."),
    (
        "<|channel|>analysis<|message|>Who?<|end|><|start|>assistant<|channel|>final<|message|>Hello.",
        "Hello.",
    ),
    ("<|channel>thought\nWho?<channel|>Hello.", "Hello."),
    ("<seed:think>Who?</seed:think>Hello.", "Hello."),
    ("<|begin_of_thought|>Who?<|end_of_thought|>Hello.", "Hello."),
    ("Thought: Who is it?\nFinal Answer: Hello.", "Hello."),
    ("Hello.</think>", "Hello."),
    ("</think>\n\nHello.", "Hello."),
    ("<think>never closed", ""),
    ("<b>Hello</b>, <i>you</i>.<br/>Bye.", "Hello, you. Bye."),
    ('<speak>Hello <break time="1s"/>you.</speak>', "Hello you."),
    ('<p class="x">Hello.</p>', "Hello."),
    ("<answer>Hello.</answer>", "Hello."),
    ("Hello.<!-- no -->", "Hello."),
    ("Hello.\n```python\nprint('x')\n```\nBye.", "Hello. Bye."),
    ("Use `x = {1: 2}` there. Bye.", "Use. Bye."),
    ("<code>x = 1</code>Hello.", "Hello."),
    ('<tool_response>{"time": "12:00"}</tool_response>Hello.', "Hello."),
    ('Hello. {"a": [1, 2, {"b": "}"}]} Bye.', "Hello. Bye."),
    ("Hello <im", "Hello"),
    ("Hello <|im_e", "Hello"),
    ("Hello [insert na", "Hello"),
]


@pytest.mark.parametrize(("reply", "spoken"), NOT_SPOKEN)
def test_what_is_not_speech_is_not_spoken(reply: str, spoken: str) -> None:
    said = [text for kind, text in always_told(Hermes(), reply) if kind == "text"]
    assert " ".join("".join(said).split()) == spoken


PLACEHOLDERS: list[tuple[str, str]] = [
    ("The time is [insert current time]. Anything else?", "The time is. Anything else?"),
    (
        "Yes. The current local date and time is <current-time>.",
        "Yes. The current local date and time is",
    ),
    ("It is {time}. Bye.", "It is. Bye."),
    ("It is {{current_time}}, I think. Bye.", "It is. Bye."),
    ("Dear [Your Name], hello. Bye.", "Dear. Bye."),
    ("Es ist [aktuelle Uhrzeit]. Gut.", "Es ist. Gut."),
    ("Il est [heure actuelle]. Bien.", "Il est. Bien."),
    ("[CURRENT TIME] it is. Bye.", "Bye."),
    ("It is <insert time here> now. Bye.", "It is. Bye."),
    ("You can use the get_current_time function. Bye.", "You can use the. Bye."),
    ("`get_current_time` tells it. Bye.", "Bye."),
    (
        "I have tools:\n- `get_current_time`: tells it.\n- `set_timer`\nBye.",
        "I have tools:\nBye.",
    ),
    ("You can call `calculate` to add. Bye.", "You can call. Bye."),
    ("It's the 'set_timer' function. Bye.", "It's the '. Bye."),
    ("The GetCurrentTime tool tells it. Bye.", "The. Bye."),
]


@pytest.mark.parametrize(("reply", "spoken"), PLACEHOLDERS)
def test_a_sentence_with_a_placeholder_or_a_function_is_not_spoken(reply: str, spoken: str) -> None:
    assert always_told(Hermes(), reply) == [("text", spoken)]


SPEECH = [
    "It's time, she'd say: that isn't 'set' in stone.",
    "2 < 3 and 5 > 4, so a < b.",
    "I like [brackets]? So do I.",
    "Look at array[0], and at [1] and [sic].",
    "He said [laughing] that it's fine.",
    "Write to john_doe@example.com or <john@example.com>.",
    "See <https://example.com/a_b> or [the page](https://example.com).",
    "*Really*? **Yes**, _really_ :-) <3 ;-] >:(",
    "First:\n- one\n- two\n\n1. three",
    "I can calculate that, and set a timer for you. Get current news? No.",
    "Settings, setting, set; calculated, calculator. functions and tools.",
    "A man. Actually, an act: Observe the user. Human beings think. AI is here.",
    "Press `Ctrl` and `Enter`.",
    "It costs $5 {roughly".replace(" {roughly", "."),
    "Übergröße, çà et là, 漢字、かな。🙂 ok",
    "The time is 12:30 — not 1/2 or 50% of it; e.g. at 3.14 o'clock!",
    "\"Quotes\" and 'apostrophes' aren't (code), function(s) of f(x) neither.",
]


@pytest.mark.parametrize("text", SPEECH)
def test_speech_is_spoken_as_it_is(text: str) -> None:
    assert always_told(Hermes(), text) == [("text", text)]
    assert always_told(Harmony(), text) == [("text", text)]


def test_plain_words_are_never_held_back() -> None:
    """Piece by piece as tokens come: held is only what may still become a name or a marker."""
    text = " ".join(SPEECH[9:12]).replace("`", "")
    pieces = [word if i == 0 else f" {word}" for i, word in enumerate(text.split(" "))]
    names = Toolbox(TOOLS).written
    for dialect in (Hermes(), Llama3(), Mistral()):
        parser = ReplyParser(dialect, tools=TOOLS)
        seen = said = ""
        for piece in pieces:
            seen += piece
            said += "".join(getattr(event, "text", "") for event in fed(parser, piece))
            held = seen[len(said) :].strip()
            assert not held or any(n.startswith(held.split()[-1]) for n in names), held
        assert said + "".join(getattr(e, "text", "") for e in parser.finish()) == text


PARTS = [
    *(
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        SUM,
        TIME,
        "```",
        "```json\n",
        "[",
        "]",
    ),
    *("{", "}", "<", ">", " ", "\n", ". ", "a", "5", "END", "<|im_end|>", "<b>", "</b>", "(", ")"),
    *("get_current_time", "calculate", "()", "[Your Name]", "{time}", "`", "Action: ", "Thought: "),
    *("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|start|>assistant", '"'),
    *("<function=calculate>", "</function>", "[TOOL_CALLS]", "[THINK]", "[/THINK]", "User: ", "'"),
    *("Hello", "you", ", ", "!", "<current-time>", "é", "漢", "\\", ":", ";", "functools["),
]


@pytest.mark.parametrize("dialect", [Hermes(), Llama3(), Mistral(), Harmony()])
def test_any_text_means_the_same_however_it_is_split(dialect: Dialect) -> None:
    rng = random.Random(11)
    for _ in range(1500):
        reply = "".join(rng.choices(PARTS, k=rng.randint(1, 9)))
        whole = told(dialect, [reply], ["END", "\n\n", "a a"])
        assert told(dialect, list(reply), ["END", "\n\n", "a a"]) == whole, reply
        cut = rng.randint(0, len(reply))
        assert told(dialect, [reply[:cut], reply[cut:]], ["END", "\n\n", "a a"]) == whole, reply


def test_whatever_is_written_no_code_is_spoken() -> None:
    rng = random.Random(5)
    unheard = ("<|", "|>", "```", "get_current_time", '{"', "<think", "[TOOL_CALLS]", "[THINK]")
    for _ in range(3000):
        reply = " ".join(rng.choices(PARTS, k=rng.randint(1, 9)))
        for kind, text in told(Hermes(), [reply]):
            if kind == "text":
                assert not any(mark in text for mark in unheard), (reply, text)
            elif kind != "think":
                json.loads(text)


def test_names_of_functions_that_can_not_be_called_now_are_not_read_out_either() -> None:
    parser = ReplyParser(Hermes(), known=["get_current_time"])
    reply = f"The get_current_time function. {TIME} Bye."
    events = [event for char in reply for event in fed(parser, char)] + parser.finish()
    assert "".join(getattr(event, "text", "?") for event in events) == "The. Bye."


def test_a_reply_of_nothing_but_broken_sentences_is_no_answer() -> None:
    for reply, answered in [
        ("You can use the get_current_time function.", False),
        ("You can call the get_current_time function. You can also call `calculate`", False),
        ("The time is {time}", False),
        ("{time}", False),
        ("Yes. The time is {time}.", True),
        ("The time is {time}. I think so", True),
        ("I think so", True),
    ]:
        parser = ReplyParser(Hermes(), tools=TOOLS)
        for char in reply:
            fed(parser, char)
        parser.finish()
        assert parser.answered is answered, reply
