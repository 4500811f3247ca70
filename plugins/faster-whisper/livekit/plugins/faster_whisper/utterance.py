"""The audio of one utterance, in pieces that each fit a decode.

A long utterance is cut at pauses; a piece that is closed is decoded once and never again, so the
work at the end of speech doesn't grow with its length. Knows nothing of transcribers or events.
"""

from collections.abc import Sequence

import numpy as np

from .endpointing import level_db
from .transcriber import Audio
from .vad import Window

# A pause ends a piece from this length on; the longer the piece, the shorter the pause. Earlier
# text is not given to the model as a prompt: a cut at a pause needs none, and prompts make small
# models repeat themselves (WER 0.3 % -> 38 % with one wrong word, starter model).
CUTS = ((5.0, 0.16), (9.0, 0.09))
FORCED_S = 14.0
FORCED_AFTER_S = 8.0
AFTER_SPEECH_S = 0.1
# Stock models in short windows write a sentence twice when silence comes before it (WER of Whisper
# base, 100 clips of a person, windows of 10 s: 7.7 % behind 0.5 s of it, 5.5 % behind 0.3, 3.8 %
# behind 0.2). What is louder than silence may be a soft first sound, before the VAD noticed it.
QUIET_BEFORE_S = 0.1
QUIET_DB = 3.0  # above the quietest moment between utterances
SILENT_DB = -70.0  # full scale: silence on any line, be there digital silence in between


class Utterance:
    """All times are seconds of audio since the start of the stream."""

    def __init__(self, before: Sequence[Window], start_s: float) -> None:
        """
        Args:
            before: Windows up to the present, the start of speech and some padding among them.
            start_s: When `before` starts.
        """
        self._windows = list(before)
        self.piece_start_s = start_s
        self.piece_speech_s = 0.0
        self.now_s = start_s + sum(w.duration_s for w in before)

    def skip_quiet(self, speech_s: float, floor_db: float) -> None:
        """Leaves out what is no louder than the floor, up to a little before the speech."""
        at, quiet, limit_db = self.piece_start_s, 0, max(floor_db + QUIET_DB, SILENT_DB)
        for window in self._windows:
            at += window.duration_s
            if at > speech_s - QUIET_BEFORE_S or level_db(window) > limit_db:
                break
            quiet += 1
            self.piece_start_s = at
        self._windows = self._windows[quiet:]

    def push(self, window: Window, is_speech: bool) -> None:
        self._windows.append(window)
        self.now_s += window.duration_s
        if is_speech:
            self.piece_speech_s += window.duration_s

    @property
    def piece_s(self) -> float:
        return self.now_s - self.piece_start_s

    def audio(self, end_s: float) -> tuple[Audio, float]:
        """The piece up to a little after `end_s`, whole windows: samples and their end."""
        chosen, at = [], self.piece_start_s
        for window in self._windows:
            chosen.append(window.samples)
            at += window.duration_s
            if at >= end_s + AFTER_SPEECH_S - 0.001:
                break
        return np.concatenate(chosen), at

    def wants_cut(self, pause_s: float) -> bool:
        """Whether a pause of this length should end the piece."""
        return any(self.piece_s >= length and pause_s >= pause for length, pause in CUTS)

    @property
    def must_cut(self) -> bool:
        return self.piece_s >= FORCED_S

    def forced_cut_s(self) -> float:
        """Where the speech is weakest in the later part of the piece."""
        ends = self.piece_start_s + np.cumsum([w.duration_s for w in self._windows])
        p = np.convolve([w.probability for w in self._windows], np.ones(3) / 3, mode="same")
        power = np.convolve(
            [float(np.mean(np.square(w.samples))) for w in self._windows], np.ones(3) / 3, "same"
        )
        badness = p + 2 * power / (power.max() + 1e-12)
        badness[ends < self.piece_start_s + FORCED_AFTER_S] = np.inf
        badness[-3:] = np.inf
        return float(ends[int(np.argmin(badness))])

    def cut(self, at_s: float, speech_after_s: float) -> None:
        """Starts a new piece with the first window after `at_s`."""
        ends = self.piece_start_s + np.cumsum([w.duration_s for w in self._windows])
        index = int(np.searchsorted(ends, at_s - 0.001)) + 1
        index = min(index, len(self._windows))
        if index:
            self.piece_start_s = float(ends[index - 1])
        self._windows = self._windows[index:]
        self.piece_speech_s = speech_after_s

    def tail(self, since_s: float) -> list[Window]:
        """The windows after `since_s`."""
        at, out = self.piece_start_s, []
        for window in self._windows:
            if at >= since_s - 0.001:
                out.append(window)
            at += window.duration_s
        return out
