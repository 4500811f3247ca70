"""A GGUF of Qwen3-0.6B's shape with random weights, for timing: python qwen3.py [OUT.gguf]

Same layers, widths, vocabulary size, tensor types and chat format as the real Q4_K_M file, so an
evaluation costs the same; what it says is noise. Made from nothing but this file: the vocabulary
is 256 bytes and then groups of two to four letters: about two letters a token.
"""

import itertools
import string
import sys
import time
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

LAYERS, WIDTH, HIDDEN = 28, 1024, 3072
HEADS, KV_HEADS, HEAD_WIDTH = 16, 8, 128
VOCABULARY, CONTEXT = 151936, 40960
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKERS = [
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
]
DEFAULT = Path(__file__).parents[2] / "weights" / "shapes" / "qwen3-0.6b-random.gguf"

TEMPLATE = r"""{%- if tools %}{{- '<|im_start|>system\n' }}{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}{{- '# Tools\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>' }}{%- for tool in tools %}{{- '\n' + (tool | tojson) }}{%- endfor %}{{- '\n</tools>\n\nReturn each call as {"name": <function-name>, "arguments": <args-json-object>} within <tool_call></tool_call>.<|im_end|>\n' }}{%- elif messages[0].role == 'system' %}{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{%- endif %}{%- for message in messages %}{%- if message.role == 'user' or (message.role == 'assistant' and not message.tool_calls) or (message.role == 'system' and not loop.first) %}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{%- elif message.role == 'assistant' %}{{- '<|im_start|>assistant' }}{%- for call in message.tool_calls %}{{- '\n<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\n' }}{%- elif message.role == 'tool' %}{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""


def byte_letters() -> list[str]:
    """GPT-2's printable stand-ins of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = itertools.count(256)
    return [chr(b) if b in plain else chr(next(spare)) for b in range(256)]


def vocabulary() -> tuple[list[str], list[str]]:
    """(tokens, merges): each token beyond the bytes is one merge of two earlier ones."""
    tokens = byte_letters()
    space = tokens[ord(" ")]
    size = VOCABULARY - len(SPECIAL) - len(MARKERS)
    merges = []

    def merge(a: str, b: str) -> None:
        if len(tokens) < size:
            tokens.append(a + b)
            merges.append(f"{a} {b}")

    pairs = [a + b for a in string.ascii_lowercase for b in string.ascii_lowercase]
    for a, b in pairs:
        merge(a, b)
    for pair in pairs:
        merge(space, pair)
    for a, pair in itertools.product(string.ascii_uppercase, pairs):
        merge(a, pair)
    for a, b in itertools.product(pairs, pairs):  # as many as there is room for
        merge(a, b)
    return tokens, merges


def blocks(rng: np.random.Generator, kind: str, rows: int, width: int) -> npt.NDArray[np.uint8]:
    """Random quantised weights of about N(0, 0.02): uint8 [rows, bytes per row]."""
    count = rows * width // 256

    def half(value: float) -> npt.NDArray[np.uint8]:
        return np.broadcast_to(np.array([value], np.float16).view(np.uint8), (count, 2))

    if kind == "Q4_K":  # d, dmin, 6-bit scales and minima, 4-bit weights
        parts = [half(1.4e-4), half(1.1e-3), rng.integers(0, 256, (count, 140), np.uint8)]
    else:  # Q6_K: low 4 bits, high 2 bits, int8 scales, d
        scales = rng.integers(-8, 8, (count, 16), np.int8).view(np.uint8)
        parts = [rng.integers(0, 256, (count, 192), np.uint8), scales, half(2.2e-4)]
    return np.concatenate(parts, axis=1).reshape(rows, -1)


def build(out: Path = DEFAULT, seed: int = 0) -> Path:
    """Writes the file (400 MB) and returns its path."""
    rng = np.random.default_rng(seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    w = gguf.GGUFWriter(part, "qwen3")
    w.add_name("qwen3-0.6b-random")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(WIDTH)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(HIDDEN)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV_HEADS)
    w.add_key_length(HEAD_WIDTH)
    w.add_value_length(HEAD_WIDTH)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(1e6)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    tokens, merges = vocabulary()
    kinds = [gguf.TokenType.NORMAL] * len(tokens)
    kinds += [gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.USER_DEFINED] * len(MARKERS)
    tokens += SPECIAL + MARKERS
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list(tokens)
    w.add_token_types(kinds)
    w.add_token_merges(merges)
    w.add_eos_token_id(tokens.index("<|im_end|>"))
    w.add_bos_token_id(tokens.index("<|endoftext|>"))
    w.add_add_bos_token(False)
    w.add_chat_template(TEMPLATE)

    def matrix(name: str, kind: str, rows: int, width: int) -> None:
        raw = gguf.GGMLQuantizationType[kind]
        w.add_tensor(f"{name}.weight", blocks(rng, kind, rows, width), raw_dtype=raw)

    def norm(name: str, width: int) -> None:
        w.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    matrix("token_embd", "Q6_K", VOCABULARY, WIDTH)
    norm("output_norm", WIDTH)
    for i in range(LAYERS):
        b = f"blk.{i}"
        # Q4_K_M keeps every other value and down projection at six bits
        fine = "Q6_K" if i % 2 == 0 else "Q4_K"
        norm(f"{b}.attn_norm", WIDTH)
        norm(f"{b}.ffn_norm", WIDTH)
        norm(f"{b}.attn_q_norm", HEAD_WIDTH)
        norm(f"{b}.attn_k_norm", HEAD_WIDTH)
        matrix(f"{b}.attn_q", "Q4_K", HEADS * HEAD_WIDTH, WIDTH)
        matrix(f"{b}.attn_k", "Q4_K", KV_HEADS * HEAD_WIDTH, WIDTH)
        matrix(f"{b}.attn_v", fine, KV_HEADS * HEAD_WIDTH, WIDTH)
        matrix(f"{b}.attn_output", "Q4_K", WIDTH, HEADS * HEAD_WIDTH)
        matrix(f"{b}.ffn_gate", "Q4_K", HIDDEN, WIDTH)
        matrix(f"{b}.ffn_up", "Q4_K", HIDDEN, WIDTH)
        matrix(f"{b}.ffn_down", fine, WIDTH, HIDDEN)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    part.rename(out)
    return out


if __name__ == "__main__":
    started = time.monotonic()
    path = build(*map(Path, sys.argv[1:2]))
    print(f"{path}: {path.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started:.0f} s")
