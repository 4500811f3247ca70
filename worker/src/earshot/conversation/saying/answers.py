"""Sentences for what was done, what could not be done, and what was not found.

They are the agent's own, in the language of the conversation: nobody may say that a timer runs but
whoever started it. Results that answer a question are left to the model, which knows how it was
put; `plain` is for when the model gets them wrong.
"""

import tomllib
from collections.abc import Sequence
from importlib.resources import files

from .notes import Result

_UNITS = ("second", "minute", "hour")


class Answers:
    """The sentences of one language; English where there are none."""

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = languages
        found = (files("earshot").joinpath("languages", c, "answers.toml") for c in languages)
        file = next((f for f in found if f.is_file()), None)
        english = files("earshot").joinpath("languages", "en", "answers.toml")
        self._texts: dict[str, str] = tomllib.loads((file or english).read_text(encoding="utf-8"))

    def ready(self, results: Sequence[Result]) -> str | None:
        """What is to be said of the results; None: the model is to word them."""
        said = [self._ready(result) for result in results]
        return " ".join(text for text in said if text) if said and all(said) else None

    def asking(self, missing: str) -> str:
        """The question for what a wish left out: "duration"."""
        return self._texts[f"ask_{missing}"]

    def plain(self, results: Sequence[Result]) -> str:
        """The bare results as sentences."""
        return " ".join(self._ready(r) or self._plain(r) for r in results)

    def _ready(self, result: Result) -> str | None:
        value = result.value if isinstance(result.value, dict) else {}
        if result.tool == "set_timer" and value.get("status") == "started":
            return self._texts["started"].format(duration=self._duration(result))
        if result.tool == "cancel_timer" and value.get("status") in ("cancelled", "none"):
            return self._texts[value["status"]]
        if result.tool == "search_documents" and not value.get("text", True):
            return self._texts["not_found"]
        if result.tool in ("calculate", "set_timer") and "error" in value:
            return self._texts["refused"]
        return self._texts["failed"] if result.failed else None

    def _plain(self, result: Result) -> str:
        value = result.value if isinstance(result.value, dict) else {}
        if "result" in value:
            return self._texts["sum"].format(result=value["result"])
        if "time" in value:
            return self._texts["time"].format(**value)
        return str(value.get("text") or result.words(self.languages))

    def _duration(self, result: Result) -> str:
        amount = result.arguments.get("amount", "")
        unit = str(result.arguments.get("unit", "")).lower().rstrip("s")
        one = next((u for u in _UNITS if unit and u.startswith(unit[:3])), "minute")
        return f"{amount} {self._texts[one if amount == 1 else one + 's']}"
