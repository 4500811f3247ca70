"""What models write that nobody should hear: thinking, control tokens, markup, placeholders.

The vocabulary of all families, since a fine-tune writes what its data held, not what its template
says. Knows nothing of streaming (`parser.py`), and nothing of what is inside a call (`salvage.py`).
"""

from __future__ import annotations

import re

THINKING_TAGS = frozenset(
    "think thinking thought thoughts reason reasoning reflection scratchpad analysis rationale"
    " seed:think mm:think begin_of_thought start_thinking inner_monologue".split()
)
"""As `name_of` gives them; what they open is never spoken."""

THINKING: tuple[tuple[str, str], ...] = (
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|channel>", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
)
"""Pairs that aren't <name> and </name>."""

ENDS = frozenset(
    "im_end eot_id eom_id end endoftext end_of_text end_of_turn end_of_sentence end_of_utterance"
    " end_of_role_turn eos /s eot eod eom return call turn end_of_turn_token end_turn eog turn_end"
    " fim_end observation /inst ipython".split()
)
"""Control tokens that end a reply."""

ROLES = frozenset(
    "im_start start_header_id start_of_role start_of_turn start user human system developer inst"
    " start_of_turn_token role_sep sys /sys".split()
)
"""Control tokens that open somebody's turn."""

CALLS = frozenset(
    "tool_call tool_calls toolcall function_call function_calls functioncall python_tag"
    " tool_call_start tool_list_call tool_calls_begin tool_call_begin tool_calls_section_begin"
    " start_action tools_prefix tool_use invoke function tool minimax:tool_call seed:tool_call"
    " start_function_call action_start plugin".split()
)
"""Tags and tokens that open a call."""

UNSPOKEN = frozenset(
    "code pre script style svg math head tool_response tool_responses tool_result tool_results"
    " tool_output function_result function_results function_response tools available_tools"
    " tool_list_start tool_response_start tool_output_begin tool_outputs_begin context document"
    " documents system_prompt".split()
)
"""Elements whose content isn't speech either."""

_SPOKEN = frozenset(
    "a abbr article aside b big blockquote body br center cite dd del details div dl dt em"
    " emphasis em-dash font footer h1 h2 h3 h4 h5 h6 header hr html i img ins kbd li main mark nav"
    " ol p para phoneme prosody q s say-as section small span speak strike strong sub summary sup"
    " table tbody td th thead tr tt u ul var voice"
    " answer assistant assistant_response content final final_answer output reply response say"
    " sentence speech text start_response end_response".split()
)
"""Elements whose content is speech."""

BLOCKS = frozenset("br p li div tr h1 h2 h3 h4 h5 h6 hr".split())
"""Elements that part words."""

_FILLERS = frozenset(
    # what placeholders begin with, in the languages that the built-in models know
    "insert enter add put specify fill provide your current user user's users customer customer's"
    " name time date day today's today tomorrow city location number phone address amount company"
    " topic x xx xxx result answer value placeholder weather temperature number duration the"
    " actual specific exact"
    " einfügen ihr ihre dein deine aktuelle aktueller aktuelles uhrzeit datum zeit ort hier"
    " insérer insérez votre nom heure actuelle actuel date lieu".split()
)
_ADDRESS = re.compile(r"@|://|^www\.", re.IGNORECASE)


def name_of(tag: str) -> str:
    """What a tag or control token is called: `</Think>` -> /think, `<｜tool▁sep｜>` -> tool_sep."""
    inner = tag.strip("<>◁▷[]").strip("|｜").replace("▁", "_").strip()
    name = re.split(r"[\s=]", inner, maxsplit=1)[0].rstrip("/") or inner
    return name.lower()


def is_control(tag: str) -> bool:
    """Whether it is written like a control token, <|x|>, whatever it says."""
    return tag[1] in "|｜" or tag[-2] in "|｜" or bool(re.match(r"<0x[0-9A-F]{2}>$", tag))


def is_address(tag: str) -> bool:
    """<john@example.com>: that is a fact."""
    return bool(_ADDRESS.search(tag.strip("<>")))


def is_spoken_element(name: str) -> bool:
    """Whether a tag is a known wrapping of speech: the tag goes, what it holds stays."""
    return name.removeprefix("/") in _SPOKEN


def closing_of(tag: str) -> str:
    """What ends the part that `tag` opens."""
    for opening, closing in THINKING:
        if tag == opening:
            return closing
    for a, b in (("begin", "end"), ("start", "end"), ("START", "END"), ("prefix", "suffix")):
        if is_control(tag) and a in tag:
            return tag.replace(a, b)
    if tag.startswith(("<|", "<｜")) and tag[-2] in "|｜":
        return f"{tag[:2]}/{tag[2:]}"
    if tag.startswith("<|"):  # Gemma 4: <|tool_call> ... <tool_call|>
        return f"<{tag[2:-1]}|>"
    return "</" + re.split(r"[\s=>]", tag[1:], maxsplit=1)[0] + ">"


def answer_opening(closing: str) -> str:
    """What ends thinking, by what closes it, and opens the answer."""
    if closing == "<|end|>":
        return "<|end|><|start|>assistant<|channel|>final<|message|>"
    return f"\n{closing}\n\n"


def opened_thinking(prompt: str) -> str:
    """What closes the thinking that a prompt ends with; empty if it opens none."""
    end = prompt.rstrip()
    tag = re.search(r"(?:<[^<>\s]{1,40}>|\[THINK\]|◁think▷)$", end)
    if tag is None or tag[0].startswith("</"):
        return ""
    known = tag[0] in dict(THINKING) or name_of(tag[0]) in THINKING_TAGS
    return closing_of(tag[0]) if known else ""


def is_placeholder(inner: str) -> bool:
    """Whether the words between brackets stand for words that somebody should have put there."""
    text = inner.strip().replace("_", " ").replace("-", " ")
    words = text.split()
    if not words or not all(re.fullmatch(r"[^\W\d][\w'’./:]*", word) for word in words):
        return False
    if "_" in inner or (text.isupper() and len(text) > 3):
        return True
    folded = [word.lower().replace("’", "'") for word in words]
    return folded[0] in _FILLERS or folded[-1] in ("here", "einfügen", "ici")
