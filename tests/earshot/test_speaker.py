import asyncio
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from earshot.errors import OutputError
from earshot.talk.speaker import PacedSpeaker
from earshot.talk.wav_file import WavFile
from livekit import rtc


def frame(seconds: float, level: int = 8000) -> rtc.AudioFrame:
    samples = np.full(int(16000 * seconds), level, np.int16)
    return rtc.AudioFrame(samples.tobytes(), 16000, 1, len(samples))


async def test_playback_keeps_the_speed_of_life() -> None:
    played: list[float] = []
    speaker = PacedSpeaker(lambda f: played.append(f.duration))
    began = time.monotonic()
    for _ in range(10):
        await speaker.capture_frame(frame(0.02))
    speaker.flush()
    event = await speaker.wait_for_playout()
    assert not event.interrupted
    assert event.playback_position == pytest.approx(0.2)
    assert sum(played) == pytest.approx(0.2)
    assert time.monotonic() - began >= 0.19


async def test_an_interruption_stops_at_once_and_says_how_far_it_got() -> None:
    speaker = PacedSpeaker()
    for _ in range(50):
        await speaker.capture_frame(frame(0.02))
    speaker.flush()
    await asyncio.sleep(0.1)
    speaker.clear_buffer()
    event = await speaker.wait_for_playout()
    assert event.interrupted
    assert 0 < event.playback_position < 0.5


async def test_a_pause_holds_the_voice_and_loses_nothing() -> None:
    played: list[rtc.AudioFrame] = []
    speaker = PacedSpeaker(played.append)
    for _ in range(10):
        await speaker.capture_frame(frame(0.02))
    speaker.flush()
    await asyncio.sleep(0.05)
    speaker.pause()
    await asyncio.sleep(0.03)
    held = len(played)
    await asyncio.sleep(0.1)
    assert len(played) == held < 10
    speaker.resume()
    assert not (await speaker.wait_for_playout()).interrupted
    assert len(played) == 10


async def test_the_first_audible_sample_is_timed_behind_leading_silence() -> None:
    speaker = PacedSpeaker()
    before = time.time()
    await speaker.capture_frame(frame(0.1, level=0))
    await speaker.capture_frame(frame(0.1))
    speaker.flush()
    await speaker.wait_for_playout()
    assert len(speaker.onsets) == 1 and speaker.onsets[0] - before >= 0.09


def test_a_wav_appears_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    dropped = WavFile(path)
    dropped.write(frame(0.1))
    dropped.close(keep=False)
    assert list(tmp_path.iterdir()) == []
    kept = WavFile(path)
    kept.write(frame(0.1))
    kept.close(keep=True)
    assert [p.name for p in tmp_path.iterdir()] == ["answer.wav"]
    with wave.open(str(path)) as w:
        assert (w.getnframes(), w.getframerate()) == (1600, 16000)


def test_a_path_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        WavFile(tmp_path / "nowhere" / "answer.wav")
    with pytest.raises(OutputError, match="a folder"):
        WavFile(tmp_path)
