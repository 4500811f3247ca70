"""The recogniser's tokens: pieces of the domain's words, then Whisper's own marks."""

import random
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import texts

PIECES = 1000
MARKS = [
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>",
    "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
    *(f"<|{n / 50:.2f}|>" for n in range(1501)),
]  # fmt: skip


def make(path: Path, sentences: int = 20_000) -> None:
    """Learns the pieces from the training texts and writes `tokenizer.json`."""
    random.seed(1)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((" " + texts.text()[0] for _ in range(sentences)), trainer)
    tokenizer.add_special_tokens([AddedToken(m, special=True) for m in MARKS])
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
