"""Makes `vits-*.skeleton.onnx.gz`: Piper's own VITS, exported its own way, less its weights.

Needs torch; run once, when Piper's network or its export changes. `vits.py` gives a skeleton random
weights, and needs no torch.
"""

import gzip
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import onnx
import torch

# only training needs it, and it is an extension module that no wheel ships
sys.modules["piper.train.vits.monotonic_align"] = types.ModuleType("monotonic_align")
from piper.train.vits.models import SynthesizerTrn  # noqa: E402

HERE = Path(__file__).parent
SMALLEST = 16  # values; what is smaller stays: it is a constant rather than a weight
OPSET = 15  # piper/train/export_onnx.py

# piper/train/vits/lightning.py: the defaults are "medium"
MEDIUM = {
    "n_vocab": 256,
    "spec_channels": 513,
    "segment_size": 32,
    "inter_channels": 192,
    "hidden_channels": 192,
    "filter_channels": 768,
    "n_heads": 2,
    "n_layers": 6,
    "kernel_size": 3,
    "p_dropout": 0.1,
    "resblock": "2",
    "resblock_kernel_sizes": (3, 5, 7),
    "resblock_dilation_sizes": ((1, 2), (2, 6), (3, 12)),
    "upsample_rates": (8, 8, 4),
    "upsample_initial_channel": 256,
    "upsample_kernel_sizes": (16, 16, 8),
    "use_sdp": True,
}
# The same in small, with several speakers: for tests.
TINY = MEDIUM | {
    "inter_channels": 32,
    "hidden_channels": 32,
    "filter_channels": 64,
    "n_layers": 2,
    "upsample_initial_channel": 32,
    "n_speakers": 3,
    "gin_channels": 16,
}


def export(network: dict[str, object]) -> onnx.ModelProto:
    model = SynthesizerTrn(**network).eval()
    with torch.no_grad():
        model.dec.remove_weight_norm()
        for parameter in model.parameters():  # the export would merge those that are alike
            parameter.normal_(0.0, 0.02)

    def infer(text, lengths, scales, sid=None):  # type: ignore[no-untyped-def]
        audio = model.infer(
            text,
            lengths,
            noise_scale=scales[0],
            length_scale=scales[1],
            noise_scale_w=scales[2],
            sid=sid,
        )
        return audio[0].unsqueeze(1)

    model.forward = infer
    sid = torch.LongTensor([0]) if "n_speakers" in network else None
    inputs = (
        torch.randint(0, 256, (1, 50)),
        torch.LongTensor([50]),
        torch.FloatTensor([0.667, 1.0, 0.8]),
        sid,
    )
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        torch.onnx.export(
            model,
            inputs,
            file.name,
            dynamo=False,
            opset_version=OPSET,
            input_names=["input", "input_lengths", "scales", "sid"],
            output_names=["output"],
            dynamic_axes={
                "input": {0: "batch_size", 1: "phonemes"},
                "input_lengths": {0: "batch_size"},
                "output": {0: "batch_size", 2: "time"},
            },
        )
        return onnx.load(file.name)


def main() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    for name, network in (("medium", MEDIUM), ("tiny", TINY)):
        model = export(network)
        for tensor in model.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST:
                tensor.ClearField("raw_data")
        del model.graph.value_info[:]
        path = HERE / f"vits-{name}.skeleton.onnx.gz"
        path.write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))
        print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
