"""The KV cache: one llama.cpp context shared by many sequences.

A thin owner of the native calls. Not thread-safe, except `abort`: one thread owns a context.
Knows nothing of requests, prompts or text.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import native
from .errors import ModelError
from .model import Model
from .native import lib

OK, NO_SLOT, ABORTED = 0, 1, 2


class Row(NamedTuple):
    """One token of a batch."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


class Context:
    """One context with a unified KV cache.

    Args:
        model: The weights.
        cells: KV cells, shared by all sequences.
        sequences: How many sequences may hold cells at once, at most 256.
        threads: CPU threads of one evaluation.
        batch_tokens: Most tokens of one `decode`.

    Raises:
        ModelError: There isn't enough memory for it.
    """

    def __init__(
        self, model: Model, *, cells: int, sequences: int, threads: int, batch_tokens: int
    ) -> None:
        self._model = model
        self.batch_tokens = batch_tokens
        params = lib.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = batch_tokens
        params.n_ubatch = batch_tokens
        params.n_seq_max = sequences
        params.n_threads = threads
        params.n_threads_batch = threads
        # Copying a prefix between sequences is metadata only in one unified buffer; in split mode
        # a partial copy is an assertion that ends the process.
        params.kv_unified = True
        if not model.on_gpu:
            # On a CPU flash attention pays from 64 query rows on and costs below: 8 tokens behind
            # 512 took 13.8 ms with it and 1.4 without (starter), 260 and 182 (Qwen3-0.6B shape).
            # A turn's suffix and a single token are what has to be quick here.
            params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.no_perf = True
        self.layout = (cells, params.type_k, params.type_v, params.flash_attn_type)
        """What decides the numbers in the cells, and how `save` writes them."""
        # strlen as the callback and a two-byte string as its data: asking takes neither Python
        # nor the interpreter lock, and "" reads as false, "\1" as true.
        self._flag = ctypes.create_string_buffer(2)
        libc = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        self._strlen = ctypes.cast(libc.strlen, lib.ggml_abort_callback)
        params.abort_callback = self._strlen
        params.abort_callback_data = ctypes.cast(self._flag, ctypes.c_void_p)
        native.forget_errors()
        self._handle: Any = lib.llama_init_from_model(model.handle, params)
        if not self._handle:
            raise ModelError(
                f"{model.path}: no context of {cells} tokens ({native.last_error()}), "
                "expected enough memory for it"
            )
        self.cells = int(lib.llama_n_ctx(self._handle))
        self._memory: Any = lib.llama_get_memory(self._handle)
        self._batch = lib.llama_batch_init(batch_tokens, 0, 1)

    def decode(self, rows: Sequence[Row]) -> int:
        """Evaluates the rows; at most `batch_tokens` of them.

        Returns:
            llama_decode's code: OK, NO_SLOT (nothing happened), ABORTED or negative (ask `length`
            how far each sequence got).
        """
        # One row too many is an assertion that ends the process, so check it here.
        if not 0 < len(rows) <= self.batch_tokens:
            raise ValueError(f"{len(rows)} rows, expected 1 to {self.batch_tokens}")
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i] = row.token
            batch.pos[i] = row.position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = row.sequence
            batch.logits[i] = row.wants_logits
        code = int(lib.llama_decode(self._handle, batch))
        if code == OK:
            lib.llama_synchronize(self._handle)
        return code

    def abort(self) -> None:
        """Makes a running `decode` return ABORTED soon. Callable from any thread."""
        self._flag[0] = b"\1"

    def clear_abort(self) -> None:
        self._flag[0] = b"\0"

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """The logits of a row of the last `decode`: a view, float32 [vocabulary]."""
        pointer = lib.llama_get_logits_ith(self._handle, row)
        return np.ctypeslib.as_array(pointer, (self._model.vocab_size,))

    @property
    def handle(self) -> Any:
        return self._handle

    def length(self, sequence: int) -> int:
        """Positions that the sequence holds."""
        return int(lib.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def cut(self, sequence: int, length: int) -> bool:
        """Drops everything from position `length` on; False if the model can't do that."""
        return bool(lib.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def drop(self, sequence: int) -> None:
        lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def copy(self, source: int, target: int, length: int) -> None:
        """Lets `target`, which must be empty, share the first `length` positions of `source`."""
        lib.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def save(self, sequence: int) -> bytes:
        """The sequence's cells as bytes for `load`."""
        size = lib.llama_state_seq_get_size(self._handle, sequence)
        buffer = (ctypes.c_uint8 * size)()
        written = lib.llama_state_seq_get_data(self._handle, buffer, size, sequence)
        return bytes(memoryview(buffer)[:written])

    def load(self, sequence: int, state: bytes) -> bool:
        """Puts saved cells into an empty sequence; False if there is no room, or they don't fit."""
        data = ctypes.cast(ctypes.c_char_p(state), ctypes.POINTER(ctypes.c_uint8))  # no copy
        taken = lib.llama_state_seq_set_data(self._handle, data, len(state), sequence)
        return int(taken) == len(state)

    def state_bytes(self, sequence: int) -> int:
        return int(lib.llama_state_seq_get_size(self._handle, sequence))

    def close(self) -> None:
        """Frees the cache. Idempotent."""
        handle, self._handle = self._handle, None
        if handle:
            lib.llama_batch_free(self._batch)
            lib.llama_free(handle)
