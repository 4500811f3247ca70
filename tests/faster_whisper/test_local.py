"""The model half on the starter model."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit.plugins import faster_whisper
from livekit.plugins.faster_whisper import LocalTranscriber, Priority, TranscriptionRequest
from livekit.plugins.faster_whisper.decoder import Decoder

SENTENCE = "Set a timer for ten minutes."


def plain(text: str) -> str:
    return text.lower().strip(".?! ")


def request(audio: Any, name: str = "1", **options: Any) -> TranscriptionRequest:
    return TranscriptionRequest(options.pop("call", "call"), name, audio, **options)


async def test_hears_a_sentence(transcriber: LocalTranscriber, say: Any) -> None:
    transcript = await transcriber.transcribe(request(say(SENTENCE)))
    assert plain(transcript.text) == plain(SENTENCE)
    assert transcript.reliable and transcript.confidence > 0.5
    assert transcript.language == "en" and transcript.tokens and transcript.compute_s > 0


async def test_word_times_with_and_without_what_was_kept(
    transcriber: LocalTranscriber, say: Any
) -> None:
    audio = say(SENTENCE)
    first = request(audio, "kept")
    transcript = await transcriber.transcribe(first)
    kept = await transcriber.align(first, transcript)
    assert " ".join(w.text for w in kept) == transcript.text
    await transcriber.transcribe(request(say("Hello."), "another"))
    assert await transcriber.align(first, transcript) == kept


@pytest.mark.parametrize("windows_s", [(4.0, 30.0), (5.0, 30.0), (10.0, 30.0), (30.0,)])
async def test_every_window_hears_the_same(
    model_path: Path, say: Any, windows_s: tuple[float, ...]
) -> None:
    transcriber = LocalTranscriber(model_path, windows_s=windows_s)
    for voice in ("slt", "rms"):
        transcript = await transcriber.transcribe(request(say("What time is it?", voice)))
        assert plain(transcript.text) == "what time is it"
    await transcriber.aclose()


def test_never_a_length_that_ctranslate2_takes_for_features() -> None:
    class Shape:
        n_mels = 80
        is_multilingual = False

    class Model:
        model = Shape()

    decoder = Decoder(Model(), (1.6, 1.59, 3.0))
    assert [w // 2 for w in decoder._windows] == [81, 81, 150]


async def test_silence_and_noise_are_nothing(transcriber: LocalTranscriber) -> None:
    rng = np.random.default_rng(3)
    for i, audio in enumerate((np.zeros(48_000), rng.standard_normal(48_000) * 0.05)):
        transcript = await transcriber.transcribe(request(audio.astype(np.float32), str(i)))
        assert transcript.text == "" and transcript.tokens == ()


async def test_hotwords_that_mislead_are_dropped(transcriber: LocalTranscriber, say: Any) -> None:
    # the starter never saw a prompt, and loses its way
    transcript = await transcriber.transcribe(
        request(say("What is your name?"), hotwords="Earshot, LiveKit, Piper")
    )
    assert transcript.text == "" or not set("earshot livekit".split()) & set(
        transcript.text.lower().split()
    )


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(100, np.float32), "0.006 s; expected"),
        (np.zeros(16_000 * 31, np.float32), "31.000 s; expected"),
        (np.zeros((2, 16_000), np.float32), r"float32\[2, 16000\]"),
        (np.zeros(16_000, np.int16), "int16"),
    ],
)
async def test_a_wrong_request_says_what_is_wrong(
    transcriber: LocalTranscriber, audio: Any, message: str
) -> None:
    with pytest.raises(faster_whisper.RequestError, match=message):
        await transcriber.transcribe(request(audio))


async def test_unknown_language(transcriber: LocalTranscriber, say: Any) -> None:
    with pytest.raises(faster_whisper.LanguageError):
        await transcriber.transcribe(request(say("Hello."), languages=("fr",)))


async def test_a_deadline_that_passes(transcriber: LocalTranscriber, say: Any) -> None:
    with pytest.raises(faster_whisper.DeadlineError, match=r"within 0\.0 s"):
        await transcriber.transcribe(request(say(SENTENCE), timeout_s=0.001))


async def test_cancelling_frees_the_caller_at_once_and_the_rest_go_on(
    transcriber: LocalTranscriber, say: Any
) -> None:
    audio = say(SENTENCE)
    running = asyncio.create_task(transcriber.transcribe(request(audio, "a")))
    waiting = asyncio.create_task(transcriber.transcribe(request(audio, "b", call="other")))
    kept = asyncio.create_task(transcriber.transcribe(request(audio, "c", call="third")))
    await asyncio.sleep(0.01)
    running.cancel()
    waiting.cancel()
    done, _ = await asyncio.wait([running, waiting], timeout=0.5)
    assert done == {running, waiting} and running.cancelled() and waiting.cancelled()
    assert plain((await kept).text) == plain(SENTENCE)


async def test_a_final_request_joins_the_speculative_one(
    transcriber: LocalTranscriber, say: Any
) -> None:
    audio = say(SENTENCE)
    early = transcriber.transcribe(request(audio, "same", priority=Priority.SPECULATIVE))
    late = transcriber.transcribe(request(audio, "same"))
    first, second = await asyncio.gather(early, late)
    assert first is second


async def test_a_newer_partial_takes_the_place_of_the_older(
    transcriber: LocalTranscriber, say: Any
) -> None:
    audio = say(SENTENCE)
    blocker = asyncio.create_task(transcriber.transcribe(request(audio, "x", call="x")))
    await asyncio.sleep(0)
    tasks = [
        asyncio.create_task(
            transcriber.transcribe(request(audio, f"p{i}", priority=Priority.PARTIAL))
        )
        for i in range(3)
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(r) for r in results[:2]] == [faster_whisper.SupersededError] * 2
    assert isinstance(results[2], faster_whisper.Transcript)
    await blocker


def test_many_calls_from_many_loops_share_one_model(
    transcriber: LocalTranscriber, say: Any
) -> None:
    texts = ["What time is it?", "Cancel the timer.", "Thank you very much.", "How are you?"]
    heard: dict[str, str] = {}

    def call(text: str) -> None:
        async def run() -> None:
            heard[text] = (await transcriber.transcribe(request(say(text), text, call=text))).text

        asyncio.run(run())

    for text in texts:
        say(text)
    threads = [threading.Thread(target=call, args=(t,)) for t in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {plain(k): plain(v) for k, v in heard.items()} == {plain(t): plain(t) for t in texts}


async def test_closing_ends_requests_and_refuses_new_ones(model_path: Path, say: Any) -> None:
    transcriber = LocalTranscriber(model_path)
    transcriber.warm_up()
    running = asyncio.create_task(transcriber.transcribe(request(say(SENTENCE))))
    await asyncio.sleep(0.005)
    await transcriber.aclose()
    with pytest.raises(faster_whisper.ClosedError):
        await running
    with pytest.raises(faster_whisper.ClosedError):
        await transcriber.transcribe(request(say(SENTENCE)))


async def test_the_event_loop_goes_on_while_the_model_works(
    transcriber: LocalTranscriber, say: Any
) -> None:
    audio = np.tile(say(SENTENCE), 9)[: 16_000 * 29]
    work = asyncio.create_task(transcriber.transcribe(request(audio)))
    longest, last = 0.0, time.perf_counter()
    while not work.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    began_and_ended = (await work).compute_s
    assert longest < began_and_ended
