"""The language model's tokens: byte pairs with Qwen2's pre-tokeniser (llama.cpp knows it), single digits."""

import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import dialogue, template

PIECES = 1024
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]


def around(model: models.BPE) -> Tokenizer:
    """Without the marks, which come after the pieces."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def add_marks(tokenizer: Tokenizer) -> None:
    tokenizer.add_special_tokens([AddedToken(m, special=True) for m in CONTROL + MARKS])


def make(path: Path, dialogues: int = 4000) -> None:
    """Learns the pieces from training dialogues and writes `tokenizer.json`."""
    random.seed(1)
    tokenizer = around(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )

    def texts() -> list[str]:
        prompt, tools, messages = dialogue.conversation()
        return [template.system(prompt, tools), *(t for t, _ in template.pieces(messages))]

    tokenizer.train_from_iterator((t for _ in range(dialogues) for t in texts()), trainer)
    add_marks(tokenizer)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
