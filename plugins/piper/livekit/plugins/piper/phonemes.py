"""Words -> phoneme ids, and which ids belong to which word.

espeak-ng is one global state behind one lock: its calls hold the GIL and each leaks a little
(0.5 KiB for a clause, 0.8 KiB for choosing the voice, measured with piper-tts 1.8.0), so results
are cached and the voice is only chosen anew when it changed. Knows nothing of audio.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import piper.voice
from piper import espeakbridge
from piper.phonemize_espeak import ESPEAK_DATA_DIR

from .log import logger
from .voice import VoiceConfig

_PAUSE_MARKS = frozenset(",;:.!?¿¡…—–()\"'«»-")
_LANGUAGE_FLAG = re.compile(r"\([^)]*\)")

# One lock for the whole process, shared with piper's own PiperVoice: espeak has one global state.
_espeak_lock: threading.Lock = piper.voice._ESPEAK_PHONEMIZER_LOCK
_espeak_voice: str | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one run of the graph speaks: one sentence, as espeak divides the text."""

    ids: tuple[int, ...]
    words: tuple[tuple[int, int, int], ...]
    """(index of the word, first id, one past the last id), in order."""


class Phonemizer:
    """Phonemes of one voice. Thread-safe."""

    def __init__(self, config: VoiceConfig) -> None:
        self._config = config
        self._missing: set[str] = set()
        # Replies repeat their openings; 512 clauses are well under a megabyte.
        self._cached = lru_cache(maxsize=512)(self._utterances)

    def utterances(self, words: Sequence[str]) -> list[Utterance]:
        """Phoneme ids of `words` (spoken forms, with their punctuation), sentence by sentence."""
        return list(self._cached(tuple(words)))

    def _utterances(self, words: tuple[str, ...]) -> tuple[Utterance, ...]:
        text = " ".join(w for w in words if w)
        if self._config.phoneme_type == "text":
            sentences = [list(unicodedata.normalize("NFD", text))]
        else:
            sentences = _espeak(self._config.espeak_voice, text)
        sentences = [s for s in (self._merge(s) for s in sentences) if _has_sound(s)]
        groups = [
            (n, start, end) for n, s in enumerate(sentences) for start, end in _phoneme_words(s)
        ]
        spans = self._align(words, sentences, groups)
        return tuple(
            self._utterance(s, [span for span in spans if span[1] == n])
            for n, s in enumerate(sentences)
        )

    def _merge(self, phonemes: list[str]) -> list[str]:
        """Joins neighbours that the voice knows as one phoneme, the longest match first."""
        longest = max(map(len, self._config.clusters), default=1)
        out: list[str] = []
        i = 0
        while i < len(phonemes):
            n = next(
                (
                    n
                    for n in range(longest, 1, -1)
                    if "".join(phonemes[i : i + n]) in self._config.clusters
                ),
                1,
            )
            out.append("".join(phonemes[i : i + n]))
            i += n
        return out

    def _utterance(self, phonemes: list[str], spans: list[tuple[int, int, int, int]]) -> Utterance:
        """The layout Piper trains with: ^ _ p _ p _ … $."""
        id_map = self._config.id_map
        ids = [*id_map["^"], *id_map["_"]]
        at = []
        for p in phonemes:
            at.append(len(ids))
            if p in id_map:
                ids += [*id_map[p], *id_map["_"]]
            elif p not in self._missing:
                self._missing.add(p)
                logger.warning("voice %s has no phoneme %r", self._config.name, p)
        at.append(len(ids))
        ids += id_map["$"]
        return Utterance(tuple(ids), tuple((w, at[a], at[b]) for w, _, a, b in spans))

    def _align(
        self,
        words: Sequence[str],
        sentences: list[list[str]],
        groups: list[tuple[int, int, int]],
    ) -> list[tuple[int, int, int, int]]:
        """Gives every word its stretch of phonemes: (word, sentence, start, end).

        espeak mostly answers word by word; where it doesn't ("of the" -> one, "e-mail" -> two) the
        two rows are aligned by length, a word's length being that of its phonemes alone.
        """
        spoken = [i for i, w in enumerate(words) if any(c.isalnum() for c in w)]
        if len(spoken) == len(groups):
            return [(i, *g) for i, g in zip(spoken, groups, strict=True)]
        alone = [self._length_alone(words[i]) for i in spoken]
        sizes = [end - start for _, start, end in groups]
        out: list[tuple[int, int, int, int]] = []
        for (i0, i1), (j0, j1) in _align_rows(alone, sizes):
            if i1 - i0 == 1:  # one word, perhaps of several groups: it is where they begin
                n, start, end = groups[j0]
                last = max((g for g in groups[j0:j1] if g[0] == n), key=lambda g: g[2])
                out.append((spoken[i0], n, start, last[2] if last[2] > end else end))
                continue
            n, start, end = groups[j0]  # several words in one group share it by length
            total, before = sum(alone[i0:i1]), 0
            for i in range(i0, i1):
                a = start + (end - start) * before // total
                before += alone[i]
                out.append((spoken[i], n, a, start + (end - start) * before // total))
        return out

    def _length_alone(self, word: str) -> int:
        if self._config.phoneme_type == "text":
            return max(1, len(word))
        return max(1, _espeak_length(self._config.espeak_voice, word))


def _espeak(voice: str, text: str) -> list[list[str]]:
    """Sentences of phonemes, with the marks that end each clause."""
    sentences: list[list[str]] = [[]]
    for phonemes, mark, ends_sentence in _espeak_clauses(voice, text):
        # espeak flags words of another language: "(en)" and "(de)" around them
        spoken = _LANGUAGE_FLAG.sub("", phonemes) + mark + (" " if mark in (",", ":", ";") else "")
        sentences[-1] += unicodedata.normalize("NFD", spoken)
        if ends_sentence:
            sentences.append([])
    return [s for s in sentences if s]


def _espeak_clauses(voice: str, text: str) -> list[tuple[str, str, bool]]:
    global _espeak_voice
    with _espeak_lock:
        if _espeak_voice is None:
            espeakbridge.initialize(str(ESPEAK_DATA_DIR))
        # piper's own phonemizer chooses its voice on every call, behind our back
        if voice != _espeak_voice or piper.voice._ESPEAK_PHONEMIZER is not None:
            _espeak_voice = ""  # if this fails, nobody knows which voice it is
            espeakbridge.set_voice(voice)
            _espeak_voice = voice
        return espeakbridge.get_phonemes(text)


@lru_cache(maxsize=4096)
def _espeak_length(voice: str, word: str) -> int:
    return sum(len(p) for p, _, _ in _espeak_clauses(voice, word))


def _has_sound(phonemes: list[str]) -> bool:
    return any(not p.isspace() and p not in _PAUSE_MARKS for p in phonemes)


def _phoneme_words(phonemes: list[str]) -> list[tuple[int, int]]:
    """(start, end) of every run of phonemes between spaces that is more than marks."""
    runs: list[tuple[int, int]] = []
    start = 0
    for i in range(len(phonemes) + 1):
        if i == len(phonemes) or phonemes[i].isspace():
            if _has_sound(phonemes[start:i]):
                runs.append((start, i))
            start = i + 1
    return runs


def _align_rows(
    left: Sequence[int], right: Sequence[int]
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Aligns two rows of lengths in order: 1:1, up to 4:1 or 1:4, at the least total difference.

    Returns pairs of index ranges. Rows that can't be matched at all give what is matched.
    """
    moves = [(1, 1), *((1, n) for n in range(2, 5)), *((n, 1) for n in range(2, 5))]
    cost = {(0, 0): (0.0, (0, 0))}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            options = [
                (
                    cost[i - a, j - b][0]
                    + abs(sum(left[i - a : i]) - sum(right[j - b : j]))
                    + 0.5 * (a + b - 2),
                    (a, b),
                )
                for a, b in moves
                if (i - a, j - b) in cost
            ]
            if options:
                cost[i, j] = min(options)
    i, j = max(cost, key=lambda at: (at[0] + at[1], -cost[at][0]))
    path = []
    while (i, j) != (0, 0):
        a, b = cost[i, j][1]
        path.append(((i - a, i), (j - b, j)))
        i, j = i - a, j - b
    return path[::-1]
