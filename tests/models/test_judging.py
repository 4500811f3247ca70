"""What counts as right: the judges themselves, without a model."""

import numpy as np
import pytest
from earshot.bench import answering, models, speaking
from earshot.bench.together import Asked
from earshot.turn import ToolCall, Turn

SUM = ["calculate", {"expression": "2 + 3"}]


def turn(reply: str, *tools: ToolCall) -> Turn:
    made = Turn(1)
    made.reply = reply
    made.tools.extend(tools)
    return made


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('<tool_call>\n{"name": "calculate", "arguments": {"expression": "2 + 3"}}\n</tool_call>', SUM),
        ('<tool_call>{"name": "calculate"', None),
        ("<tool_call>nothing</tool_call>", None),
        ("The answer is 5.", None),
    ],
)  # fmt: skip
def test_only_a_whole_call_is_a_call(text: str, call: list[object] | None) -> None:
    assert answering.called(text) == call


def test_a_call_must_be_exact_and_a_reply_expected() -> None:
    wanted = {"role": "assistant", "tool": SUM}
    assert answering.right(answering.Answer("", SUM, False), wanted)
    assert not answering.right(
        answering.Answer("", ["calculate", {"expression": "2 + 33"}], False), wanted
    )
    reply = {"role": "assistant", "expect": ["Okay.", "All right."]}
    assert answering.right(answering.Answer(" All right.\n", None, False), reply)
    assert not answering.right(answering.Answer("Okay", None, False), reply)
    assert not answering.right(answering.Answer("Okay.", SUM, False), reply)


def test_a_spoken_question_is_right_by_what_was_done_and_said() -> None:
    silence = np.zeros(1, np.int16)
    asked = Asked("What is two plus three?", "math", silence, r"The answer is 5\.", SUM)
    done = ToolCall("calculate", {"expression": "2 + 3"}, {"result": 5})
    assert asked.right(turn("The answer is 5.", done))
    assert not asked.right(turn("The answer is 5.")), "guessed"
    assert not asked.right(turn("The answer is 50.", done))
    assert not asked.right(turn("The answer is 5.", done, done)), "twice"


def test_a_click_is_found_and_speech_has_none() -> None:
    t = np.arange(16000) / 16000
    sound = (0.3 * np.sin(2 * np.pi * 180 * t)).astype(np.float32)
    sound[:160] *= np.linspace(0, 1, 160)
    sound[-160:] *= np.linspace(1, 0, 160)
    assert speaking.clicks(sound, 16000) == 0
    sound[8000] += 0.3
    assert speaking.clicks(sound, 16000) > 0
    assert speaking.clicks(np.full(4000, 0.4, np.float32), 16000) > 0, "begins and ends abruptly"


def test_every_part_has_a_table() -> None:
    assert tuple(models.TABLES) == models.PARTS
