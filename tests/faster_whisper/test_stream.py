"""Events of whole streams, on the starter model and the real voices."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from earshot.bench.wer import edits, words
from livekit.agents import APIConnectionError, APIConnectOptions, inference, stt, vad
from livekit.plugins import faster_whisper, silero
from livekit.plugins.faster_whisper import (
    DecodeError,
    Transcriber,
    Transcript,
    TranscriptionRequest,
    Word,
)

from .conftest import check_order

Type = stt.SpeechEventType
RATE_HZ = 16_000


async def test_the_life_of_an_utterance_in_real_time(
    ears: faster_whisper.STT, say: Any, hear: Any
) -> None:
    hearing = await hear(ears, say("Set a timer for twenty five minutes."), pace=1)
    check_order(hearing.kinds)
    assert hearing.kinds[0] == "start_of_speech"
    assert hearing.kinds[-3:] == ["final_transcript", "recognition_usage", "end_of_speech"]
    (final,) = hearing.of(Type.FINAL_TRANSCRIPT)
    assert edits(words("Set a timer for twenty five minutes"), words(hearing.heard)) <= 1
    assert hearing.texts(Type.PREFLIGHT_TRANSCRIPT)[-1] == hearing.heard
    interims = hearing.texts(Type.INTERIM_TRANSCRIPT)
    assert interims
    assert edits(words(interims[-1]), words(hearing.heard)[: len(words(interims[-1]))]) <= 1
    data = final.alternatives[0]
    assert data.words is not None
    assert " ".join(data.words) == data.text
    assert 0.3 < data.start_time < data.end_time < 4
    assert data.words[0].start_time >= data.start_time
    assert data.words[-1].end_time <= data.end_time + 1e-6
    assert data.confidence > 0.5 and data.language == "en"


async def test_utterances_one_after_the_other(
    ears: faster_whisper.STT, say: Any, hear: Any
) -> None:
    audio = np.concatenate([say("Hello."), say("What time is it?"), say("Thank you very much.")])
    hearing = await hear(ears, audio)
    check_order(hearing.kinds)
    assert [words(t) for t in hearing.texts(Type.FINAL_TRANSCRIPT)] == [
        words("Hello"),
        words("What time is it"),
        words("Thank you very much"),
    ]
    starts = [e.alternatives[0].start_time for e in hearing.of(Type.FINAL_TRANSCRIPT)]
    assert starts == sorted(starts)


class Counting:
    """A Transcriber that names each request by its length and counts what it was asked."""

    model = "counting"

    def __init__(self, fail: int = 0) -> None:
        self.requests: list[TranscriptionRequest] = []
        self.closed = False
        self.fail = fail

    async def transcribe(self, request: TranscriptionRequest) -> Transcript:
        self.requests.append(request)
        await asyncio.sleep(0.001)
        if self.fail > 0:
            self.fail -= 1
            raise DecodeError("CTranslate2: broken")
        return Transcript(text=f"{len(request.audio) / RATE_HZ:.1f}s", language="en", tokens=(1,))

    async def align(
        self, request: TranscriptionRequest, transcript: Transcript
    ) -> tuple[Word, ...]:
        raise DecodeError("no attention today")

    async def aclose(self) -> None:
        self.closed = True


async def test_silence_before_the_first_word_is_not_decoded(say: Any, hear: Any) -> None:
    transcriber = Counting()
    audio = say("What time is it?", before_s=1.0)
    await hear(faster_whisper.STT(transcriber), audio)
    sound = np.abs(audio) > 0.05 * np.abs(audio).max()
    heard = transcriber.requests[-1].audio
    before_s = (np.abs(heard) > 0.05 * np.abs(audio).max()).argmax() / RATE_HZ
    assert 0.03 < before_s < 0.25
    # and nothing of what was said is missing
    assert len(heard) / RATE_HZ > (len(audio) - sound[::-1].argmax() - sound.argmax()) / RATE_HZ
    # what may be its soft beginning is no silence
    soft = np.zeros_like(audio)
    at = int(sound.argmax())
    soft[at - RATE_HZ * 3 // 10 : at] = 0.002
    soft *= np.random.default_rng(3).standard_normal(len(audio)).astype(np.float32)
    await hear(faster_whisper.STT(transcriber), audio + soft)
    assert len(transcriber.requests[-1].audio) > len(heard) + 0.1 * RATE_HZ


async def test_a_pause_in_the_middle_of_a_sentence_does_not_end_it(
    transcriber: faster_whisper.LocalTranscriber, say: Any, hear: Any
) -> None:
    source = faster_whisper.STT(
        transcriber,
        silence_after=lambda text: 0.0 if "minute" in text else 1.0,
    )
    first = say("Set a timer for", after_s=0.3)
    whole = np.concatenate([first, say("five minutes.", before_s=0.3, after_s=0.8)])
    hearing = await hear(source, whole, pace=1.0)
    check_order(hearing.kinds)
    (final,) = hearing.texts(Type.FINAL_TRANSCRIPT)
    assert words(final)[:4] == "set a timer for".split()
    assert words(final)[-1] in ("minute", "minutes")
    # nobody waits for ever: the words that came are not lost
    left = await hear(source, say("Set a timer for", after_s=1.6), pace=1.0)
    assert words(left.heard)[:4] == "set a timer for".split()
    await source.aclose()


async def test_a_long_speech_is_cut_and_its_end_costs_no_more(say: Any, hear: Any) -> None:
    transcriber: Transcriber = Counting()
    assert isinstance(transcriber, Counting)
    ears = faster_whisper.STT(transcriber, end_of_speech_silence=0.6)
    sentence = say("Book a table for seven at half past eight.", after_s=0.0, before_s=0.1)
    hearing = await hear(ears, np.concatenate([*[sentence] * 20, np.zeros(RATE_HZ, np.float32)]))
    check_order(hearing.kinds)
    assert len(hearing.of(Type.FINAL_TRANSCRIPT)) == 1
    assert len(hearing.heard.split()) >= 4
    assert max(len(r.audio) for r in transcriber.requests) <= 15 * RATE_HZ
    heard_s = sum(float(t.rstrip("s")) for t in hearing.heard.split())
    # each piece leaves out what lies between 0.1 s after its speech and the middle of the pause
    assert abs(heard_s - 20 * len(sentence) / RATE_HZ) < 4


async def test_speech_without_any_pause_is_cut_too(hear: Any) -> None:
    class Always(vad.VAD):
        def __init__(self) -> None:
            super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))

        def stream(self) -> vad.VADStream:
            return AlwaysStream(self)

    class AlwaysStream(vad.VADStream):
        async def _main_task(self) -> None:
            index = 0
            async for frame in self._input_ch:
                if isinstance(frame, self._FlushSentinel):
                    continue
                index += frame.samples_per_channel
                self._event_ch.send_nowait(
                    vad.VADEvent(
                        type=vad.VADEventType.INFERENCE_DONE,
                        samples_index=index,
                        timestamp=index / RATE_HZ,
                        speech_duration=0,
                        silence_duration=0,
                        frames=[frame],
                        probability=0.9,
                    )
                )

    transcriber = Counting()
    ears = faster_whisper.STT(transcriber, vad=Always())
    noise = np.random.default_rng(2).standard_normal(70 * RATE_HZ).astype(np.float32) * 0.1
    hearing = await hear(ears, noise)
    check_order(hearing.kinds)
    assert max(len(r.audio) for r in transcriber.requests) <= 15 * RATE_HZ
    assert abs(sum(float(t.rstrip("s")) for t in hearing.heard.split()) - 70) < 1.0


@pytest.mark.parametrize("make", [lambda: silero.VAD.load(), lambda: inference.VAD()])
async def test_any_vad_will_do(
    transcriber: faster_whisper.LocalTranscriber, say: Any, hear: Any, make: Any
) -> None:
    ears = faster_whisper.STT(transcriber, vad=make())
    audio = np.concatenate([say("What is your name?"), say("Cancel the timer.")])
    hearing = await hear(ears, audio)
    check_order(hearing.kinds)
    assert [words(t) for t in hearing.texts(Type.FINAL_TRANSCRIPT)] == [
        words("What is your name"),
        words("Cancel the timer"),
    ]


@pytest.mark.parametrize("rate_hz", [48_000, 8_000])
async def test_any_rate(ears: faster_whisper.STT, say: Any, hear: Any, rate_hz: int) -> None:
    audio = say("What time is it?", after_s=1.0)
    at = np.arange(len(audio) * rate_hz // RATE_HZ) * (RATE_HZ / rate_hz)
    resampled = np.interp(at, np.arange(len(audio)), audio).astype(np.float32)
    hearing = await hear(ears, resampled, rate_hz=rate_hz)
    assert words(hearing.heard) == words("What time is it")


async def test_stereo_at_the_models_rate(ears: faster_whisper.STT, say: Any, hear: Any) -> None:
    hearing = await hear(ears, say("What time is it?"), channels=2)
    assert words(hearing.heard) == words("What time is it")


async def test_flush_ends_the_segment_at_once(ears: faster_whisper.STT, say: Any) -> None:
    from .conftest import frames

    stream = ears.stream()
    for frame in frames(say("Where is the elevator?", after_s=0.05)):
        stream.push_frame(frame)
    stream.flush()
    seen = []
    async for event in stream:
        seen.append(event)
        if event.type is Type.END_OF_SPEECH:
            break
    assert words(seen[-3].alternatives[0].text) == words("Where is the elevator")
    await stream.aclose()


async def test_nothing_pushed_nothing_said(ears: faster_whisper.STT, hear: Any) -> None:
    assert (await hear(ears, np.zeros(0, np.float32))).events == []


async def test_closing_in_the_middle_leaves_nothing_behind(
    ears: faster_whisper.STT, say: Any
) -> None:
    from .conftest import frames

    stream = ears.stream()
    for frame in frames(say("Tell me about the fire drill.", after_s=0.0)):
        stream.push_frame(frame)
    await asyncio.sleep(0.05)
    before = asyncio.all_tasks()
    await stream.aclose()
    await asyncio.sleep(0.05)
    left = {t for t in asyncio.all_tasks() & before if t is not asyncio.current_task()}
    assert not left


async def test_an_utterance_that_fails_is_said_and_the_next_is_heard(say: Any, hear: Any) -> None:
    ears = faster_whisper.STT(Counting(fail=100))
    errors: list[stt.STTError] = []

    @ears.on("error")
    def on_error(error: stt.STTError) -> None:
        errors.append(error)
        broken.fail = 0

    broken = ears._transcriber
    assert isinstance(broken, Counting)
    stream = ears.stream(conn_options=APIConnectOptions(max_retry=2, retry_interval=0.01))
    from .conftest import frames

    for frame in frames(np.concatenate([say("Hello."), say("What time is it?")])):
        stream.push_frame(frame)
    stream.end_input()
    events = [e async for e in stream]
    await stream.aclose()
    check_order([e.type.value for e in events])
    assert [e.type for e in events].count(Type.FINAL_TRANSCRIPT) == 1
    assert len(errors) == 1 and errors[0].recoverable
    assert isinstance(errors[0].error, APIConnectionError)
    assert isinstance(errors[0].error.__cause__, DecodeError)


async def test_usage_is_reported_once_per_utterance(
    ears: faster_whisper.STT, say: Any, hear: Any
) -> None:
    metrics: list[Any] = []
    ears.on("metrics_collected", metrics.append)
    await hear(ears, np.concatenate([say("Hello."), say("Thank you.")]))
    await asyncio.sleep(0)
    assert len(metrics) == 2
    assert all(0.2 < m.audio_duration < 2 and m.streamed for m in metrics)
    assert metrics[0].metadata.model_name == "stt"


def test_the_starter_model_is_there(model_path: Path) -> None:
    assert (model_path / "model.bin").is_file()
