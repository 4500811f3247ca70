"""Voices that the tests speak with, and a model that hears them."""

import asyncio
import subprocess
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import stt
from livekit.plugins import faster_whisper
from numpy.typing import NDArray

RATE_HZ = 16_000
MODEL = Path(__file__).parents[2] / "models" / "starter" / "stt"

Audio = NDArray[np.float32]
Say = Callable[..., Audio]


class Hearing:
    """The events of one stream, with the time of each since the first frame."""

    def __init__(self) -> None:
        self.events: list[tuple[float, stt.SpeechEvent]] = []

    def of(self, kind: stt.SpeechEventType) -> list[stt.SpeechEvent]:
        return [e for _, e in self.events if e.type is kind]

    def texts(self, kind: stt.SpeechEventType) -> list[str]:
        return [e.alternatives[0].text for e in self.of(kind)]

    @property
    def kinds(self) -> list[str]:
        return [e.type.value for _, e in self.events]

    @property
    def heard(self) -> str:
        return " ".join(self.texts(stt.SpeechEventType.FINAL_TRANSCRIPT))


@pytest.fixture(scope="session")
def model_path() -> Path:
    return MODEL


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Say:
    """say(text, voice, level_db, before_s, after_s) -> 16 kHz audio with a little noise."""
    folder = tmp_path_factory.mktemp("voices")
    said: dict[tuple[str, str], Audio] = {}

    def speech(text: str, voice: str) -> Audio:
        if (text, voice) not in said:
            path = folder / f"{len(said)}.wav"
            if voice in ("slt", "rms", "awb", "kal16"):
                command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
            else:
                command = ["espeak-ng", "-v", voice, "-w", str(path), text]
            subprocess.run(command, check=True)
            with wave.open(str(path)) as wav:
                pcm = np.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32768
                rate = wav.getframerate()
            at = np.arange(int(len(pcm) * RATE_HZ / rate)) * (rate / RATE_HZ)
            said[text, voice] = np.interp(at, np.arange(len(pcm)), pcm).astype(np.float32)
        return said[text, voice]

    def say(
        text: str,
        voice: str = "slt",
        level_db: float = -6.0,
        before_s: float = 0.4,
        after_s: float = 0.8,
    ) -> Audio:
        audio = speech(text, voice)
        audio = audio / np.abs(audio).max() * 10 ** (level_db / 20)
        silence = [np.zeros(int(s * RATE_HZ), np.float32) for s in (before_s, after_s)]
        audio = np.concatenate([silence[0], audio, silence[1]])
        noise = np.random.default_rng(len(text)).standard_normal(len(audio))
        return (audio + noise * 10 ** (-65 / 20)).astype(np.float32)

    return say


@pytest.fixture(scope="session")
def transcriber() -> Iterator[faster_whisper.LocalTranscriber]:
    made = faster_whisper.LocalTranscriber(MODEL)
    yield made
    made.close()


@pytest.fixture
async def ears(
    transcriber: faster_whisper.LocalTranscriber,
) -> AsyncIterator[faster_whisper.STT]:
    made = faster_whisper.STT(transcriber)
    yield made
    await made.aclose()


def frames(audio: Audio, rate_hz: int = RATE_HZ, channels: int = 1) -> Iterator[rtc.AudioFrame]:
    """20 ms each."""
    pcm = (np.clip(audio, -1, 1) * 32767).astype(np.int16)
    step = rate_hz // 50
    for start in range(0, len(pcm) - step + 1, step):
        part = np.repeat(pcm[start : start + step], channels)
        yield rtc.AudioFrame(part.tobytes(), rate_hz, channels, step)


Hear = Callable[..., "asyncio.Future[Hearing]"]


@pytest.fixture
def hear() -> Callable[..., object]:
    """hear(stt, audio, pace): plays the audio; pace 1 = real time, 0 = all at once."""

    async def hear(
        source: stt.STT[None],
        audio: Audio,
        pace: float = 0.0,
        rate_hz: int = RATE_HZ,
        channels: int = 1,
    ) -> Hearing:
        hearing = Hearing()
        stream = source.stream()
        began = time.perf_counter()

        async def read() -> None:
            async for event in stream:
                hearing.events.append((time.perf_counter() - began, event))

        reading = asyncio.create_task(read())
        for i, frame in enumerate(frames(audio, rate_hz, channels)):
            if pace:
                await asyncio.sleep(max(0.0, began + (i + 1) * 0.02 * pace - time.perf_counter()))
            stream.push_frame(frame)
        stream.end_input()
        await reading
        await stream.aclose()
        return hearing

    return hear


def check_order(kinds: list[str]) -> None:
    """Every utterance: start, then texts, final and usage, then its end; never two at once."""
    speaking = final = False
    for kind in kinds:
        if kind == "start_of_speech":
            assert not speaking
            speaking, final = True, False
        else:
            assert speaking
            if kind == "final_transcript":
                assert not final
                final = True
            elif kind in ("interim_transcript", "preflight_transcript"):
                assert not final
            elif kind == "end_of_speech":
                speaking = False
    assert not speaking
