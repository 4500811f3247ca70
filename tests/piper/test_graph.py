"""A voice cut in three says what the whole says."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from livekit.plugins.piper.graph import CutError, cut, find_seams
from livekit.plugins.piper.render import CutRenderer
from livekit.plugins.piper.sessions import CutSessions, WholeSession, open_sessions, text_feed

SCALES = (0.0, 1.3, 0.0)


def ids(n: int) -> list[int]:
    return [1, 0, *(v for p in np.random.default_rng(n).integers(14, 100, n) for v in (p, 0)), 2]


@pytest.mark.parametrize("speaker_id", [0, 2])
@pytest.mark.parametrize("length", [1, 8, 40, 150])
def test_chunks_join_to_the_whole(tiny_path: Path, length: int, speaker_id: int) -> None:
    sessions = open_sessions(tiny_path, None)
    assert isinstance(sessions, CutSessions)
    whole = ort.InferenceSession(str(tiny_path))
    feed = text_feed(whole, np.array([ids(length)]), SCALES, speaker_id)
    want = whole.run(None, feed)[0].ravel()
    pieces = [
        p.samples
        for p in CutRenderer(sessions).render(ids(length), SCALES, speaker_id, 16, ort.RunOptions())
    ]
    got = np.concatenate(pieces)
    assert got.shape == want.shape
    assert np.abs(got - want).max() < 1e-4
    assert [p.size // 256 for p in pieces[:1]] == [min(16, want.size // 256)] or length == 8


def test_the_cut_is_kept(tiny_path: Path, tmp_path: Path) -> None:
    first = open_sessions(tiny_path, tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    assert {f.name for f in folder.iterdir()} == {"text.onnx", "flow.onnx", "decoder.onnx"}
    (folder / "flow.onnx").write_bytes(b"spoiled")
    again = open_sessions(tiny_path, tmp_path / "cache")
    assert isinstance(first, CutSessions) and isinstance(again, CutSessions)


def test_a_cache_that_cannot_be_written_is_no_fault(tiny_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert isinstance(open_sessions(tiny_path, tmp_path / "file" / "cache"), CutSessions)


def test_the_starter_stays_whole(starter_path: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second time from the cache
        assert isinstance(open_sessions(starter_path, tmp_path), WholeSession)


def test_a_voice_of_another_decoder_stays_whole(tiny_path: Path, tmp_path: Path) -> None:
    model = onnx.load(str(tiny_path))
    for node in model.graph.node:
        node.input[:] = [i.replace("dec.conv_pre.weight", "other") for i in node.input]
    for weight in model.graph.initializer:
        weight.name = weight.name.replace("dec.conv_pre.weight", "other")
    with pytest.raises(CutError):
        cut(model)
    path = tmp_path / "other.onnx"
    onnx.save(model, str(path))
    sessions = open_sessions(path, tmp_path / "cache")
    assert isinstance(sessions, WholeSession)
    assert len(sessions.whole.get_outputs()) == 2  # its durations still give word times


def test_seams_are_found_by_weights_not_by_names_of_nodes(tiny_path: Path) -> None:
    model = onnx.load(str(tiny_path))
    for i, node in enumerate(model.graph.node):
        node.name = f"node_{i}"
    assert find_seams(model) == find_seams(onnx.load(str(tiny_path)))
