"""Sentences that are spoken before they are needed, for when the engine cannot speak."""

from collections.abc import AsyncIterator

from livekit import rtc
from livekit.agents.utils.audio import AudioByteStream
from livekit.plugins import piper

from .settings import PersonaSettings


class Clip:
    """A sentence as audio; costs 32 kB a second."""

    def __init__(self, text: str, pcm: bytes, sample_rate_hz: int) -> None:
        self.text = text
        self._pcm = pcm
        self.sample_rate_hz = sample_rate_hz

    @classmethod
    async def speak(
        cls, synthesizer: piper.Synthesizer, persona: PersonaSettings, text: str
    ) -> "Clip":
        """
        Raises:
            PiperError: it could not be spoken.
        """
        request = piper.SynthesisRequest(text, speaker=persona.speaker, speed=persona.speed)
        pcm = b"".join([chunk.pcm async for chunk in synthesizer.synthesize(request)])
        return cls(text, pcm, synthesizer.info.sample_rate_hz)

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        """The audio in frames of 20 ms."""
        stream = AudioByteStream(self.sample_rate_hz, 1, self.sample_rate_hz // 50)
        for frame in [*stream.push(self._pcm), *stream.flush()]:
            yield frame
