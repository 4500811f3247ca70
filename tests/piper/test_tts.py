"""The promises that livekit/agents' own plugin tests hold a TTS to."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APITimeoutError, tts
from livekit.agents.metrics import TTSMetrics
from livekit.plugins.piper import (
    TTS,
    LocalSynthesizer,
    OverloadedError,
    RequestError,
    SpeechChunk,
    SynthesisRequest,
    UnknownSpeakerError,
    VoiceInfo,
)
from pocketsphinx import Decoder

TEXT = "Sure, I can do that! The timer is set for five minutes. Is there anything else?"
ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
TWICE = APIConnectOptions(max_retry=1, retry_interval=0.01, timeout=10.0)


class Fake:
    """A Synthesizer that fails when it is told to: `plan` is what each request in turn meets."""

    info = VoiceInfo("fake", "en_US", 16000)

    def __init__(self, *plan: Exception | None, after: int = 0) -> None:
        self.plan, self.after = list(plan), after
        self.asked: list[SynthesisRequest] = []
        self.open = 0

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        self.asked.append(request)
        error = self.plan.pop(0) if self.plan else None
        self.open += 1
        try:
            for i in range(4):
                if error is not None and i == self.after:
                    raise error
                yield SpeechChunk(b"\1\0" * 3200)
                await asyncio.sleep(0)
        finally:
            self.open -= 1


class Stuck(Fake):
    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        await asyncio.sleep(60)
        yield SpeechChunk(b"")


def words(events: list[tts.SynthesizedAudio]) -> list[str]:
    return [w for e in events for w in e.frame.userdata.get("lk.timed_transcripts") or []]


async def collect(
    stream: tts.SynthesizeStream | tts.ChunkedStream,
) -> list[tts.SynthesizedAudio]:
    async with stream:
        return [event async for event in stream]


async def streamed(
    voice: TTS, text: str = TEXT, options: APIConnectOptions = ONCE
) -> list[tts.SynthesizedAudio]:
    stream = voice.stream(conn_options=options)
    for token in re.findall(r"\s*\S{1,4}", text):
        stream.push_text(token)
        await asyncio.sleep(0)
    stream.end_input()
    return await collect(stream)


@pytest.mark.parametrize("way", ["synthesize", "stream"])
async def test_events(starter: LocalSynthesizer, way: str) -> None:
    voice = TTS(starter)
    metrics: list[TTSMetrics] = []
    voice.on("metrics_collected", metrics.append)
    events = (
        await streamed(voice)
        if way == "stream"
        else await collect(voice.synthesize(TEXT, conn_options=ONCE))
    )
    assert len({e.request_id for e in events}) == 1 and events[0].request_id
    assert len({e.segment_id for e in events}) == 1
    assert [e.is_final for e in events] == [False] * (len(events) - 1) + [True]
    assert {e.frame.sample_rate for e in events} == {16000}
    await asyncio.sleep(0)
    (metric,) = metrics
    assert metric.characters_count == len(TEXT)
    assert metric.audio_duration == pytest.approx(sum(e.frame.duration for e in events), abs=0.02)
    assert metric.ttfb >= 0 and metric.metadata and metric.metadata.model_provider == "piper"
    assert "".join(words(events)) == TEXT


async def test_word_times_run_on_over_the_pieces(starter: LocalSynthesizer) -> None:
    events = await streamed(TTS(starter))
    timed = [w for e in events for w in e.frame.userdata.get("lk.timed_transcripts") or []]
    starts = [w.start_time for w in timed]
    total_s = sum(e.frame.duration for e in events)
    assert starts == sorted(starts) and total_s - 1.5 < starts[-1] < total_s


async def test_the_first_sound_is_at_the_beginning(starter: LocalSynthesizer) -> None:
    events = await streamed(TTS(starter), "The answer is fifty six. Anything else?")
    pcm = np.frombuffer(b"".join(bytes(e.frame.data) for e in events), np.int16).astype(int)
    assert (np.abs(pcm) > 184).argmax() / starter.info.sample_rate_hz <= 0.011
    timed = [w for e in events for w in e.frame.userdata.get("lk.timed_transcripts") or []]
    assert timed[0].start_time <= 0.02
    # a listener who hears the second sentence sees it: the times moved with the audio
    second = next(w for w in timed if w.startswith("Anything"))
    at = int(second.start_time * starter.info.sample_rate_hz)
    assert np.abs(pcm[at : at + 3200]).max() > 184


async def test_a_sentence_does_not_wait_for_the_next(starter: LocalSynthesizer) -> None:
    stream = TTS(starter).stream(conn_options=ONCE)
    stream.push_text("The timer is set.")
    first = await asyncio.wait_for(anext(stream), 5)  # nothing more is pushed
    assert first.frame.duration > 0
    await stream.aclose()


async def test_first_words_leave_before_the_sentence_ends() -> None:
    fake = Fake()
    stream = TTS(fake).stream(conn_options=ONCE)
    stream.push_text("The kitchen timer that you asked me about before ")
    await asyncio.wait_for(anext(stream), 5)
    assert fake.asked[0].text == "The kitchen timer that you asked me "
    assert fake.asked[0].continues_next and not fake.asked[0].continues_last
    stream.push_text("lunch is set. ")
    stream.push_text("It rings soon.")
    stream.end_input()
    await collect(stream)
    assert "".join(r.text for r in fake.asked).endswith("lunch is set. It rings soon.")
    assert fake.asked[1].continues_last and fake.asked[1].buffered_s > 0
    assert not fake.asked[-1].continues_next


async def test_flush_lets_all_go(starter: LocalSynthesizer) -> None:
    stream = TTS(starter).stream(conn_options=ONCE)
    stream.push_text("no mark")
    stream.flush()
    assert (await asyncio.wait_for(anext(stream), 5)).frame.duration > 0
    await stream.aclose()


@pytest.mark.parametrize("text", ["***", "😀", "…"])
async def test_text_without_sound_is_no_error(starter: LocalSynthesizer, text: str) -> None:
    assert await streamed(TTS(starter), text)
    assert await collect(TTS(starter).synthesize(text, conn_options=ONCE))


async def test_no_text_no_audio(starter: LocalSynthesizer) -> None:
    assert await streamed(TTS(starter), "") == []


async def test_resamples_only_when_asked(starter: LocalSynthesizer) -> None:
    plain = await collect(TTS(starter).synthesize(TEXT, conn_options=ONCE))
    events = await collect(TTS(starter, sample_rate=24000).synthesize(TEXT, conn_options=ONCE))
    assert {e.frame.sample_rate for e in events} == {24000}
    want, got = (sum(e.frame.duration for e in es) for es in (plain, events))
    assert got == pytest.approx(want, abs=0.05)


@pytest.mark.parametrize("way", ["synthesize", "stream"])
async def test_retries_and_says_so(way: str) -> None:
    fake = Fake(OverloadedError("full"))
    voice = TTS(fake)
    errors: list[tts.TTSError] = []
    voice.on("error", errors.append)
    events = (
        await streamed(voice, "Hello there.", TWICE)
        if way == "stream"
        else await collect(voice.synthesize("Hello there.", conn_options=TWICE))
    )
    assert [e.recoverable for e in errors] == [True]
    assert events[-1].is_final and Counter(r.text for r in fake.asked) == {"Hello there.": 2}


@pytest.mark.parametrize(
    ("error", "mapped"),
    [
        (OverloadedError("full"), APIError),
        (ConnectionResetError("engine is gone"), APIConnectionError),
        (RequestError("speed"), APIError),
        (APITimeoutError(), APITimeoutError),
    ],
)
async def test_every_error_is_one_of_livekits(error: Exception, mapped: type[APIError]) -> None:
    fake = Fake(error)
    with pytest.raises(mapped) as caught:
        await streamed(TTS(fake), "Hello there.", ONCE)
    assert caught.value is error or caught.value.__cause__ is error
    assert fake.open == 0


async def test_nothing_is_said_twice() -> None:
    fake = Fake(ConnectionResetError(), after=2)
    with pytest.raises(APIConnectionError):
        await streamed(TTS(fake), "Hello there.", TWICE)
    assert len(fake.asked) == 1


async def test_silence_is_a_timeout() -> None:
    options = APIConnectOptions(max_retry=0, timeout=0.05)
    with pytest.raises(APITimeoutError):
        await streamed(TTS(Stuck()), "Hello there.", options)


async def test_closing_a_stream_closes_the_request() -> None:
    fake = Fake()
    stream = TTS(fake).stream(conn_options=ONCE)
    stream.push_text("Hello there. ")
    await anext(stream)
    await stream.aclose()
    assert fake.open == 0


async def test_options(tiny: LocalSynthesizer) -> None:
    with pytest.raises(UnknownSpeakerError):
        TTS(tiny, speaker="nobody")
    with pytest.raises(RequestError):
        TTS(tiny, speed=9.0)
    fake = Fake()
    voice = TTS(fake, speed=1.5)
    await streamed(voice, "One.")
    voice.update_options(speed=0.5)
    await streamed(voice, "Two.")
    assert [r.speed for r in fake.asked] == [1.5, 0.5]
    assert (voice.model, voice.provider) == ("fake", "piper")


async def test_closes_only_what_it_opened(starter: LocalSynthesizer, starter_path: Path) -> None:
    shared = TTS(starter)
    await shared.aclose()
    assert await streamed(TTS(starter), "Still here.")
    own = TTS(starter_path)
    own.prewarm()
    assert await streamed(own, "Hello.")
    await own.aclose()
    with pytest.raises(APIError):
        await streamed(own, "Gone.")


async def test_is_understood(starter: LocalSynthesizer) -> None:
    """By a listener that has nothing to do with the voice."""
    text = "The timer is set for five minutes. The meeting is at three thirty."
    events = await streamed(TTS(starter), text)
    sound = b"".join(e.frame.data.tobytes() for e in events)
    decoder = Decoder(samprate=16000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(np.frombuffer(sound, np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    heard = set((decoder.hyp().hypstr if decoder.hyp() else "").split())
    wanted = re.findall(r"[a-z]+", text.lower())
    assert sum(w in heard for w in wanted) / len(wanted) >= 0.6, heard
