import asyncio
import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
from livekit.plugins.piper import (
    ClosedError,
    LocalSynthesizer,
    OverloadedError,
    RequestError,
    SynthesisRequest,
    Synthesizer,
    UnknownSpeakerError,
)
from piper import PiperVoice, SynthesisConfig
from speaking import chunks, quiet, samples, speak

LONG = (
    "Sure, I can help you with that right away, because the kitchen timer for $4.50 is now set "
    "and it will ring after five minutes have gone, so please keep an eye on the pot of soup. "
) * 4


def likeness(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Correlation of two signals of one length; 1.0 is the same but for a gain."""
    assert a.size == b.size
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def stock(path: Path, text: str) -> npt.NDArray[np.float64]:
    config = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    pieces = PiperVoice.load(path).synthesize(text, config)
    return np.concatenate([p.audio_float_array for p in pieces]).astype(float)


@pytest.mark.parametrize(
    "text", ["The timer is set for five minutes.", "Hello there! How are you?"]
)
@pytest.mark.parametrize("voice", ["starter", "tiny"])
async def test_sounds_as_piper_does(
    voice: str, text: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path: Path = request.getfixturevalue(f"{voice}_path")
    got, _ = await speak(request.getfixturevalue(voice), quiet(text))
    assert likeness(got, stock(path, text)) > 0.995


async def test_no_clicks_where_chunks_and_units_join(starter: LocalSynthesizer) -> None:
    got = await chunks(starter, quiet(LONG[:300]))
    sound = samples(b"".join(c.pcm for c in got))
    joins = np.cumsum([len(c.pcm) // 2 for c in got])[:-1]
    assert joins.size >= 3
    assert np.abs(sound[joins] - sound[joins - 1]).max() < 0.02


async def test_one_level_for_all_sentences(starter: LocalSynthesizer) -> None:
    levels = []
    for text in ("Yes.", "The timer is set for five minutes.", "What time is it? It is noon."):
        sound, _ = await speak(starter, quiet(text))
        levels.append(20 * np.log10(np.sqrt(np.mean(sound[np.abs(sound) > 0.02] ** 2))))
        assert 0.4 < np.abs(sound).max() < 1.0
    assert max(levels) - min(levels) < 6.0


@pytest.mark.parametrize("voice", ["starter", "tiny"])
async def test_words_are_those_written_and_where_they_are_said(
    voice: str, request: pytest.FixtureRequest
) -> None:
    text = "  Dr. Smith paid $45.50 — of the 3 e-mails,\n**one** is 😀 here! And (so) on…  "
    got = await chunks(request.getfixturevalue(voice), quiet(text))
    words = [w for c in got for w in c.words]
    assert "".join(w.text for w in words) == text
    starts = [w.start_s for w in words]
    assert starts == sorted(starts) and all(w.end_s >= w.start_s for w in words)
    rate = request.getfixturevalue(voice).info.sample_rate_hz
    end_s = 0.0
    for chunk in got:  # words come with or before the audio they are in
        end_s += len(chunk.pcm) / 2 / rate
        assert all(w.start_s <= end_s for w in chunk.words)
    assert words[-1].end_s <= end_s + 1e-6


async def test_word_times_are_where_the_sound_is(starter: LocalSynthesizer) -> None:
    sound, words = await speak(starter, quiet("Stop. Stop."))
    first, second = (int(w.start_s * 16000) for w in words)
    level = np.abs(sound)
    assert level[: max(1, first - 800)].max(initial=0.0) < 0.05
    assert level[second - 800 : second].max() < 0.05 < level[second : second + 6400].max()


async def test_speed_and_speaker(starter: LocalSynthesizer, tiny: LocalSynthesizer) -> None:
    normal, _ = await speak(starter, quiet("The timer is set for five minutes."))
    fast, _ = await speak(starter, quiet("The timer is set for five minutes.", speed=2.0))
    assert 0.45 < fast.size / normal.size < 0.6
    one, _ = await speak(tiny, quiet("Hello", speaker="speaker 1"))
    two, _ = await speak(tiny, quiet("Hello", speaker="speaker 2"))
    assert one.size != two.size or likeness(one, two) < 0.99  # 1.0 for one speaker


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (SynthesisRequest("a", speaker="nobody"), UnknownSpeakerError),
        (SynthesisRequest("a", speed=0.0), RequestError),
        (SynthesisRequest("a", speed=float("nan")), RequestError),
        (SynthesisRequest("a", noise_scale=-1.0), RequestError),
        (SynthesisRequest("a" * 100_001), RequestError),
    ],
)
async def test_refuses_what_it_cannot_do(
    starter: LocalSynthesizer, request_: SynthesisRequest, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await chunks(starter, request_)


@pytest.mark.parametrize("text", ["", "  ", "***", "…", "😀", "\n\n"])
async def test_what_has_no_sound_is_a_short_silence(starter: LocalSynthesizer, text: str) -> None:
    sound, words = await speak(starter, quiet(text))
    assert 0 < sound.size < 1600 and not sound.any()
    assert "".join(w.text for w in words) == text


async def test_voice_that_was_cut_streams_inside_a_sentence(tiny: LocalSynthesizer) -> None:
    assert tiny.streams_inside_sentences
    got = await chunks(tiny, quiet("The kitchen timer is set for five minutes from now"))
    assert [len(c.pcm) // 512 for c in got[:2]] == [16, 32]
    later = await chunks(tiny, quiet("The kitchen timer is set for now", buffered_s=3.0))
    assert len(later[0].pcm) // 512 == 64


async def test_whole_voice_streams_by_clause(starter: LocalSynthesizer) -> None:
    assert not starter.streams_inside_sentences
    got = await chunks(starter, quiet(LONG[:180]))
    assert len(got) >= 3
    assert "".join(w.text for w in got[0].words) == "Sure, "


async def test_phrase_cut_between_requests_has_no_pause(starter: LocalSynthesizer) -> None:
    text = "The kitchen timer is set "
    sound, _ = await speak(starter, quiet(text))
    joined, words = await speak(starter, quiet(text, continues_last=True, continues_next=True))
    assert 800 < sound.size - joined.size < 4800
    assert "".join(w.text for w in words) == text


async def test_leaving_early_ends_the_work(starter: LocalSynthesizer) -> None:
    stream = starter.synthesize(quiet(LONG * 20))
    await anext(stream)
    await stream.aclose()
    for _ in range(200):
        if not starter.active:
            break
        await asyncio.sleep(0.01)
    assert starter.active == 0


async def test_cancelling_the_reader_ends_the_work(tiny: LocalSynthesizer) -> None:
    task = asyncio.create_task(chunks(tiny, quiet(LONG * 20)))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(200):
        if not tiny.active:
            break
        await asyncio.sleep(0.01)
    assert tiny.active == 0


async def test_terminate_reaches_a_run_in_progress(starter_path: Path) -> None:
    session = ort.InferenceSession(str(starter_path))
    options = ort.RunOptions()
    options.terminate = True
    feed = {
        "input": np.full((1, 400), 20, np.int64),
        "input_lengths": np.array([400]),
        "scales": np.array([0.0, 1.0, 0.0], np.float32),
    }
    with pytest.raises(Exception, match="terminate"):
        session.run(None, feed, options)


async def test_a_slow_reader_holds_the_maker_back(starter: LocalSynthesizer) -> None:
    stream = starter.synthesize(quiet(LONG * 10))
    total = len((await anext(stream)).pcm)
    await asyncio.sleep(1.0)
    ahead = starter.active
    got = 0
    async for chunk in stream:
        total += len(chunk.pcm)
        got += 1
    assert ahead == 1 and got > 10 and total > 60 * 2 * 16000


async def test_full_queue_is_refused(starter_path: Path) -> None:
    with LocalSynthesizer(starter_path, workers=1, max_requests=1) as synthesizer:
        stream = synthesizer.synthesize(quiet(LONG * 5))
        await anext(stream)
        with pytest.raises(OverloadedError):
            await chunks(synthesizer, quiet("Hello"))
        await stream.aclose()


async def test_closing_ends_what_is_in_progress(starter_path: Path) -> None:
    synthesizer = LocalSynthesizer(starter_path)
    stream = synthesizer.synthesize(quiet(LONG * 20))
    await anext(stream)
    await asyncio.to_thread(synthesizer.close)
    with pytest.raises(ClosedError):
        while True:
            await anext(stream)
    with pytest.raises(ClosedError):
        await chunks(synthesizer, quiet("Hello"))
    synthesizer.close()  # twice is once


async def test_the_loop_stays_free(starter: LocalSynthesizer) -> None:
    gaps, last, stop = [], time.monotonic(), False

    async def tick() -> None:
        nonlocal last
        while not stop:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    await chunks(starter, quiet(LONG))
    stop = True
    await ticking
    assert len(gaps) > 5 and sorted(gaps)[len(gaps) // 2] < 0.05


def test_serves_many_callers_of_many_loops(starter: LocalSynthesizer) -> None:
    texts = [f"The answer is {n}." for n in range(8)]
    got: dict[str, int] = {}

    def call(text: str) -> None:
        sound, _ = asyncio.run(speak(starter, quiet(text)))
        again, _ = asyncio.run(speak(starter, quiet(text)))
        assert np.array_equal(sound, again)
        got[text] = sound.size

    threads = [threading.Thread(target=call, args=(t,)) for t in texts]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(got) == set(texts)


async def test_voice_without_durations_still_tells_words(
    starter_path: Path, tmp_path: Path
) -> None:
    import onnx

    model = onnx.load(str(starter_path))
    del model.graph.output[1]
    onnx.save(model, str(tmp_path / "v.onnx"))
    shutil.copy(f"{starter_path}.json", tmp_path / "v.onnx.json")
    with LocalSynthesizer(tmp_path / "v.onnx") as synthesizer:
        sound, words = await speak(synthesizer, quiet("The timer is set."))
    assert [w.text for w in words] == ["The ", "timer ", "is ", "set."]
    assert 0.0 < words[1].start_s < words[-1].start_s < sound.size / 16000


async def test_voice_of_letters(starter_path: Path, tmp_path: Path) -> None:
    config = json.loads(starter_path.with_name("starter.onnx.json").read_text(encoding="utf-8"))
    config["phoneme_type"] = "text"
    shutil.copy(starter_path, tmp_path / "v.onnx")
    (tmp_path / "v.onnx.json").write_text(json.dumps(config))
    with LocalSynthesizer(tmp_path / "v.onnx") as synthesizer:
        sound, words = await speak(synthesizer, quiet("hello you"))
    assert sound.size > 4000 and [w.text for w in words] == ["hello ", "you"]


def test_offers_the_protocol(starter: LocalSynthesizer) -> None:
    assert isinstance(starter, Synthesizer)
