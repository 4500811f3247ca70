"""A Piper voice as a LiveKit TTS.

Knows only the Synthesizer protocol: not whether it speaks in this process or in another.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Never

import numpy as np
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    tts,
    utils,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.io import TimedString

from .clauses import mid_phrase
from .errors import OverloadedError, RequestError, SynthesizeError
from .pace import Pace
from .reader import Reader
from .synthesizer import SpeechChunk, SynthesisRequest, Synthesizer

if TYPE_CHECKING:
    from .local import LocalSynthesizer

LEAST_LEAD_S, MOST_LEAD_S = 0.4, 1.0
"""With less audio than this to hear, a phrase is spoken without waiting for its sentence: between
the two it is twice what the voice takes to begin, and a little more."""
SPARE_S = 0.2
LEAD_S = 0.01
"""Silence left before a segment's first sound: the starter voice has 45 to 90 ms, a delay."""
QUIET = 184
"""Samples up to here are silence: -45 dBFS."""


@dataclass(frozen=True)
class _Options:
    speaker: str | None
    speed: float


class TTS(tts.TTS[Never]):
    """Streams a Piper voice, with word times.

    Args:
        model: path of a voice (`NAME.onnx`, with `NAME.onnx.json` beside it), or a Synthesizer.
        speaker: name of a speaker, in voices of several.
        speed: tempo, 0.25 to 4.
        sample_rate: resample to this many Hz; default the voice's own.
        cache_dir: where a path's cut graphs are kept; default `~/.cache/livekit-plugins-piper`.

    Opening a path loads the voice (0.1 to 0.5 s); do it in your prewarm function.

    Raises:
        VoiceError: a file is missing or is no Piper voice.
        RequestError: an unknown speaker, or a speed out of range.
    """

    def __init__(
        self,
        model: str | Path | Synthesizer,
        *,
        speaker: str | None = None,
        speed: float = 1.0,
        sample_rate: int | None = None,
        cache_dir: str | Path | None = None,
    ) -> None:
        self._own: LocalSynthesizer | None = None
        if isinstance(model, str | Path):
            from .local import LocalSynthesizer

            model = self._own = LocalSynthesizer(model, cache_dir=cache_dir)
        self._synthesizer: Synthesizer = model
        self._info = self._synthesizer.info
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=sample_rate or self._info.sample_rate_hz,
            num_channels=1,
        )
        self._options = _Options(speaker=None, speed=1.0)
        try:
            self.update_options(speaker=speaker, speed=speed)
        except RequestError:
            if self._own is not None:
                self._own.close()
            raise

    @property
    def model(self) -> str:
        return self._info.name

    @property
    def provider(self) -> str:
        return "piper"

    def update_options(self, *, speaker: str | None = None, speed: float | None = None) -> None:
        """From the next stream on; None leaves as is.

        Raises:
            RequestError: an unknown speaker, or a speed out of range.
        """
        options = replace(
            self._options,
            speaker=speaker if speaker is not None else self._options.speaker,
            speed=speed if speed is not None else self._options.speed,
        )
        self._info.check(SynthesisRequest("", speaker=options.speaker, speed=options.speed))
        self._options = options

    def prewarm(self) -> None:
        if self._own is not None:
            threading.Thread(target=self._own.warm_up, name="piper-warm-up", daemon=True).start()

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> ChunkedStream:
        return ChunkedStream(tts=self, input_text=text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> SynthesizeStream:
        return SynthesizeStream(tts=self, conn_options=conn_options)

    async def aclose(self) -> None:
        if self._own is not None:
            await asyncio.to_thread(self._own.close)


class ChunkedStream(tts.ChunkedStream):
    """Speaks a text that is there as a whole."""

    def __init__(self, *, tts: TTS, input_text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=tts, input_text=input_text, conn_options=conn_options)
        self._voice = tts
        self._options = tts._options  # later changes of the TTS don't reach this stream

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._voice.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
        )
        if not self._input_text.strip():
            return
        speaker = _Speaker(self._voice, self._options, output_emitter, self._conn_options.timeout)
        await speaker.say(self._input_text)
        speaker.end()
        output_emitter.flush()


class SynthesizeStream(tts.SynthesizeStream):
    """Speaks a text while it is being written: a clause first, then whole sentences."""

    def __init__(self, *, tts: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=tts, conn_options=conn_options)
        self._voice = tts
        self._options = tts._options

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._voice.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        speaker = _Speaker(self._voice, self._options, output_emitter, self._conn_options.timeout)
        reader = Reader(self._input_ch, Pace(self._options.speed))
        try:
            started = False
            while (text := await reader.next(speaker)) is not None:
                if not started:
                    started = True
                    self._mark_started()
                    output_emitter.start_segment(segment_id=utils.shortuuid())
                await speaker.say(text, continues=mid_phrase(text) and not reader.at_end)
            if started:
                speaker.end()
                output_emitter.end_segment()
        finally:
            await reader.aclose()


class _Speaker:
    """One segment's audio: says texts one after the other on one clock."""

    def __init__(
        self, voice: TTS, options: _Options, emitter: tts.AudioEmitter, timeout_s: float
    ) -> None:
        self._synthesizer = voice._synthesizer
        self._options = options
        self._emitter = emitter
        self._timeout_s = timeout_s
        self._rate_hz = self._synthesizer.info.sample_rate_hz
        self._resampler = (
            rtc.AudioResampler(self._rate_hz, voice.sample_rate)
            if voice.sample_rate != self._rate_hz
            else None
        )
        self._said_s = 0.0
        self._cut_s = 0.0  # silence left out at the beginning
        self._began_s: float | None = None
        self._slowest_s = 0.0  # to the first audio of a text
        self._mid_phrase = False

    @property
    def buffered_s(self) -> float:
        """Audio the listener still has to hear, if it plays at once."""
        if self._began_s is None:
            return 0.0
        return max(0.0, self._began_s + self._said_s - time.monotonic())

    @property
    def lead_s(self) -> float:
        """With less than this to hear, the next text should be on its way."""
        return min(MOST_LEAD_S, max(LEAST_LEAD_S, 2 * self._slowest_s + SPARE_S))

    async def say(self, text: str, *, continues: bool = False) -> None:
        """Says `text`; if it `continues`, what is said next belongs to the same phrase.

        Raises:
            APIError: of the kind that fits.
        """
        request = SynthesisRequest(
            text,
            speaker=self._options.speaker,
            speed=self._options.speed,
            buffered_s=self.buffered_s,
            continues_last=self._mid_phrase,
            continues_next=continues,
        )
        self._mid_phrase = continues
        start_s = self._said_s + self._cut_s
        asked_s, first = time.monotonic(), True
        try:
            async with contextlib.aclosing(self._synthesizer.synthesize(request)) as chunks:
                while (chunk := await self._next(chunks)) is not None:
                    if first:
                        first = False
                        self._slowest_s = max(self._slowest_s, time.monotonic() - asked_s)
                    self._push(chunk, start_s)
        except APIError:
            raise
        except OverloadedError as e:
            raise APIStatusError(str(e), status_code=503) from e
        except SynthesizeError as e:
            raise APIError(str(e), retryable=e.retryable) from e
        except TimeoutError as e:
            raise APITimeoutError(f"the voice said nothing for {self._timeout_s:g} s") from e
        except Exception as e:  # a remote Synthesizer's own; any foreign one would end the session
            raise APIConnectionError(f"the voice failed: {e}") from e

    async def _next(self, chunks: AsyncGenerator[SpeechChunk, None]) -> SpeechChunk | None:
        async with asyncio.timeout(self._timeout_s):
            return await anext(chunks, None)

    def _push(self, chunk: SpeechChunk, start_s: float) -> None:
        pcm = chunk.pcm if self._began_s is not None else self._without_lead(chunk.pcm)
        if chunk.words:
            at_s = start_s - self._cut_s
            self._emitter.push_timed_transcript(
                [
                    TimedString(
                        w.text,
                        start_time=max(0.0, at_s + w.start_s),
                        end_time=max(0.0, at_s + w.end_s),
                    )
                    for w in chunk.words
                ]
            )
        if not pcm:
            return
        if self._began_s is None:
            self._began_s = time.monotonic()
        self._said_s += len(pcm) / 2 / self._rate_hz
        if self._resampler is None:
            self._emitter.push(pcm)
        else:
            self._push_frames(self._resampler.push(bytearray(pcm)))

    def _without_lead(self, pcm: bytes) -> bytes:
        """The first audio of the segment from just before its first sound."""
        loud = np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > QUIET
        if not loud.any():
            return pcm
        cut = max(0, int(loud.argmax()) - int(LEAD_S * self._rate_hz))
        self._cut_s = cut / self._rate_hz
        return pcm[2 * cut :]

    def end(self) -> None:
        """Gives out what the resampler holds back."""
        if self._resampler is not None:
            self._push_frames(self._resampler.flush())

    def _push_frames(self, frames: list[rtc.AudioFrame]) -> None:
        for frame in frames:
            self._emitter.push(frame.data.tobytes())
