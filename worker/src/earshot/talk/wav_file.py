"""The WAV file that the agent's voice is written to. Knows nothing of playback."""

import wave
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError

if TYPE_CHECKING:
    from livekit import rtc


class WavFile:
    """A WAV that appears under its name only when it is whole.

    Raises:
        OutputError: at once, if it could not be written in the end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        if path.is_dir():
            raise OutputError(f"{path}: a folder; a file to write the answer to was expected")
        try:
            if path.exists():
                path.open("ab").close()
            self._part.open("wb").close()
        except OSError as e:
            raise OutputError(f"{path}: cannot be written: {e.strerror}") from e
        self._wave: wave.Wave_write | None = None

    def write(self, frame: "rtc.AudioFrame") -> None:
        try:
            if self._wave is None:
                self._wave = wave.open(str(self._part), "wb")  # noqa: SIM115
                self._wave.setparams((frame.num_channels, 2, frame.sample_rate, 0, "NONE", ""))
            self._wave.writeframesraw(frame.data)
        except OSError as e:
            raise OutputError(f"{self._path}: cannot be written: {e.strerror}") from e

    def close(self, keep: bool) -> None:
        """Puts the file in place, or removes every trace of it."""
        if self._wave is not None:
            self._wave.close()
        if keep and self._wave is not None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)
