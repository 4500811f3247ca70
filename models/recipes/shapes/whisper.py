"""A Whisper model of base.en's shape with random weights, for timing: python whisper.py [OUT_DIR]

An int8 CTranslate2 directory with the layers, widths and vocabulary size of the real one, so every
step costs the same. The decoder's positions are set so that it says one fixed sentence of usual
length, whatever it hears: pure noise would run into the token cap and be thrown away.
"""

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ctranslate2.specs import attention_spec, common_spec, transformer_spec, whisper_spec
from tokenizers import Tokenizer

LAYERS, WIDTH, HEADS, MELS = 6, 512, 8, 80
POSITIONS, LENGTH = 1500, 448
TEXT_TOKENS, TIMES = 50256, 1501
ALIGNMENT_HEADS = [(3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)]
SENTENCE = " What time is the meeting today?"
LOUD = 60.0
"""Weight of a position against everything the layers add: enough for a probability near 1."""
ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "weights" / "shapes" / "whisper-base-random"

Array = npt.NDArray[np.float32]


def specials() -> list[str]:
    """Whisper's own, in its order, after the text tokens."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    languages = sorted(_LANGUAGE_CODES, key=lambda x: (x != "en", x))
    languages.remove("yue")  # large-v3 alone
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    names = ["endoftext", "startoftranscript", *languages, *tasks]
    return [f"<|{n}|>" for n in names] + [f"<|{i * 0.02:.2f}|>" for i in range(TIMES)]


def tokenizer() -> dict[str, object]:
    """The starter's, its text tokens filled up to the true number."""
    path = ROOT / "starter" / "stt" / "tokenizer.json"
    made: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    model = made["model"]
    assert isinstance(model, dict)
    vocabulary = model["vocab"]
    for i in range(len(vocabulary), TEXT_TOKENS):
        vocabulary[f"<unused {i}>"] = i
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    made["added_tokens"] = [
        {"id": TEXT_TOKENS + i, "content": name, "special": True, **flags}
        for i, name in enumerate(specials())
    ]
    return made


def build(out: Path = DEFAULT, seed: int = 0) -> Path:
    """Writes the directory (75 MB) in a few seconds; returns its path."""
    rng = np.random.default_rng(seed)
    names = specials()
    made = tokenizer()
    words = Tokenizer.from_str(json.dumps(made))
    spec = whisper_spec.WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    fill_encoder(spec.encoder, rng)
    fill_decoder(spec.decoder, rng, len(words.get_vocab()), said(words))
    spec.register_vocabulary(sorted(words.get_vocab(), key=lambda t: words.token_to_id(t)))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [words.token_to_id("<|endoftext|>")]
    spec.config.lang_ids = [TEXT_TOKENS + i for i in range(2, names.index("<|translate|>"))]
    spec.config.alignment_heads = ALIGNMENT_HEADS
    spec.validate()
    spec.optimize(quantization="int8")
    out.mkdir(parents=True, exist_ok=True)
    spec.save(str(out))
    (out / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    return out


def said(words: Tokenizer) -> list[int]:
    """The token that each position of the decoder brings forth; the end token ever after."""
    tokens = [words.token_to_id("<|notimestamps|>")]
    tokens += words.encode(SENTENCE, add_special_tokens=False).ids
    return tokens + [words.token_to_id("<|endoftext|>")] * (LENGTH - len(tokens))


def normal(rng: np.random.Generator, *shape: int, scale: float = 0.02) -> Array:
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


def fill_encoder(spec: whisper_spec.WhisperEncoderSpec, rng: np.random.Generator) -> None:
    spec.conv1.weight, spec.conv1.bias = normal(rng, WIDTH, MELS, 3), normal(rng, WIDTH)
    spec.conv2.weight, spec.conv2.bias = normal(rng, WIDTH, WIDTH, 3), normal(rng, WIDTH)
    spec.position_encodings.encodings = normal(rng, POSITIONS, WIDTH)
    fill_norm(spec.layer_norm)
    for layer in spec.layer:
        fill_attention(layer.self_attention, rng, [3 * WIDTH, WIDTH])
        fill_ffn(layer.ffn, rng)


def fill_decoder(
    spec: transformer_spec.TransformerDecoderSpec,
    rng: np.random.Generator,
    vocabulary: int,
    said: list[int],
) -> None:
    embeddings = normal(rng, vocabulary, WIDTH, scale=WIDTH**-0.5)
    spec.embeddings.weight = embeddings
    spec.projection.weight = embeddings
    spec.position_encodings.encodings = LOUD * embeddings[said]
    spec.scale_embeddings = np.float32(1.0)
    fill_norm(spec.layer_norm)
    for layer in spec.layer:
        fill_attention(layer.self_attention, rng, [3 * WIDTH, WIDTH])
        fill_attention(layer.attention, rng, [WIDTH, 2 * WIDTH, WIDTH])
        fill_ffn(layer.ffn, rng)


def fill_attention(
    spec: attention_spec.MultiHeadAttentionSpec, rng: np.random.Generator, rows: list[int]
) -> None:
    fill_norm(spec.layer_norm)
    for linear, n in zip(spec.linear, rows, strict=True):
        linear.weight, linear.bias = normal(rng, n, WIDTH), normal(rng, n)


def fill_ffn(spec: transformer_spec.FeedForwardSpec, rng: np.random.Generator) -> None:
    fill_norm(spec.layer_norm)
    for linear, shape in ((spec.linear_0, (4 * WIDTH, WIDTH)), (spec.linear_1, (WIDTH, 4 * WIDTH))):
        linear.weight, linear.bias = normal(rng, *shape), normal(rng, shape[0])


def fill_norm(spec: common_spec.LayerNormSpec) -> None:
    spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


if __name__ == "__main__":
    print(build(*map(Path, sys.argv[1:2])))
