"""A voice's two files: `NAME.onnx` and, beside it, `NAME.onnx.json`.

Reads and checks the second. Knows nothing of phonemes, graphs or audio.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import VoiceFormatError, VoiceNotFoundError
from .synthesizer import VoiceInfo

PHONEME_TYPES = ("espeak", "text")


@dataclass(frozen=True)
class VoiceConfig:
    """What `NAME.onnx.json` says, checked."""

    name: str
    language: str
    sample_rate_hz: int
    espeak_voice: str
    phoneme_type: str
    """`espeak` (IPA by espeak-ng) or `text` (code points)."""
    id_map: Mapping[str, Sequence[int]]
    """Phoneme -> ids."""
    clusters: frozenset[str]
    """Phonemes of several code points that espeak's output is merged to (`aɪ`)."""
    speaker_ids: Mapping[str, int]
    n_speakers: int
    default_speaker_id: int
    hop: int
    """Samples per step of the durations."""
    noise_scale: float
    length_scale: float
    noise_w: float

    @property
    def info(self) -> VoiceInfo:
        return VoiceInfo(self.name, self.language, self.sample_rate_hz, tuple(self.speaker_ids))

    def speaker_id(self, speaker: str | None) -> int:
        return self.default_speaker_id if speaker is None else self.speaker_ids[speaker]


def read_config(model: Path) -> VoiceConfig:
    """Reads the .onnx.json beside `model`.

    Raises:
        VoiceNotFoundError: one of the two files is missing.
        VoiceFormatError: the JSON can't be read or lacks a key.
    """
    if not model.exists():
        raise VoiceNotFoundError(f"{model}: no such file; expected a Piper voice (.onnx)")
    if not model.is_file():
        raise VoiceNotFoundError(f"{model}: not a file; expected a Piper voice (.onnx)")
    path = Path(f"{model}.json")
    if not path.is_file():
        raise VoiceNotFoundError(
            f"{path}: no such file; expected the voice's config beside {model}"
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise VoiceFormatError(
            f"{path}: not readable as JSON ({e}); expected a voice's config"
        ) from e
    try:
        config = _parse(model.stem, raw)
    except KeyError as e:
        raise VoiceFormatError(
            f"{path}: key {e} is missing; expected a Piper voice's config"
        ) from e
    except (TypeError, ValueError, AttributeError) as e:
        raise VoiceFormatError(f"{path}: {e}; expected a Piper voice's config") from e
    if config.phoneme_type not in PHONEME_TYPES:
        raise VoiceFormatError(
            f"{path}: phoneme_type is {config.phoneme_type!r}; expected one of {PHONEME_TYPES}"
        )
    return config


def _parse(name: str, raw: Any) -> VoiceConfig:
    if not isinstance(raw, dict):
        raise TypeError("not a JSON object")
    inference = raw.get("inference", {})
    id_map = {str(k): [int(i) for i in v] for k, v in raw["phoneme_id_map"].items()}
    for mark in "_^$":
        if mark not in id_map:
            raise ValueError(f"phoneme_id_map lacks {mark!r}")
    sample_rate_hz = int(raw["audio"]["sample_rate"])
    if not 8000 <= sample_rate_hz <= 48000:
        raise ValueError(f"audio.sample_rate is {sample_rate_hz}, not 8000 to 48000")
    hop = int(raw.get("hop_length", 256))
    if not 1 <= hop <= 4096:
        raise ValueError(f"hop_length is {hop}, not 1 to 4096")
    espeak_voice = str(raw["espeak"]["voice"])
    n_speakers = int(raw["num_speakers"])
    named = {str(k): int(v) for k, v in raw.get("speaker_id_map", {}).items()}
    if n_speakers > 1 and not named:
        named = {str(i): i for i in range(n_speakers)}
    return VoiceConfig(
        name=name,
        language=str(raw.get("language", {}).get("code") or espeak_voice),
        sample_rate_hz=sample_rate_hz,
        espeak_voice=espeak_voice,
        phoneme_type=str(raw.get("phoneme_type") or "espeak"),
        id_map=id_map,
        clusters=frozenset("".join(c) for c in raw.get("vowel_clusters") or ()),
        speaker_ids=named if n_speakers > 1 else {},
        n_speakers=n_speakers,
        default_speaker_id=int(raw.get("default_speaker_id", 0)),
        hop=hop,
        noise_scale=float(inference.get("noise_scale", 0.667)),
        length_scale=float(inference.get("length_scale", 1.0)),
        noise_w=float(inference.get("noise_w", 0.8)),
    )
