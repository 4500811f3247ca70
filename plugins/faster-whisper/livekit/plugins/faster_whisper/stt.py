"""faster-whisper as LiveKit speech-to-text.

Knows the Transcriber contract alone, not whether the model is in this process.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    LanguageCode,
    stt,
    vad,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer, is_given

from . import languages
from .endpointing import EndpointingOptions
from .errors import (
    DeadlineError,
    FasterWhisperError,
    LanguageError,
    OverloadedError,
    RequestError,
    TranscribeError,
)
from .options import RecognitionOptions
from .recognition import Recognition
from .transcriber import SAMPLE_RATE_HZ, Transcriber
from .vad import Detector, detector

BATCH_SILENCE_S = 0.5


_Emit = Callable[[stt.SpeechEvent], None]


class STT(stt.STT[None]):
    """Streaming speech-to-text on a local Whisper model."""

    def __init__(
        self,
        model: str | Path | Transcriber,
        *,
        language: str = "en",
        allowed_languages: Sequence[str] = (),
        hotwords: Sequence[str] | str = (),
        vad: vad.VAD | None = None,
        end_of_speech_silence: float = 0.25,
        preflight_silence: float = 0.12,
        silence_after: Callable[[str], float] | None = None,
        activation_threshold: float = 0.5,
        device: str = "auto",
        compute_type: str = "auto",
        threads: int = 1,
        workers: int = 1,
        windows: Sequence[float] | None = None,
        beam_size: int = 5,
    ) -> None:
        """
        Args:
            model: Path of a CTranslate2 Whisper directory, or a Transcriber that has one. A path
                is loaded at once, which blocks: build the STT before the event loop runs, or in a
                thread.
            language: "en", "de", ...; "auto" detects it, among `allowed_languages` if given.
            allowed_languages: What "auto" may find.
            hotwords: Words to favour: names, products.
            vad: Any LiveKit VAD that reports probabilities; None = Silero.
            end_of_speech_silence: Seconds of silence that end an utterance.
            preflight_silence: Seconds of silence after which the text goes out as PREFLIGHT, for
                work that can be thrown away.
            silence_after: Seconds of silence that end an utterance with this transcript, where
                they are more than `end_of_speech_silence`: people pause in the middle of "Set a
                timer for", and after "Hello".
            activation_threshold: Probability from which a window counts as speech.
            device: "cpu", "cuda" or "auto" (with a path).
            compute_type: A CTranslate2 type, or "auto": int8 on CPU, float16 on CUDA (with a
                path).
            threads: CPU threads of one decode (with a path).
            workers: Decodes side by side (with a path).
            windows: Lengths in seconds that audio is padded to (with a path).
            beam_size: Transcripts followed at once; 1 = greedy (with a path).

        Raises:
            ModelError: the directory can't serve as a model.
            DeviceError: the device or compute type isn't there.
            LanguageError: the model doesn't know the language.
            ValueError: a number is out of range.
        """
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, aligned_transcript="word", keyterms=True
            )
        )
        if not 0 < preflight_silence <= end_of_speech_silence:
            raise ValueError(
                f"preflight_silence={preflight_silence}: expected more than 0 and at most "
                f"end_of_speech_silence={end_of_speech_silence}"
            )
        if not 0 < activation_threshold < 1:
            raise ValueError(f"activation_threshold={activation_threshold}: expected 0 to 1")
        self._own: Transcriber | None = None
        spoken = languages.parse(language, tuple(allowed_languages))
        if isinstance(model, (str, Path)):
            from .local import LocalTranscriber

            local = LocalTranscriber(
                model,
                device=device,
                compute_type=compute_type,
                threads=threads,
                workers=workers,
                windows_s=tuple(windows) if windows else None,
                beam_size=beam_size,
            )
            try:
                local.check_languages(spoken)
            except LanguageError:
                local.close()
                raise
            self._own = local
        self._transcriber: Transcriber = self._own or cast(Transcriber, model)
        self._hotwords = [hotwords] if isinstance(hotwords, str) else list(hotwords)
        self._session_hotwords: list[str] = []
        self._vad = vad
        self._detector: Detector | None = None
        self._options = RecognitionOptions(
            languages=spoken,
            endpointing=EndpointingOptions(
                activation_threshold=activation_threshold,
                deactivation_threshold=max(activation_threshold - 0.15, 0.01),
                min_silence_s=end_of_speech_silence,
            ),
            speculation_silence_s=min(0.06, preflight_silence),
            preflight_silence_s=preflight_silence,
            silence_after=silence_after,
        )

    @property
    def model(self) -> str:
        return self._transcriber.model

    @property
    def provider(self) -> str:
        return "faster-whisper"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> "RecognizeStream":
        return RecognizeStream(self, self._options_for(language), conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        options = self._options_for(language)
        options = replace(
            options,
            early=False,
            endpointing=replace(options.endpointing, min_silence_s=BATCH_SILENCE_S),
        )
        finals: list[stt.SpeechData] = []

        def collect(event: stt.SpeechEvent) -> None:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                finals.append(event.alternatives[0])

        try:
            await self._recognition(options, collect, 0.0).run(_resampled(buffer))
        except FasterWhisperError as e:
            raise api_error(e) from e
        data = stt.SpeechData(
            language=finals[0].language if finals else LanguageCode((*options.languages, "en")[0]),
            text=" ".join(f.text for f in finals),
            start_time=finals[0].start_time if finals else 0.0,
            end_time=finals[-1].end_time if finals else 0.0,
            confidence=min((f.confidence for f in finals), default=0.0),
            words=[w for f in finals for w in f.words or ()] or None,
        )
        return stt.SpeechEvent(
            stt.SpeechEventType.FINAL_TRANSCRIPT, request_id=uuid.uuid4().hex, alternatives=[data]
        )

    def prewarm(self) -> None:
        """Loads the VAD and, where the model is this object's own, decodes a second of silence."""
        self._detect()
        warm_up = getattr(self._own, "warm_up", None)
        if warm_up is not None:
            warm_up()

    async def aclose(self) -> None:
        """Closes the model if this object loaded it; a Transcriber given to it lives on."""
        if self._own is not None:
            await self._own.aclose()

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        self._session_hotwords = list(keyterms)

    def _detect(self) -> Detector:
        if self._detector is None:
            self._detector = detector(self._vad)
        return self._detector

    def _options_for(self, language: NotGivenOr[str]) -> RecognitionOptions:
        # a stream keeps the options it started with
        hotwords = list(dict.fromkeys([*self._hotwords, *self._session_hotwords]))
        options = replace(self._options, hotwords=", ".join(hotwords))
        if is_given(language) and language:
            options = replace(options, languages=languages.parse(language))
        return options

    def _recognition(
        self, options: RecognitionOptions, emit: _Emit, offset_s: float
    ) -> Recognition:
        return Recognition(self._transcriber, self._detect(), options, emit=emit, offset_s=offset_s)


class RecognizeStream(stt.RecognizeStream):
    """One call's stream; see `recognition.py` for its events."""

    def __init__(
        self, source: STT, options: RecognitionOptions, conn_options: APIConnectOptions
    ) -> None:
        super().__init__(stt=source, conn_options=conn_options, sample_rate=SAMPLE_RATE_HZ)
        self._source = source
        self._options = options

    async def _run(self) -> None:
        recognition = self._source._recognition(
            self._options, self._event_ch.send_nowait, self.start_time_offset
        )
        try:
            await recognition.run(self._frames())
        except FasterWhisperError as e:
            raise api_error(e) from e

    async def _frames(self) -> AsyncIterator[rtc.AudioFrame | None]:
        async for item in self._input_ch:
            yield None if isinstance(item, self._FlushSentinel) else item


def api_error(error: FasterWhisperError) -> APIError:
    """The LiveKit error that says the same; raise it `from` the original."""
    message = str(error)
    if isinstance(error, DeadlineError):
        return APITimeoutError(message)
    if isinstance(error, OverloadedError):
        return APIStatusError(message, status_code=429)
    if isinstance(error, (LanguageError, RequestError)):
        return APIStatusError(message, status_code=400)
    retryable = isinstance(error, TranscribeError) and error.retryable
    return APIConnectionError(message, retryable=retryable)


async def _resampled(buffer: AudioBuffer) -> AsyncIterator[rtc.AudioFrame | None]:
    frames = buffer if isinstance(buffer, list) else [buffer]
    resampler: rtc.AudioResampler | None = None
    for frame in frames:
        if frame.sample_rate == SAMPLE_RATE_HZ:
            yield frame
            continue
        if resampler is None:
            resampler = rtc.AudioResampler(
                frame.sample_rate,
                SAMPLE_RATE_HZ,
                num_channels=frame.num_channels,
                quality=rtc.AudioResamplerQuality.HIGH,
            )
        for resampled in resampler.push(frame):
            yield resampled
    if resampler is not None:
        for resampled in resampler.flush():
            yield resampled
