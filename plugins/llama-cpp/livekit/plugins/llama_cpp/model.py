"""One GGUF in memory: its weights, its vocabulary and its chat template.

Knows nothing of contexts, sequences or requests. Everything here is read-only after loading and
may be used from any thread.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from . import native, variants
from .errors import ChatTemplateError, ModelError
from .native import lib

_GGUF_MAGIC = b"GGUF"
_CONTROL = 8  # LLAMA_TOKEN_ATTR_CONTROL


@dataclass(frozen=True, slots=True)
class Special:
    """The vocabulary's markers as text; empty where it has none."""

    bos: str
    eos: str
    add_bos: bool


class Model:
    """A loaded GGUF.

    Args:
        path: The file.
        gpu_layers: Layers to put on a GPU; None = all of them when llama.cpp was built with GPU
            support, else none.
        vocab_only: Leave the weights where they are: to look at a file, not to use it.

    Raises:
        ModelError: The file is missing, isn't a GGUF or can't be loaded.
        ChatTemplateError: It has no chat template.
    """

    def __init__(
        self, path: str | Path, *, gpu_layers: int | None = None, vocab_only: bool = False
    ) -> None:
        self.path = Path(path)
        check_file(self.path)
        native.start()
        if not vocab_only:
            variants.load()
        native.forget_errors()
        params = lib.llama_model_default_params()
        if gpu_layers is None:
            gpu_layers = -1 if lib.llama_supports_gpu_offload() else 0
        params.n_gpu_layers = gpu_layers
        params.vocab_only = vocab_only
        self.gpu_layers = gpu_layers
        self.on_gpu = bool(gpu_layers) and bool(lib.llama_supports_gpu_offload())
        self._handle: Any = lib.llama_model_load_from_file(str(self.path).encode(), params)
        if not self._handle:
            raise ModelError(f"{self.path}: not a usable GGUF model ({native.last_error()})")
        self._vocab: Any = lib.llama_model_get_vocab(self._handle)
        self._pieces: dict[int, bytes] = {}
        template = lib.llama_model_chat_template(self._handle, None)
        if not template:
            self.close()
            raise ChatTemplateError(
                f"{self.path}: has no chat template, expected tokenizer.chat_template in the GGUF"
            )
        self.chat_template: str = template.decode("utf-8", "replace")
        if not lib.llama_model_has_decoder(self._handle):
            self.close()
            raise ModelError(f"{self.path}: has no decoder, expected a text generation model")

    @property
    def handle(self) -> Any:
        return self._handle

    @cached_property
    def name(self) -> str:
        return self._meta("general.name") or self.path.stem

    @cached_property
    def vocab_size(self) -> int:
        return int(lib.llama_vocab_n_tokens(self._vocab))

    @property
    def vocab(self) -> Any:
        return self._vocab

    @cached_property
    def trained_context(self) -> int:
        return int(lib.llama_model_n_ctx_train(self._handle))

    @cached_property
    def rewindable(self) -> bool:
        """Whether a sequence can be cut back to any length: not for recurrent state."""
        return not (
            lib.llama_model_is_recurrent(self._handle) or lib.llama_model_is_hybrid(self._handle)
        )

    @cached_property
    def special(self) -> Special:
        bos, eos = lib.llama_vocab_bos(self._vocab), lib.llama_vocab_eos(self._vocab)
        return Special(
            bos=self._text(bos),
            eos=self._text(eos),
            add_bos=lib.llama_vocab_get_add_bos(self._vocab),
        )

    @cached_property
    def control_text(self) -> re.Pattern[str] | None:
        """Matches what would become a control token if a message contained it."""
        texts = [
            self._text(token)
            for token in range(self.vocab_size)
            if lib.llama_vocab_get_attr(self._vocab, token) & _CONTROL
        ]
        alternatives = sorted({re.escape(t) for t in texts if len(t) > 1}, key=len, reverse=True)
        return re.compile("|".join(alternatives)) if alternatives else None

    def is_end(self, token: int) -> bool:
        """Whether the token ends a reply."""
        return bool(lib.llama_vocab_is_eog(self._vocab, token))

    def tokenize(self, text: str, *, add_special: bool = False) -> list[int]:
        """Text, with markers read as markers, to token ids."""
        data = text.encode("utf-8", "replace")
        size = len(data) + 2
        buffer = (lib.llama_token * size)()
        count = lib.llama_tokenize(self._vocab, data, len(data), buffer, size, add_special, True)
        if count < 0:  # more tokens than bytes: never seen, but the C API allows it
            buffer = (lib.llama_token * -count)()
            count = lib.llama_tokenize(
                self._vocab, data, len(data), buffer, -count, add_special, True
            )
        return buffer[:count]

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for, markers included."""
        piece = self._pieces.get(token)
        if piece is None:
            buffer = ctypes.create_string_buffer(64)
            size = lib.llama_token_to_piece(self._vocab, token, buffer, 64, 0, True)
            if size < 0:
                buffer = ctypes.create_string_buffer(-size)
                size = lib.llama_token_to_piece(self._vocab, token, buffer, -size, 0, True)
            piece = self._pieces[token] = buffer.raw[:size]
        return piece

    def ends_sentence(self, token: int) -> bool:
        """Whether the token is, or ends with, what ends a sentence."""
        return self.piece(token).rstrip().endswith((b".", b"!", b"?"))

    def close(self) -> None:
        """Frees the weights. No context of this model may be in use any more. Idempotent."""
        handle, self._handle = self._handle, None
        if handle:
            lib.llama_model_free(handle)

    def _text(self, token: int) -> str:
        return self.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    def _meta(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(256)
        size = lib.llama_model_meta_val_str(self._handle, key.encode(), buffer, 256)
        return buffer.value.decode("utf-8", "replace") if size > 0 else ""


def check_file(path: Path) -> None:
    """Looks at a file before llama.cpp does.

    Raises:
        ModelError: It can't be read, or isn't a GGUF.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as e:
        reason = "is a directory" if isinstance(e, IsADirectoryError) else e.strerror
        raise ModelError(f"{path}: {reason}, expected a GGUF file") from e
    if magic != _GGUF_MAGIC:
        raise ModelError(f"{path}: not a GGUF file (it begins with {magic!r})")
