"""Chooses the next token from logits, inside a grammar when there is one.

Knows nothing of text: a grammar is a GBNF string here, and why a token is forbidden is the
caller's affair. Not thread-safe: one sampler per request, used by the thread that owns the context.
"""

from __future__ import annotations

import ctypes
import secrets
import weakref
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from .model import Model
from .native import lib

_GREEDY_TRIES = 32
_FORBIDDEN = np.float32(-np.inf)
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

Logits = npt.NDArray[np.float32]


class Grammar:
    """A position in a GBNF grammar.

    Raises:
        ValueError: llama.cpp doesn't accept the grammar.
    """

    def __init__(self, model: Model, gbnf: str) -> None:
        self._model = model
        self._handle: Any = lib.llama_sampler_init_grammar(model.vocab, gbnf.encode(), b"root")
        if not self._handle:
            raise ValueError("not a grammar that llama.cpp can parse")
        self._free = weakref.finalize(self, lib.llama_sampler_free, self._handle)
        self._one = np.zeros(1, _CANDIDATE)

    def allows(self, token: int) -> bool:
        """Whether the token may come next: 0.02 ms, against 10 ms for the whole vocabulary."""
        self._one[0] = (token, 0.0, 0.0)
        self.mask(self._one)
        return bool(self._one["logit"][0] != _FORBIDDEN)

    def mask(self, candidates: npt.NDArray[Any]) -> None:
        """Sets the logit of every forbidden candidate to -inf, in place."""
        array = _token_array(candidates)
        lib.llama_sampler_apply(self._handle, ctypes.byref(array))

    def accept(self, token: int) -> None:
        """Moves on by a token that `allows` agreed to.

        Any other token would be a C++ exception that ends the process, hence the check.
        """
        if not self.allows(token):
            raise ValueError(f"token {token} is outside the grammar")
        lib.llama_sampler_accept(self._handle, token)

    def close(self) -> None:
        """Frees the grammar now, not when it is collected. Idempotent."""
        self._free()


class Sampler:
    """Temperature 0 is greedy: the largest logit, the first of equals, as llama.cpp does."""

    def __init__(
        self,
        model: Model,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
        min_p: float,
        seed: int | None,
    ) -> None:
        self._chain: Any = None
        if temperature <= 0:
            return
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        # a request may be cancelled before anybody owns its sampler
        self._free = weakref.finalize(self, lib.llama_sampler_free, self._chain)
        # top_k first: the rest then works on 40 candidates. Without it top_p sorts the whole
        # vocabulary, 12 ms a token instead of 0.13 (152k tokens).
        stages = [lib.llama_sampler_init_top_k(top_k if top_k > 0 else 1000)]
        if top_p < 1:
            stages.append(lib.llama_sampler_init_top_p(top_p, 1))
        if min_p > 0:
            stages.append(lib.llama_sampler_init_min_p(min_p, 1))
        stages.append(lib.llama_sampler_init_temp(temperature))
        if seed is None:
            seed = secrets.randbits(32)
        stages.append(lib.llama_sampler_init_dist(seed & 0xFFFFFFFF))
        for stage in stages:
            lib.llama_sampler_chain_add(self._chain, stage)

    def sample(
        self, logits: Logits, *, grammar: Grammar | None = None, without: Collection[int] = ()
    ) -> int:
        """The next token.

        Args:
            logits: float32 [vocabulary]; not changed.
            grammar: Only tokens that it allows; it isn't moved on.
            without: Tokens that must not be chosen.

        Raises:
            ValueError: No token is allowed.
        """
        if without:
            logits = logits.copy()
            logits[list(without)] = _FORBIDDEN
        token = self._choose(logits)
        if grammar is None or grammar.allows(token):
            return token
        return self._choose_inside(logits, grammar)

    def _choose(self, logits: Logits) -> int:
        if self._chain is None:
            return int(logits.argmax())
        return self._run_chain(_candidates(logits))

    def _choose_inside(self, logits: Logits, grammar: Grammar) -> int:
        """The first choice was outside the grammar: choose again among what it allows."""
        if self._chain is None:
            tries = min(_GREEDY_TRIES, len(logits))
            best = np.argpartition(logits, -tries)[-tries:]
            for token in best[np.argsort(-logits[best], kind="stable")]:
                if grammar.allows(int(token)):
                    return int(token)
        candidates = _candidates(logits)
        grammar.mask(candidates)
        if not np.isfinite(candidates["logit"]).any():
            raise ValueError("the grammar allows no token")
        if self._chain is None:
            return int(candidates["logit"].argmax())
        return self._run_chain(candidates)

    def _run_chain(self, candidates: npt.NDArray[Any]) -> int:
        array = _token_array(candidates)
        lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def close(self) -> None:
        """Frees the sampler now, not when it is collected. Idempotent."""
        if self._chain is not None:
            self._free()


def _candidates(logits: Logits) -> npt.NDArray[Any]:
    candidates = np.zeros(len(logits), _CANDIDATE)
    candidates["id"] = np.arange(len(logits), dtype=np.int32)
    candidates["logit"] = logits
    return candidates


def _token_array(candidates: npt.NDArray[Any]) -> Any:
    pointer = candidates.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
    return lib.llama_token_data_array(data=pointer, size=len(candidates), selected=-1, sorted=False)
