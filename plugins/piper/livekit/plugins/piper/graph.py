"""Cuts an exported VITS graph so that it can be run piece by piece.

A VITS voice is text -> z_p (all of the text at once) -> flow -> z -> decoder -> samples, and the
last two see only some frames to each side. The seams are found by the names of the weights, which
are the same in every voice; names of nodes are not. Knows nothing of sessions, phonemes or chunks.

The idea of streaming VITS by cutting its export was shown by streaming-vits (MIT), which cuts once,
before the flow; the second cut saves the flow's wide margins for the decoder, most of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import helper
from onnx.utils import Extractor

FLOW_MARGIN = 32
"""Frames the flow sees to each side."""
DECODER_MARGIN = 13
"""Frames the decoder sees to each side (11 in x_low and medium voices, 13 in high ones)."""


class CutError(Exception):
    """This graph has no such seam."""


@dataclass(frozen=True, slots=True)
class Seams:
    z_p: str
    """What the flow begins with: [1, channels, frames]."""
    mask: str
    """1 on every frame: [1, 1, frames]."""
    z: str
    """What the decoder begins with: [1, channels, frames]."""
    durations: str
    """Frames of every phoneme id: [1, 1, ids]."""
    speaker: str | None
    """The speaker's embedding, in voices of several."""


@dataclass(frozen=True)
class Parts:
    """The three graphs a voice falls into."""

    text: onnx.ModelProto
    """The voice's own inputs -> z_p, mask, durations and, of several speakers, speaker."""
    flow: onnx.ModelProto
    """z_p, mask (and speaker) -> z."""
    decoder: onnx.ModelProto
    """z (and speaker) -> samples."""


def durations_output(model: onnx.ModelProto) -> str:
    """Name of the tensor with the frames of every phoneme id: the only Ceil.

    Raises:
        CutError: there is no Ceil, or more than one.
    """
    ceils = [n.output[0] for n in model.graph.node if n.op_type == "Ceil"]
    if len(ceils) != 1:
        raise CutError(f"{len(ceils)} Ceil nodes, not 1")
    return ceils[0]


def find_seams(model: onnx.ModelProto) -> Seams:
    """Raises: CutError."""
    nodes = model.graph.node
    noise = [i for i, n in enumerate(nodes) if n.op_type == "RandomNormalLike"]
    if not noise:
        raise CutError("no RandomNormalLike")
    reached = set(nodes[noise[-1]].output)
    z_p = None
    for node in nodes[noise[-1] + 1 :]:
        if reached.isdisjoint(node.input):
            continue
        if node.op_type == "Add":
            z_p = node.output[0]
            break
        reached.update(node.output)
    z = _input_of(model, "dec.conv_pre.weight")
    if z_p is None or z is None:
        raise CutError("no Add after the noise, or no dec.conv_pre.weight")
    product = next((n for n in nodes if z in n.output), None)
    if product is None or product.op_type != "Mul":
        # (z * mask)[:, :, :max_len] is exported with its Slice by some torch versions
        product = next((n for n in nodes if product and product.input[0] in n.output), None)
    if product is None or product.op_type != "Mul":
        raise CutError("z is no product with a mask")
    return Seams(
        z_p=z_p,
        mask=product.input[1],
        z=z,
        durations=durations_output(model),
        speaker=_input_of(model, "dec.cond.weight"),
    )


def _input_of(model: onnx.ModelProto, weight: str) -> str | None:
    """The input of the Conv that has `weight`."""
    for n in model.graph.node:
        if n.op_type == "Conv" and n.input[1] == weight:
            return str(n.input[0])
    return None


def cut(model: onnx.ModelProto) -> Parts:
    """Cuts `model` at its seams. Changes `model`: seams become typed.

    Raises:
        CutError: a seam is missing.
    """
    seams = find_seams(model)
    speaker = [seams.speaker] if seams.speaker else []
    _declare(model, [seams.z_p, seams.mask, seams.z, seams.durations, *speaker])
    whole = [i.name for i in model.graph.input]
    extractor = Extractor(model)
    try:
        return Parts(
            text=extractor.extract_model(whole, [seams.z_p, seams.mask, seams.durations, *speaker]),
            flow=extractor.extract_model([seams.z_p, seams.mask, *speaker], [seams.z]),
            decoder=extractor.extract_model([seams.z, *speaker], [model.graph.output[0].name]),
        )
    except (ValueError, KeyError) as e:
        raise CutError(str(e)) from e


def _declare(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """Says of every tensor that it is float, of three dimensions: an extracted graph's inputs and
    outputs must be typed, and an export's inner tensors often are not."""
    infos = [i for i in model.graph.value_info if i.name not in names]
    del model.graph.value_info[:]
    model.graph.value_info.extend(infos)
    for name in names:
        model.graph.value_info.append(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, None, None])
        )
