"""When speech starts and when it last was, from probabilities and levels of windows.

A VAD's probability falls 75 ms (median, up to 215) after the sound has ended. Where the sound
itself falls to the background, that moment counts as the end, so silence is measured from the
last sound and not from the last doubt. Knows nothing of transcripts or of time on a clock.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .vad import Window


@dataclass(frozen=True, slots=True)
class EndpointingOptions:
    activation_threshold: float = 0.5
    """Probability above which a window starts speech."""
    deactivation_threshold: float = 0.35
    """Probability below which a window is silence."""
    min_speech_s: float = 0.06
    """Speech it takes to start an utterance."""
    min_silence_s: float = 0.25
    """Silence that ends an utterance."""


QUIET_DB = 30.0  # below the loudest window: an utterance's own weak sounds are above it
ABOVE_FLOOR_DB = 6.0
LAG_S = 0.16  # a VAD that still says speech after so much quiet is right
LEAST_SPEECH_S = 0.15  # one-word answers hold 0.2 s and more
SHORT_S = 0.4
FALL_DB = 6.0


class Endpointer:
    """State of one call; every time is in seconds of audio since the first window."""

    def __init__(self, options: EndpointingOptions) -> None:
        self._options = options
        self._floors: deque[float] = deque(maxlen=16)
        self.now_s = 0.0
        self.reset()

    def reset(self) -> None:
        """Waits for the next utterance."""
        self.speaking = False
        self.speech_s = 0.0
        """Speech heard in this utterance."""
        self.start_s = self.now_s
        self.end_s = self.now_s
        """End of the last speech heard."""
        self._loudest_db = -120.0
        self._quiet_s = 0.0
        self._probability = 0.0
        self._after_db: list[float] = []

    @property
    def plausible(self) -> bool:
        """Whether this may be somebody speaking and not the beginning of a hum or a noise.

        A VAD takes the onset of a steady sound for 0.2 s of speech; the sound goes on after it,
        where after a short word the level falls.
        """
        if self.speech_s < LEAST_SPEECH_S:
            return False
        if self.speech_s >= SHORT_S or not self._after_db:
            return True
        return self._loudest_db - float(np.mean(self._after_db)) >= FALL_DB

    @property
    def silence_s(self) -> float:
        return self.now_s - self.end_s

    @property
    def ended(self) -> bool:
        """Whether the utterance is over."""
        return (
            self.silence_s >= self._options.min_silence_s - 0.001
            and self._probability < self._options.activation_threshold
        )

    @property
    def doubtful(self) -> bool:
        """Whether the VAD still takes the last window for speech."""
        return self._probability >= self._options.activation_threshold

    @property
    def floor_db(self) -> float:
        """Level of the quietest moment of the last half second between utterances."""
        return min(self._floors, default=-120.0)

    def push(self, window: Window) -> bool:
        """Takes the next window; whether it is speech."""
        o = self._options
        self.now_s += window.duration_s
        self._probability = window.probability
        level = level_db(window)
        threshold = o.deactivation_threshold if self.speaking else o.activation_threshold
        if window.probability < threshold:
            self._quiet_s = 0.0
            if self.speaking:
                self._after_db.append(level)
            if not self.speaking:
                self._floors.append(level)
                self.speech_s, self._loudest_db = 0.0, -120.0
            return False
        self._loudest_db = max(self._loudest_db, level)
        if self.speaking and self._is_quiet(level):
            self._quiet_s += window.duration_s
            if self._quiet_s <= LAG_S:
                self._after_db.append(level)
                return False
        else:
            self._quiet_s = 0.0
        self._after_db.clear()
        if self.speech_s == 0.0:
            self.start_s = self.now_s - window.duration_s
        self.speech_s += window.duration_s
        self.end_s = self.now_s
        self.speaking = self.speaking or self.speech_s >= o.min_speech_s
        return True

    def _is_quiet(self, level: float) -> bool:
        floor = float(np.median(self._floors)) + ABOVE_FLOOR_DB if self._floors else -120.0
        return level < max(self._loudest_db - QUIET_DB, min(floor, self._loudest_db - 12))


def level_db(window: Window) -> float:
    """RMS level, dB full scale."""
    if not len(window.samples):
        return -120.0
    return 10 * float(np.log10(np.mean(np.square(window.samples)) + 1e-12))
