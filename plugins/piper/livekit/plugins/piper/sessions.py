"""A voice's file -> ONNX Runtime sessions, cut where it can be, and kept for the next start.

Knows nothing of text, audio or who runs the sessions.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from .errors import VoiceFormatError
from .log import logger

INPUTS = {"input", "input_lengths", "scales"}
PARTS = ("text", "flow", "decoder")
_LAYOUT = "1"  # of the cache: raise it when the cut changes


@dataclass(frozen=True)
class CutSessions:
    """A VITS voice in three: see graph.Parts."""

    text: ort.InferenceSession
    flow: ort.InferenceSession
    decoder: ort.InferenceSession


@dataclass(frozen=True)
class WholeSession:
    """A voice that can't be cut, or needn't be."""

    whole: ort.InferenceSession


Sessions = CutSessions | WholeSession


def default_cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "livekit-plugins-piper"


def open_sessions(model: Path, cache_dir: Path | None) -> Sessions:
    """Opens `model`, from `cache_dir` when it was opened before.

    Cutting and optimising a medium voice takes 2 s; what comes out loads in 0.2 s. A cache that
    can't be written costs just that time, every time.

    Raises:
        VoiceFormatError: not ONNX, or not Piper's signature.
    """
    try:
        content = model.read_bytes()
    except OSError as e:
        raise VoiceFormatError(f"{model}: can't be read ({e.strerror})") from e
    key = hashlib.sha256(content + f"{_LAYOUT} {ort.__version__}".encode()).hexdigest()[:24]
    folder = (cache_dir or default_cache_dir()) / key
    kept = _open_kept(folder)
    if kept is not None:
        return kept
    with tempfile.TemporaryDirectory() as scratch:
        sessions = _open_anew(model, content, Path(scratch))
        _keep(Path(scratch), folder)
    return sessions


def _open_kept(folder: Path) -> Sessions | None:
    try:
        if (folder / "whole.onnx").is_file():
            return WholeSession(_session(folder / "whole.onnx", optimised=True))
        if all((folder / f"{p}.onnx").is_file() for p in PARTS):
            return CutSessions(*(_session(folder / f"{p}.onnx", optimised=True) for p in PARTS))
    except Exception as e:  # ONNX Runtime's errors have no common base
        logger.warning("%s: kept graphs don't load (%s); making them anew", folder, e)
    return None


def _open_anew(model: Path, content: bytes, scratch: Path) -> Sessions:
    import onnx  # 0.3 s to import, and only needed here
    from google.protobuf.message import DecodeError

    from .graph import CutError, cut, durations_output

    try:
        proto = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as e:
        raise VoiceFormatError(f"{model}: not an ONNX file; expected a Piper voice") from e
    weights = {i.name for i in proto.graph.initializer}
    inputs = {i.name for i in proto.graph.input} - weights
    if not proto.graph.output or not inputs >= INPUTS or inputs - INPUTS - {"sid"}:
        raise VoiceFormatError(
            f"{model}: not a Piper voice: its inputs are {', '.join(sorted(inputs)) or 'none'}; "
            "expected input, input_lengths, scales and perhaps sid"
        )
    try:
        if len(proto.graph.output) == 1:
            # the export's own durations become a second output, as the starter voice has them
            proto.graph.output.append(onnx.ValueInfoProto(name=durations_output(proto)))
    except CutError:
        logger.debug("%s: no durations; word times are estimated", model)
    try:
        whole = _session(proto.SerializeToString(), keep=scratch / "whole.onnx")
    except Exception as e:
        raise VoiceFormatError(f"{model}: ONNX Runtime can't load it: {_one_line(e)}") from e
    try:
        parts = cut(proto)
        sessions = CutSessions(
            *(
                _session(getattr(parts, p).SerializeToString(), keep=scratch / f"{p}.onnx")
                for p in PARTS
            )
        )
        _check_same(whole, sessions)
    except Exception as e:  # whatever stops the cut, the whole graph still speaks
        logger.info("%s is streamed by clause: its graph can't be cut (%s)", model, _one_line(e))
        for p in PARTS:
            (scratch / f"{p}.onnx").unlink(missing_ok=True)
        return WholeSession(whole)
    (scratch / "whole.onnx").unlink(missing_ok=True)
    return sessions


def _check_same(whole: ort.InferenceSession, parts: CutSessions) -> None:
    """A cut is used only if its parts, in a row and without noise, give what the whole gives."""
    ids = np.array([[1, 0, *([20, 0, 30, 0] * 6), 2]], np.int64)
    feed = text_feed(parts.text, ids, (0.0, 1.0, 0.0), 0)
    want = whole.run([whole.get_outputs()[0].name], feed)[0].ravel()
    z_p, mask, _, *speaker = parts.text.run(None, feed)
    z = parts.flow.run(None, named(parts.flow, [z_p, mask, *speaker]))[0]
    got = parts.decoder.run(None, named(parts.decoder, [z, *speaker]))[0].ravel()
    if got.shape != want.shape or not np.allclose(got, want, atol=1e-3):
        raise ValueError("its parts don't sound like the whole")


def text_feed(
    session: ort.InferenceSession, ids: Any, scales: Sequence[float], speaker_id: int
) -> dict[str, Any]:
    """The inputs of a whole voice, or of its text part. `ids`: int64 [1, n]."""
    feed = {
        "input": ids,
        "input_lengths": np.array([ids.shape[1]], np.int64),
        "scales": np.array(scales, np.float32),
        "sid": np.array([speaker_id], np.int64),
    }
    return {i.name: feed[i.name] for i in session.get_inputs()}


def named(session: ort.InferenceSession, values: Sequence[Any]) -> dict[str, Any]:
    return {i.name: v for i, v in zip(session.get_inputs(), values, strict=True)}


def _session(
    graph: Path | bytes, *, optimised: bool = False, keep: Path | None = None
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # One thread per run costs least CPU per run, and a pool that spins while it waits starves the
    # other engines on the machine: 45 ms of CPU against 85 with two spinning threads.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    levels = ort.GraphOptimizationLevel
    # "all" would bake this very CPU's memory layout into what is kept
    options.graph_optimization_level = (
        levels.ORT_DISABLE_ALL if optimised else levels.ORT_ENABLE_EXTENDED
    )
    if keep is not None:
        options.optimized_model_filepath = str(keep)
    source = graph if isinstance(graph, bytes) else str(graph)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _keep(scratch: Path, folder: Path) -> None:
    """Moves the graphs into the cache at one stroke, so that no one ever sees half of them."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as near:
            made = Path(near) / "made"
            made.mkdir()
            for file in scratch.iterdir():
                (made / file.name).write_bytes(file.read_bytes())
            made.rename(folder)
    except OSError as e:
        logger.debug("%s: graphs not kept (%s)", folder, e)


def _one_line(e: BaseException) -> str:
    return " ".join(str(e).split())[:200] or type(e).__name__
