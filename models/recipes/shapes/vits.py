"""A Piper voice of the true shape with random weights, for timing: python vits.py [OUT.onnx]

The skeleton beside this file is Piper's own network, exported by Piper's own steps (`skeleton.py`),
less its weights; these are drawn here, from a fixed seed, with numpy and onnx alone.
"""

import gzip
import json
import math
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

HERE = Path(__file__).parent
DEFAULT = HERE.parents[1] / "weights" / "shapes" / "vits-medium-random.onnx"
FRAMES_PER_ID = 1.7
"""Median; the duration noise and Ceil make it 2.8 on average: 12 s for 200 characters."""
HOP = 256


def build(out: Path = DEFAULT, shape: str = "medium", seed: int = 0) -> Path:
    """Writes the voice (63 MB; `tiny`: 2 MB, 3 speakers) and its .onnx.json; returns its path."""
    packed = (HERE / f"vits-{shape}.skeleton.onnx.gz").read_bytes()
    model = onnx.load_model_from_string(gzip.decompress(packed))
    rng = np.random.default_rng(seed)
    speakers = 1
    for tensor in model.graph.initializer:
        if tensor.name == "dp.flows.0.m":
            values = np.array([[-math.log(FRAMES_PER_ID)], [0.0]], np.float32)
        elif not tensor.HasField("raw_data"):
            values = weights(tensor.name, tuple(tensor.dims), rng)
        else:
            continue
        if tensor.name == "emb_g.weight":
            speakers = tensor.dims[0]
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    onnx.save(model, part)
    part.replace(out)
    text = json.dumps(config(speakers), indent=2, ensure_ascii=False)
    Path(f"{out}.json").write_text(text, encoding="utf-8")
    return out


def weights(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    if name.endswith("gamma"):
        return np.ones(shape, np.float32)
    # the duration flows' proj begins at zero, as in training: random ones would undo FRAMES_PER_ID
    if name.endswith(("beta", "bias")) or (name.startswith("dp.flows") and ".proj." in name):
        return np.zeros(shape, np.float32)
    fan_in = math.prod(shape[1:]) if len(shape) > 1 else shape[0]
    if name.startswith("dec.ups"):  # transposed: [in, out, kernel]
        fan_in = shape[0]
    scale = 0.1 if name == "dec.conv_post.weight" else 1.0  # or its tanh would only clip
    return rng.normal(0.0, scale * fan_in**-0.5, shape).astype(np.float32)


def config(n_speakers: int) -> dict[str, object]:
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    return {
        "audio": {"sample_rate": 22050, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US", "family": "en", "region": "US"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": n_speakers,
        "speaker_id_map": {f"speaker {i}": i for i in range(n_speakers)} if n_speakers > 1 else {},
        "hop_length": HOP,
        "piper_version": "1.8.0",
    }


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT))
