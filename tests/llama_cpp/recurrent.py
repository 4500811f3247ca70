"""A tiny model with recurrent state (Mamba) and random weights: it says nothing sensible, but its
sequences can't be cut back, as those of hybrid models can't."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

_WIDTH, _INNER, _STATE, _KERNEL, _RANK, _BLOCKS = 64, 128, 8, 4, 4, 2


def write(path: Path, vocabulary: Path) -> None:
    """Args: vocabulary: a GGUF whose tokens and chat template it takes."""
    reader = gguf.GGUFReader(vocabulary)
    writer = gguf.GGUFWriter(path, "mamba")
    for field in reader.fields.values():
        if field.name.startswith("tokenizer."):
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, inner)
    writer.add_name("Recurrent")
    writer.add_context_length(4096)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(_BLOCKS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_ssm_conv_kernel(_KERNEL)
    writer.add_ssm_inner_size(_INNER)
    writer.add_ssm_state_size(_STATE)
    writer.add_ssm_time_step_rank(_RANK)
    random = np.random.default_rng(7)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, random.standard_normal(shape).astype(np.float32) / 8)

    tokens = len(reader.fields["tokenizer.ggml.tokens"].data)
    add("token_embd.weight", tokens, _WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    for i in range(_BLOCKS):
        writer.add_tensor(f"blk.{i}.attn_norm.weight", np.ones(_WIDTH, np.float32))
        add(f"blk.{i}.ssm_in.weight", 2 * _INNER, _WIDTH)
        add(f"blk.{i}.ssm_conv1d.weight", _INNER, _KERNEL)
        add(f"blk.{i}.ssm_conv1d.bias", _INNER)
        add(f"blk.{i}.ssm_x.weight", _RANK + 2 * _STATE, _INNER)
        add(f"blk.{i}.ssm_dt.weight", _INNER, _RANK)
        add(f"blk.{i}.ssm_dt.bias", _INNER)
        decay = np.tile(np.arange(1, _STATE + 1, dtype=np.float32), (_INNER, 1))
        writer.add_tensor(f"blk.{i}.ssm_a", -decay / 8)
        add(f"blk.{i}.ssm_d", _INNER)
        add(f"blk.{i}.ssm_out.weight", _WIDTH, _INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
