"""Written text -> words to speak, each beside the text it came from.

Markdown, addresses and symbols are told in words, so that nobody hears "asterisk asterisk"; for
English, numbers and abbreviations are too (english.py). In other languages these are left to
espeak, which reads each language's own. Knows nothing of phonemes or audio.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import english

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    """As written, with the white space after it."""
    words: tuple[str, ...]
    """As spoken, punctuation included; empty for what has no sound."""

    @property
    def ends(self) -> str:
        """The mark that ends it, as the listener hears it: `.`, `,` or none."""
        last = self.words[-1].rstrip("\"'”’»)]}") if self.words else ""
        if last[-1:] in (".", "!", "?", "…", "。", "！", "？"):
            return "."
        return "," if last[-1:] in (",", ";", ":", "—", "–", "、", "，", "；", "：") else ""


# at, dot, slash, dash, underscore
_ADDRESS_WORDS = {
    "en": ("at", "dot", "slash", "dash", "underscore"),
    "de": ("ät", "Punkt", "Schrägstrich", "Bindestrich", "Unterstrich"),
    "fr": ("arobase", "point", "slash", "tiret", "tiret bas"),
    "es": ("arroba", "punto", "barra", "guion", "guion bajo"),
    "it": ("chiocciola", "punto", "barra", "trattino", "trattino basso"),
    "pt": ("arroba", "ponto", "barra", "hífen", "sublinhado"),
    "nl": ("apenstaartje", "punt", "slash", "streepje", "laag streepje"),
}


def tokens(text: str, language: str = "en") -> Iterator[Token]:
    """Divides `text` at its white space, as far as it is asked for; texts join to `text` again.

    Args:
        language: as `en`, `en_GB`, `de-DE`; the region decides how 3/4/2025 is read.
    """
    family = re.split(r"[-_]", language.lower())[0]
    written, spoken = "", ""
    for part, said in _pieces(text, _rules(family, language)):
        if part.strip() and written.strip() and written[-1].isspace():
            yield _token(written, spoken)
            written = spoken = ""
        written, spoken = written + part, _join(spoken, said)
    if written:
        yield _token(written, spoken)


def _pieces(text: str, rules: list[Rule]) -> Iterator[tuple[str, str]]:
    """Cuts `text` into (written, spoken): what a rule matches, and the words between."""
    found = [_next_match(rule, text, 0) for rule in rules]
    at = 0
    while True:
        for i, match in enumerate(found):
            if match is not None and match[0] < at:
                found[i] = _next_match(rules[i], text, at)
        first = min((m for m in found if m is not None), key=lambda m: m[0], default=None)
        if first is None:
            break
        start, end, said = first
        yield from _plain(text[at:start])
        yield text[start:end], said
        at = end
    yield from _plain(text[at:])


def _next_match(rule: Rule, text: str, at: int) -> tuple[int, int, str] | None:
    pattern, say = rule
    for m in pattern.finditer(text, at):
        said = say(m) if m[0] else None
        if said is not None:
            return m.start(), m.end(), said
    return None


def _plain(text: str) -> Iterator[tuple[str, str]]:
    for m in re.finditer(r"\s+|\S+\s*", text):
        yield m[0], _sounding(m[0])


def _sounding(text: str) -> str:
    """Leaves out what has no sound: emoji, variation marks, stray markup."""
    text = unicodedata.normalize("NFC", text)
    return "".join(c for c in text if unicodedata.category(c) not in ("So", "Sk", "Cf", "Cc", "Co"))


def _join(left: str, right: str) -> str:
    if left and right and left[-1].isalnum() and right[0].isalnum():
        return f"{left} {right}"
    return left + right


def _token(written: str, spoken: str) -> Token:
    words = spoken.split()
    if "\n" in written and words and words[-1][-1:] not in ".!?…,;:":
        words[-1] += "."  # a heading or an item of a list ends where its line ends
    return Token(written, tuple(words))


_RULES: dict[str, list[Rule]] = {}


def _rules(family: str, language: str) -> list[Rule]:
    if language not in _RULES:
        address = _ADDRESS_WORDS.get(family, ("@", ".", "/", "-", "_"))
        own = english.rules(language) if family == "en" else []
        _RULES[language] = [*_markup(), *_addresses(*address), *own]
    return _RULES[language]


def _rule(pattern: str, say: Callable[[re.Match[str]], str | None], flags: int = 0) -> Rule:
    return re.compile(pattern, flags), say


def _markup() -> list[Rule]:
    return [
        _rule(r"```[^\n]*\n?", lambda m: ""),
        _rule(r"!?\[([^\]\n]{0,200})\]\([^)\s]{0,500}\)", lambda m: m[1]),
        _rule(r"^[ \t]*(?:#{1,6}[ \t]+|[-*+•][ \t]+|>[ \t]?)", lambda m: "", re.M),
        _rule(r"^[ \t]*[-*_|: \t]{3,}$", lambda m: "", re.M),
        _rule(r"^[ \t]{0,8}\|[ \t]{0,8}|[ \t]{0,8}\|[ \t]{0,8}$", lambda m: "", re.M),
        _rule(r"[ \t]{0,8}\|[ \t]{0,8}", lambda m: ", "),
        _rule(r"(?<!\w)[*_~`]{1,3}(?=\S)|(?<=\S)[*_~`]{1,3}(?!\w)", lambda m: ""),
        _rule(r"<(?:/?[a-zA-Z][^<>]{0,100})>", lambda m: ""),
    ]


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TLD = r"(?:[a-z]{2}|com|org|net|edu|gov|info|dev|app|biz|online|site|tech|live|local|xyz)"


def _addresses(at: str, dot: str, slash: str, dash: str, underscore: str) -> list[Rule]:
    names = {
        "@": at,
        ".": dot,
        "/": slash,
        "-": dash,
        "_": underscore,
        "+": "plus",
        ":": "",
        "~": "",
    }

    def say(text: str) -> str:
        text = "".join(f" {names.get(c, '')} " if not c.isalnum() else c for c in text)
        # letters and digits are read apart, long digits one by one
        text = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", text)
        return " ".join(text.split())

    def url(m: re.Match[str]) -> str:
        address = re.sub(r"^[a-z]+://", "", m[0], flags=re.I)
        return say(re.split(r"[?#]", address)[0].strip("/"))

    return [
        _rule(
            rf"[A-Za-z0-9][\w.+-]{{0,63}}@(?:{_LABEL}\.)+[A-Za-z]{{2,24}}(?!\w)",
            lambda m: say(m[0]),
        ),
        _rule(r"(?:https?|ftp|wss?)://[^\s<>()\[\]\"']*[\w/]", url, re.I),
        _rule(rf"(?<![\w.@])(?:{_LABEL}\.)+{_TLD}(?!\w)(?:/[\w./%~-]*[\w/])?", _if_host(url), 0),
    ]


def _if_host(url: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str | None]:
    def say(m: re.Match[str]) -> str | None:
        labels = m[0].split("/")[0].split(".")
        # "e.g" and "3.5.de" are none
        return url(m) if max(map(len, labels[:-1])) > 1 and not labels[-2].isdigit() else None

    return say
