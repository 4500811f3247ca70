import subprocess
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from earshot.errors import AudioError
from earshot.talk.recording import FRAME, Recording

LONGEST_S = 60.0


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = 16000) -> Path:
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, rate_hz, 0, "NONE", ""))
        w.writeframes(samples.astype("<i2").tobytes())
    return path


def tone(seconds: float, rate_hz: int = 16000) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate_hz)) / rate_hz)


def encode(path: Path, codec: str, rate_hz: int, samples: np.ndarray) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            stream.format.name, "mono", rate_hz, stream.frame_size or None
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.mp3", "libmp3lame", 44100),
        ("a.ogg", "libopus", 48000),
        ("a.flac", "flac", 22050),
        ("a.m4a", "aac", 44100),
        ("a.wav", "pcm_f32le", 8000),
    ],
)
def test_any_format_becomes_16_khz_mono(
    tmp_path: Path, name: str, codec: str, rate_hz: int
) -> None:
    samples = np.concatenate([tone(1, rate_hz), np.zeros(rate_hz // 2)])
    recording = Recording.open(encode(tmp_path / name, codec, rate_hz, samples), LONGEST_S)
    assert recording.duration_s == pytest.approx(1.5, abs=0.12)
    assert recording.speech_end_s == pytest.approx(1.0, abs=0.12)
    frames = list(recording.frames())
    assert all(len(f) == FRAME and f.dtype == np.int16 for f in frames)
    assert np.abs(np.concatenate(frames)).max() > 4000


def test_the_end_of_speech_is_found_above_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 150, 48000)
    noise[8000:32000] += tone(1.5)
    recording = Recording.open(write_wav(tmp_path / "a.wav", noise), LONGEST_S)
    assert recording.speech_end_s == pytest.approx(2.0, abs=0.04)


def test_a_length_written_while_streaming_is_not_a_promise(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    said = subprocess.run(["espeak-ng", "--stdout", "hello"], capture_output=True, check=True)
    path.write_bytes(said.stdout)
    assert Recording.open(path, LONGEST_S).duration_s > 0.3


def test_every_unusable_file_is_named_with_its_fault(tmp_path: Path) -> None:
    whole = write_wav(tmp_path / "whole.wav", tone(3)).read_bytes()
    cases = {
        "missing.wav": (None, "no such file"),
        "empty.wav": (b"", "empty"),
        "text.wav": (b"hello, this is not audio at all\n" * 20, "not audio that can be read"),
        "headeronly.wav": (whole[:44], "holds no sound"),
        "cut.wav": (whole[: len(whole) // 3], "cut off: its header promises 3.00 s"),
        "long.wav": (
            write_wav(tmp_path / "l.wav", tone(LONGEST_S + 1)).read_bytes(),
            "longer than 1 min;",
        ),
    }
    (tmp_path / "folder.wav").mkdir()
    for name, (data, fault) in {**cases, "folder.wav": (None, "a folder")}.items():
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(AudioError) as caught:
            Recording.open(path, LONGEST_S)
        message = str(caught.value)
        assert fault in message and str(path) in message and "\n" not in message, name


@pytest.mark.parametrize(
    ("name", "codec"), [("a.flac", "flac"), ("a.m4a", "aac"), ("a.mkv", "libopus")]
)
def test_half_a_file_is_told_in_other_formats_too(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, 48000, tone(4, 48000))
    assert Recording.open(path, LONGEST_S).duration_s == pytest.approx(4.0, abs=0.12)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"cut off|not audio that can be read"):
        Recording.open(path, LONGEST_S)


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(AudioError, match="holds no audio stream"):
        Recording.open(path, LONGEST_S)
