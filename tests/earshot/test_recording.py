import os
import subprocess
import wave
from pathlib import Path

import av
import av.error
import numpy as np
import pytest
from earshot.caller.speech import Speech
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


def encode(path: Path, codec: str, rate_hz: int, samples: np.ndarray, layout: str = "mono") -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "a question"
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            stream.format.name, layout, rate_hz, stream.frame_size or None
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


@pytest.mark.parametrize(
    ("ending", "codec"), [("mp3", "libmp3lame"), ("aac", "aac"), ("ts", "mp2")]
)
def test_rate_and_channels_may_change_in_the_middle(
    tmp_path: Path, ending: str, codec: str
) -> None:
    forms = [(48000, "mono"), (32000, "stereo"), (44100, "mono")]
    whole = tmp_path / f"whole.{ending}"
    whole.write_bytes(
        b"".join(
            encode(tmp_path / f"{i}.{ending}", codec, rate, tone(1, rate), layout).read_bytes()
            for i, (rate, layout) in enumerate(forms)
        )
    )
    recording = Recording.open(whole, LONGEST_S)
    assert recording.duration_s == pytest.approx(3.0, abs=0.25)
    sound = np.concatenate(list(recording.frames()))
    assert (np.abs(sound[: len(sound) // 100 * 100].reshape(-1, 100)).max(1) > 4000).mean() > 0.9
    assert Speech.open(whole).duration_s == pytest.approx(recording.duration_s, abs=0.05)


def test_what_a_chained_ogg_cannot_be_is_told_in_one_line(tmp_path: Path) -> None:
    parts = [
        encode(tmp_path / f"{layout}.ogg", "libopus", 48000, tone(1, 48000), layout).read_bytes()
        for layout in ("mono", "stereo")
    ]
    (tmp_path / "chained.ogg").write_bytes(b"".join(parts))
    with pytest.raises(AudioError, match=r"chained\.ogg: cut off or damaged at"):
        Recording.open(tmp_path / "chained.ogg", LONGEST_S)


def test_a_few_bad_packets_are_skipped_and_many_are_told(tmp_path: Path) -> None:
    data = encode(tmp_path / "a.mp3", "libmp3lame", 44100, tone(3, 44100)).read_bytes()
    third = len(data) // 3
    (tmp_path / "a.mp3").write_bytes(data[:third] + bytes(600) + data[third + 600 :])
    assert Recording.open(tmp_path / "a.mp3", LONGEST_S).duration_s == pytest.approx(3.0, abs=0.2)
    adts = encode(tmp_path / "a.aac", "aac", 44100, tone(3, 44100)).read_bytes()
    noise = np.random.default_rng(1).bytes(600)
    chopped = b"".join(adts[i : i + 900] + noise for i in range(0, len(adts), 900))
    (tmp_path / "a.aac").write_bytes(chopped)
    with pytest.raises(AudioError, match=r"a\.aac: (cut off or damaged|not audio)"):
        Recording.open(tmp_path / "a.aac", LONGEST_S)


def test_tags_in_a_code_page_are_no_reason(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mka", "libopus", 48000, tone(1, 48000))
    data = path.read_bytes()
    assert b"a question" in data
    path.write_bytes(data.replace(b"a question", b"une \xe9t\xe9\xff ", 1))
    assert Recording.open(path, LONGEST_S).duration_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("name", ["call 10:15:00.wav", "file:x.wav", "pipe:0", "a,b|c.wav"])
def test_a_name_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(Path(name), tone(1))
    assert Recording.open(Path(name), LONGEST_S).duration_s == 1.0


def test_a_name_in_a_code_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode("f\xfcr.wav".encode("latin-1"))
    path.write_bytes(write_wav(tmp_path / "a.wav", tone(1)).read_bytes())
    assert Recording.open(path, LONGEST_S).duration_s == 1.0


def test_of_several_streams_it_takes_that_of_a_player(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=5)
        video.width = video.height = 16
        tracks = [
            container.add_stream("pcm_s16le", rate=rate, layout="mono") for rate in (8000, 16000)
        ]
        tracks[1].disposition = av.stream.Disposition.default
        image = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))
        for packet in [*video.encode(image), *video.encode(None)]:
            container.mux(packet)
        for track, samples in zip(tracks, (np.zeros(8000), tone(1)), strict=True):
            frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], "s16", "mono")
            frame.sample_rate, frame.pts = track.rate, 0
            container.mux([*track.encode(frame), *track.encode(None)])
    sound = np.concatenate(list(Recording.open(path, LONGEST_S).frames()))
    assert np.abs(sound).max() > 4000


def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    for reader in (lambda p: Recording.open(p, LONGEST_S), Speech.open):
        with pytest.raises(AudioError, match=r"a\.wav: no regular file"):
            reader(tmp_path / "a.wav")


@pytest.mark.parametrize(("ending", "codec"), [("mp3", "libmp3lame"), ("mkv", "aac"), ("wav", "")])
def test_whatever_is_broken_it_is_one_line(tmp_path: Path, ending: str, codec: str) -> None:
    path = tmp_path / f"a.{ending}"
    whole = encode(path, codec or "pcm_s16le", 44100, tone(1, 44100)).read_bytes()
    random = np.random.default_rng(3)
    broken = [whole[: int(len(whole) * share)] for share in (0.001, 0.03, 0.3, 0.95)]
    for _ in range(40):
        data = bytearray(whole)
        for at in random.integers(0, len(data) // (1 if random.random() < 0.5 else 40), 12):
            data[at] = int(random.integers(256))
        broken.append(bytes(data))
    for data in broken:
        path.write_bytes(data)
        for read in (lambda: Recording.open(path, LONGEST_S), lambda: Speech.open(path)):
            try:
                read()
            except AudioError as e:
                assert str(path) in str(e) and "\n" not in str(e)
