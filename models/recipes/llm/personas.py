"""Who the assistant is and which tools it has: the system prompt of a dialogue."""

import random
from typing import Any, NamedTuple

from .phrases import WORDS, made_up, pick

TOOLS: dict[str, tuple[list[str], dict[str, tuple[str, str]]]] = {
    "get_current_time": (
        [
            "Returns the current local date and time.",
            "Get the current time and date.",
            "Tells what time and what day it is.",
            "Current local time and date.",
        ],
        {},
    ),
    "calculate": (
        [
            "Evaluates an arithmetic expression.",
            "Calculate an arithmetic expression and return the result.",
            "A calculator for sums.",
            "Work out a sum.",
        ],
        {"expression": ("string", "The expression, like 2 + 3.")},
    ),
    "set_timer": (
        [
            "Starts a countdown timer.",
            "Set a timer that speaks up when it is over.",
            "Start a timer for the user.",
        ],
        {
            "amount": ("integer", "How many units."),
            "unit": ("string", "seconds, minutes or hours"),
        },
    ),
    "cancel_timer": (
        ["Cancels the running timer.", "Stop the timer.", "Cancel the timer of this call."],
        {},
    ),
    "search_documents": (
        [
            "Searches the local documents.",
            "Search the documents of this site for facts.",
            "Look something up in the local files.",
        ],
        {"query": ("string", "What to look for.")},
    ),
}
"""{name: (descriptions, {parameter: (type, description)})}"""
OTHER_TOOLS: dict[str, tuple[list[str], dict[str, tuple[str, str]]]] = {
    "end_call": (["Ends the call.", "Hang up."], {}),
    "transfer_call": (["Transfers the caller to a person."], {"to": ("string", "The person.")}),
    "send_message": (
        ["Sends a message to a colleague."],
        {"to": ("string", "Who."), "text": ("string", "What.")},
    ),
    "open_door": (["Opens the front door."], {}),
}
"""never called: their presence must not disturb"""


class Setting(NamedTuple):
    prompt: str
    tools: list[str]
    agent: str | None
    """the assistant's name, if the prompt tells it"""


def tool_definition(name: str) -> dict[str, Any]:
    """One tool in OpenAI form, in one of the shapes that agent frameworks write."""
    descriptions, parameters = {**TOOLS, **OTHER_TOOLS}[name]
    style = random.random()
    properties: dict[str, dict[str, str]] = {}
    for key, (kind, description) in parameters.items():
        if style < 0.5:
            properties[key] = {"type": kind}
        elif style < 0.75:
            properties[key] = {"type": kind, "description": description}
        else:
            properties[key] = {
                "description": description,
                "title": key.capitalize(),
                "type": kind,
            }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": list(parameters),
    }
    if style >= 0.75:
        schema = {"properties": properties, "required": list(parameters), "type": "object"}
        if random.random() < 0.5:
            schema["additionalProperties"] = False
    elif style >= 0.6:
        schema["additionalProperties"] = False
    description = descriptions[0] if random.random() < 0.4 else pick(descriptions)
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


def prompt(held: bool) -> tuple[str, str | None]:
    """(system prompt, the assistant's name or None)"""
    x = random.random()
    if x < 0.3:
        text = pick(WORDS["prompts"])
        return text, "Earshot" if "Earshot" in text else None
    rules = " ".join(random.sample(WORDS["rules"], random.randint(0, 4)))
    place = pick(WORDS["places"])
    if x >= 0.75:
        starts = ["You are a voice assistant.", f"You are the assistant of {place}.",
                  f"You help people at {place}.", ""]  # fmt: skip
        return f"{pick(starts)} {rules}".strip(), None
    name = agent(held)
    if random.random() < 0.3:  # the default persona of Earshot
        own = f"You are {name}, a friendly local voice assistant."
        return f"{own} Answer in one or two short sentences.", name
    starts = [f"You are {name}, a voice assistant.", f"You are {name}, the assistant of {place}.",
              f"Your name is {name}. You help people at {place}.", f"You are {name}."]  # fmt: skip
    return f"{pick(starts)} {rules}".strip(), name


def agent(held: bool) -> str:
    if held and random.random() < 0.5:
        return str(pick(WORDS["held_out_agents"]))
    x = random.random()
    if x < 0.15:
        return "Earshot"
    if x < 0.4:
        return str(pick(WORDS["agents"]))
    return str(pick(WORDS["names"])) if x < 0.6 else made_up().capitalize()


def setting(held: bool = False) -> Setting:
    text, name = prompt(held)
    x = random.random()
    tools = list(TOOLS)
    if x >= 0.45:
        tools = random.sample(tools, random.randint(1, 4)) if x < 0.88 else []
    elif random.random() < 0.5:
        random.shuffle(tools)
    if tools and random.random() < 0.12:
        tools.insert(random.randint(0, len(tools)), pick(list(OTHER_TOOLS)))
    return Setting(text, tools, name)
