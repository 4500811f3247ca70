"""Speech-to-text against the stock way: StreamAdapter around `WhisperModel.transcribe`.

Both hear the same audio in real time, in turn, in this process, with the same number of threads;
ours with its beam of five, the rival greedily (its default, a beam of five too, would take longer).
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, stt
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer, combine_frames
from livekit.plugins import faster_whisper, silero
from numpy.typing import NDArray

from .questions import speak
from .row import Row, Subject

RATE_HZ = 16_000
FRAME_S = 0.02
QUIET_DB = -35.0  # below the loudest 10 ms: the sound has ended
CANCEL_TARGET_MS = 50.0
WAIT = "end of speech ->"

Audio = NDArray[np.float32]


class Stock(stt.STT[None]):
    """What one writes first: the whole utterance through `transcribe`, in a thread."""

    def __init__(self, path: Path, threads: int) -> None:
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._model = WhisperModel(
            str(path), device="cpu", compute_type="int8", cpu_threads=threads
        )

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        pcm: Audio = np.frombuffer(combine_frames(buffer).data, np.int16).astype(np.float32)
        text = await asyncio.to_thread(self.transcribe, pcm / np.float32(32768))
        data = stt.SpeechData(language=LanguageCode("en"), text=text)
        return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[data])

    def transcribe(self, audio: Audio) -> str:
        segments, _ = self._model.transcribe(
            audio, language="en", beam_size=1, temperature=0, without_timestamps=True
        )
        return "".join(s.text for s in segments).strip()


def measure(subjects: Sequence[Subject], *, rounds: int = 6, threads: int = 1) -> list[Row]:
    """Every figure of every subject; takes about 10 s a round."""
    with tempfile.TemporaryDirectory() as folder:
        audio = [read(path) for _, path in speak(Path(folder), rounds)]
    rows: list[Row] = []
    for subject in subjects:
        rows += asyncio.run(_measure(subject, audio, threads))
        rows.append(_memory(subject, threads))
    return rows


async def _measure(subject: Subject, audio: list[Audio], threads: int) -> list[Row]:
    stock = Stock(subject.path, threads)
    adapter = stt.StreamAdapter(stt=stock, vad=silero.VAD.load())
    ours = faster_whisper.STT(subject.path, threads=threads)
    ours.prewarm()
    final, preflight = (
        stt.SpeechEventType.FINAL_TRANSCRIPT,
        stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    )
    waits: dict[str, list[float]] = {"ours": [], "early": [], "stock": []}
    try:
        for speech in audio:
            heard = await _listen(ours, speech)
            waits["ours"] += heard.get(final, [])[-1:]
            waits["early"] += heard.get(preflight, [])[-1:]
            waits["stock"] += (await _listen(adapter, speech)).get(final, [])[-1:]
        sentence = three_seconds(audio)
        decode = await _decode_ms(subject.path, stock, threads, sentence)
        released, freed = await _cancel_ms(subject.path, threads, sentence)
    finally:
        await adapter.aclose()
        await ours.aclose()

    def median(name: str) -> float:
        return statistics.median(waits[name]) * 1000

    name = subject.name
    return [
        Row(
            f"{WAIT} final transcript",
            name,
            median("ours"),
            median("stock"),
            subject.target,
        ),
        Row(f"{WAIT} speculative transcript", name, median("early"), median("stock")),
        Row("decode of 3 s", name, *decode),
        Row("cancel -> caller released", name, released, None, CANCEL_TARGET_MS),
        Row("cancel -> worker at the next job", name, freed),
    ]


async def _listen(source: stt.STT[None], speech: Audio) -> dict[stt.SpeechEventType, list[float]]:
    """Plays the speech in real time; seconds from its last sound to each event, by type."""
    lead, tail = np.zeros(RATE_HZ // 2, np.float32), np.zeros(RATE_HZ * 2, np.float32)
    audio = np.concatenate([lead, speech, tail])
    end_s = len(lead) / RATE_HZ + sound_s(speech)
    seen: dict[stt.SpeechEventType, list[float]] = {}
    stream = source.stream()
    began = time.perf_counter()

    async def read_events() -> None:
        async for event in stream:
            seen.setdefault(event.type, []).append(time.perf_counter() - began - end_s)

    reading = asyncio.create_task(read_events())
    step = int(FRAME_S * RATE_HZ)
    for start in range(0, len(audio) - step + 1, step):
        await asyncio.sleep(max(0.0, began + (start + step) / RATE_HZ - time.perf_counter()))
        pcm = (np.clip(audio[start : start + step], -1, 1) * 32767).astype(np.int16)
        stream.push_frame(rtc.AudioFrame(pcm.tobytes(), RATE_HZ, 1, step))
    stream.end_input()
    await reading
    await stream.aclose()
    return seen


async def _decode_ms(path: Path, stock: Stock, threads: int, audio: Audio) -> tuple[float, float]:
    ours, theirs = [], []
    async with _transcriber(path, threads) as transcriber:
        for i in range(6):
            request = faster_whisper.TranscriptionRequest("bench", str(i), audio)
            began = time.perf_counter()
            await transcriber.transcribe(request)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            await asyncio.to_thread(stock.transcribe, audio)
            theirs.append(time.perf_counter() - began)
    return statistics.median(ours[1:]) * 1000, statistics.median(theirs[1:]) * 1000


async def _cancel_ms(path: Path, threads: int, audio: Audio) -> tuple[float, float]:
    """From cancelling a decode that runs: until its caller goes on, until its worker does."""
    released, freed = [], []
    async with _transcriber(path, threads) as transcriber:
        for i in range(9):
            request = faster_whisper.TranscriptionRequest("a", f"a{i}", audio)
            running = asyncio.create_task(transcriber.transcribe(request))
            await asyncio.sleep(0.005 + 0.01 * i)
            began = time.perf_counter()
            running.cancel()
            await asyncio.wait([running])
            released.append(time.perf_counter() - began)
            request = faster_whisper.TranscriptionRequest("b", f"b{i}", audio)
            done = await transcriber.transcribe(request)
            freed.append(max(0.0, time.perf_counter() - began - done.compute_s))
    return max(released) * 1000, max(freed) * 1000


@asynccontextmanager
async def _transcriber(path: Path, threads: int) -> AsyncIterator[faster_whisper.LocalTranscriber]:
    transcriber = faster_whisper.LocalTranscriber(path, threads=threads)
    try:
        yield transcriber
    finally:
        await transcriber.aclose()


def _memory(subject: Subject, threads: int) -> Row:
    """What a process grows by when it loads the model and decodes 3 s, imports not counted."""
    ours, theirs = (_grown_mb(way, subject.path, threads) for way in ("ours", "stock"))
    return Row("memory", subject.name, ours, theirs, unit="MB")


def _grown_mb(way: str, path: Path, threads: int) -> float:
    command = [sys.executable, "-m", __spec__.name, way, str(path), str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _grow(way: str, path: Path, threads: int) -> None:
    """The child of `_grown_mb`."""
    import faster_whisper as _  # noqa: F401

    before = _peak_mb()
    audio = np.zeros(3 * RATE_HZ, np.float32)
    if way == "stock":
        Stock(path, threads).transcribe(audio)
    else:

        async def once() -> None:
            async with _transcriber(path, threads) as transcriber:
                request = faster_whisper.TranscriptionRequest("bench", "1", audio)
                await transcriber.align(request, await transcriber.transcribe(request))

        asyncio.run(once())
    print(_peak_mb() - before)


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def three_seconds(audio: list[Audio]) -> Audio:
    """The utterance closest to that, cut or filled up with silence."""
    best = min(audio, key=lambda a: abs(len(a) - 3 * RATE_HZ))[: 3 * RATE_HZ]
    padded: Audio = np.pad(best, (0, 3 * RATE_HZ - len(best)))
    return padded


def read(path: Path) -> Audio:
    """A mono WAV file, resampled to 16 kHz."""
    with wave.open(str(path)) as wav:
        pcm = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / 32768
        rate = wav.getframerate()
    at = np.arange(int(len(pcm) * RATE_HZ / rate)) * (rate / RATE_HZ)
    resampled: Audio = np.interp(at, np.arange(len(pcm)), pcm).astype(np.float32)
    return resampled


def sound_s(audio: Audio) -> float:
    """When the last sound ends."""
    step = RATE_HZ // 100
    blocks = audio[: len(audio) // step * step].reshape(-1, step)
    rms = np.sqrt(np.mean(blocks**2, axis=1))
    loud = np.flatnonzero(rms > rms.max() * 10 ** (QUIET_DB / 20))
    return float(loud[-1] + 1) / 100


if __name__ == "__main__":
    _grow(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
