"""The adapter: batch recognition, ownership, errors, and the README's example."""

import re
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError
from livekit.plugins import faster_whisper
from livekit.plugins.faster_whisper.stt import api_error

from .conftest import frames

README = Path(__file__).parents[2] / "plugins" / "faster-whisper" / "README.md"


def plain(text: str) -> str:
    return re.sub(r"[^a-z' ]", "", text.lower())


async def test_recognize(ears: faster_whisper.STT, say: Any) -> None:
    metrics: list[Any] = []
    ears.on("metrics_collected", metrics.append)
    event = await ears.recognize(list(frames(say("What can you do?"))))
    data = event.alternatives[0]
    assert plain(data.text) == "what can you do"
    assert data.words is not None and " ".join(data.words) == data.text
    assert len(metrics) == 1 and not metrics[0].streamed


async def test_recognize_something_long_at_another_rate(ears: faster_whisper.STT, say: Any) -> None:
    audio = np.concatenate([say("What time is it?"), say("Cancel the timer.")] * 10)
    doubled = np.repeat(audio, 2)
    pcm = (doubled * 32767).astype(np.int16)
    event = await ears.recognize(rtc.AudioFrame(pcm.tobytes(), 32_000, 1, len(pcm)))
    assert plain(event.alternatives[0].text) == " ".join(["what time is it cancel the timer"] * 10)


async def test_recognize_silence(ears: faster_whisper.STT) -> None:
    event = await ears.recognize(list(frames(np.zeros(32_000, np.float32))))
    assert event.alternatives[0].text == ""


async def test_closes_the_model_it_opened_and_no_other(
    model_path: Path, transcriber: faster_whisper.LocalTranscriber, say: Any
) -> None:
    request = faster_whisper.TranscriptionRequest("call", "1", say("Hello."))
    async with faster_whisper.STT(transcriber):
        pass
    assert (await transcriber.transcribe(request)).text
    own = faster_whisper.STT(model_path)
    own.prewarm()
    await own.aclose()
    with pytest.raises(APIConnectionError, match="closed"):
        await own.recognize(list(frames(say("Hello."))))


def test_says_what_it_is(ears: faster_whisper.STT) -> None:
    assert (ears.model, ears.provider) == ("stt", "faster-whisper")
    assert ears.capabilities.streaming and ears.capabilities.interim_results
    assert ears.capabilities.aligned_transcript == "word"


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (faster_whisper.DeadlineError("late"), APITimeoutError, True),
        (faster_whisper.OverloadedError("full"), APIStatusError, True),
        (faster_whisper.LanguageError("no"), APIStatusError, False),
        (faster_whisper.RequestError("no"), APIStatusError, False),
        (faster_whisper.DecodeError("broken"), APIConnectionError, True),
        (faster_whisper.ClosedError("closed"), APIConnectionError, False),
    ],
)
def test_errors_become_livekits(
    error: faster_whisper.FasterWhisperError, kind: type[APIError], retryable: bool
) -> None:
    mapped = api_error(error)
    assert isinstance(mapped, kind)
    assert mapped.retryable is retryable
    assert str(error) in mapped.message


def test_the_example_in_the_readme_runs(tmp_path: Path, model_path: Path, say: Any) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert len(example.splitlines()) <= 30
    script, speech = tmp_path / "example.py", tmp_path / "speech.wav"
    script.write_text(example, encoding="utf-8")
    with wave.open(str(speech), "wb") as wav:
        wav.setparams((1, 2, 16_000, 0, "NONE", ""))
        wav.writeframes((say("What time is it?") * 32767).astype("<i2").tobytes())
    done = subprocess.run(
        [sys.executable, str(script), str(model_path), str(speech)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "What time is it?" in done.stdout
