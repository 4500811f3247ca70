"""The recogniser's tokens: pieces of the domain's words, then Whisper's own marks."""

import json
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
NEVER_IN_UTF_8 = (0xC0, 0xC1, 0xF5)
AFTER_SPACE = ("-", "'", "â")
"""what a dash, a quote and a note begin with, as byte-level pieces"""


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
    free_the_space(path)


def free_the_space(path: Path) -> None:
    """Gives " -", " '" and " ♩" pieces of their own, in the places of bytes that no text holds.

    faster-whisper never writes the first pieces of these (`Tokenizer.non_speech_tokens`). Where that is the bare space,
    every word that is spelled from it ("Yes": a space, then Yes) comes out wrong or not at all.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    model = data["model"]
    pieces = dict(zip(NEVER_IN_UTF_8, AFTER_SPACE, strict=True))
    characters = {v: k for k, v in _characters().items()}
    for byte, after in pieces.items():
        if f"Ġ{after}" not in model["vocab"]:
            model["vocab"][f"Ġ{after}"] = model["vocab"].pop(characters[byte])
            model["merges"].append(["Ġ", after])
    model["vocab"] = dict(sorted(model["vocab"].items(), key=lambda item: item[1]))
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")


def _characters() -> dict[str, int]:
    """The character of every byte, as byte-level pieces write it -> the byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}
