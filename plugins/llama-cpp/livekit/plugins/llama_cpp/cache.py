"""Which tokens are in the KV cache, in which sequence, and what goes when room is needed.

Conversations keep their KV between turns and are found again by longest common prefix. What is
evicted goes to a pool of saved states bounded in bytes. The heads of prompts are pinned, and kept
on disk where there is a store for them. Owned by one thread, like the context.
Knows nothing of requests, text or time budgets.
"""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from .context import Context
from .heads import Head, HeadStore
from .log import logger
from .prompt import common_prefix

_PINS = 4
_PINNED_SHARE = 0.75  # of the cells, at most
_WORTH_PINNING = 16  # tokens; below, evaluating is as quick as copying
_WORTH_SAVING = 32
_WORTH_KEEPING = 64  # on disk, where others' heads would have to go for it
_SMALL_LOSS = 8


@dataclass(slots=True, eq=False)
class Sequence:
    """One sequence id and what its cells hold."""

    id: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    """An identity per token: sequences that share a cell have the same number there."""
    head: int = 0
    halt: int = 0
    """An evaluation ends at this length: the state there is to be kept, and is gone further on."""
    conversation: str | None = None
    busy: bool = False
    pinned: bool = False
    draft: bool = False
    """Only warmed, never replied from: nobody's conversation yet."""
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Saved:
    tokens: list[int]
    head: int
    conversation: str | None
    state: bytes


class KvCache:
    """The sequences of one context.

    Args:
        context: Whose cells these are.
        sequences: How many sequence ids it has.
        rewindable: Whether a sequence can be cut back and shared in part.
        pool_bytes: Room for saved states of evicted conversations.
        heads: Where the heads of prompts are kept for other processes; None = nowhere.
    """

    def __init__(
        self,
        context: Context,
        *,
        sequences: int,
        rewindable: bool,
        pool_bytes: int,
        heads: HeadStore | None = None,
    ) -> None:
        self._context = context
        self._rewindable = rewindable
        self._heads = heads
        self._pool_bytes = pool_bytes
        self._free = list(range(sequences - 1, -1, -1))
        self._sequences: list[Sequence] = []
        self._pool: OrderedDict[int, _Saved] = OrderedDict()
        self._numbers = itertools.count()
        self._pool_used = 0

    def acquire(
        self,
        tokens: list[int],
        head: int,
        conversation: str | None,
        *,
        usable: int,
        reserve: int,
        must: bool,
    ) -> Sequence | None:
        """A busy sequence that holds as much of the prompt as is known.

        Args:
            tokens: The prompt.
            head: How much of it is system prompt and tools.
            conversation: Its name, if it has one.
            usable: Most tokens of it that the sequence may hold already.
            reserve: Cells to be kept free for what busy sequences, this one included, will add.
            must: Evict even what this prompt could have shared.

        Returns:
            None if there isn't room now.
        """
        best, shared = self._best(tokens, usable)
        saved_key, saved_shared = self._best_saved(tokens, usable)
        if saved_key is not None and saved_shared > shared + _WORTH_SAVING:
            restored = self._restore(saved_key, reserve)
            if restored is not None:
                best, shared = restored, saved_shared
        if (kept := self._best_kept(tokens[:usable], shared)) is not None:
            restored = self._restore_kept(kept, reserve)
            if restored is not None:
                best, shared = restored, min(common_prefix(kept.tokens, tokens), usable)
        # Taking over costs no cells; a copy's own cells come from its first new token on.
        takes = best is not None and self._may_take(best, shared, head, conversation)
        if best is not None and takes:
            self.cut(best, shared)
            shared = len(best.tokens)
        if not self.make_room(len(tokens) - shared + reserve, keep=best):
            if not must:
                return None
            best, shared, takes = None, 0, False
            if not self.make_room(len(tokens) + reserve, keep=None):
                return None
        if best is not None and takes:
            sequence = best
        else:
            fresh = self._new(keep=best)
            if fresh is None:
                return None
            sequence = fresh
            if best is not None and shared:
                self._context.copy(best.id, sequence.id, shared)
                sequence.tokens = best.tokens[:shared]
                sequence.cells = best.cells[:shared]
        sequence.busy, sequence.draft = True, False
        sequence.head, sequence.conversation = head, conversation
        sequence.halt = 0 if self._rewindable or self._heads is None else head
        return sequence

    def release(self, sequence: Sequence) -> None:
        """The request is over; its cells stay for the next turn."""
        sequence.busy = False
        sequence.used_at = time.monotonic()
        if not sequence.tokens:
            self._forget(sequence)

    def extend(self, sequence: Sequence, tokens: list[int]) -> None:
        """Notes tokens that were evaluated."""
        sequence.tokens += tokens
        sequence.cells += itertools.islice(self._numbers, len(tokens))

    def cut(self, sequence: Sequence, length: int) -> None:
        """Drops what the sequence holds from `length` on; all of it if the model can't rewind."""
        if length >= len(sequence.tokens):
            return
        if not self._context.cut(sequence.id, length):
            self._context.drop(sequence.id)
            length = 0
        del sequence.tokens[length:], sequence.cells[length:]

    def drop(self, sequence: Sequence) -> None:
        """Forgets the sequence's contents, after an error made them doubtful."""
        self._context.drop(sequence.id)
        sequence.tokens, sequence.cells = [], []

    def pin(self, sequence: Sequence) -> None:
        """Keeps the system prompt and tools of a sequence, for the conversations to come."""
        head = sequence.tokens[: sequence.head]
        if len(head) < _WORTH_PINNING or len(head) < sequence.head:
            return
        if not self._rewindable:  # nothing but the very state at the head's end is of use
            if len(sequence.tokens) == len(head):
                self._keep(sequence)
            return
        for pin in self._sequences:
            # what follows the head may have merged with its last token
            if pin.pinned and common_prefix(pin.tokens, head) >= len(head) - _SMALL_LOSS:
                pin.used_at = time.monotonic()
                return
        if not self._free:
            return
        pin = Sequence(self._free.pop(), pinned=True, used_at=time.monotonic())
        self._context.copy(sequence.id, pin.id, len(head))
        pin.tokens, pin.cells, pin.head = head, sequence.cells[: len(head)], len(head)
        self._sequences.append(pin)
        self._bound_pins()
        self._keep(pin)

    def make_room(self, wanted: int, *, keep: Sequence | None = None) -> bool:
        """Evicts idle sequences, least recently used first and pins last, until `wanted` cells
        are free. False if that isn't possible."""
        while self._context.cells - self.used_cells() < wanted:
            if not self.evict_one(keep=keep):
                return False
        return True

    def evict_one(self, *, keep: Sequence | None = None) -> bool:
        """Evicts the idle sequence that was unused the longest; False if there is none."""
        idle = [s for s in self._sequences if not s.busy and s is not keep]
        if not idle:
            return False
        self._evict(min(idle, key=lambda s: (s.pinned, s.used_at)))
        return True

    def used_cells(self) -> int:
        total = sum(len(s.cells) for s in self._sequences)
        if total * 2 <= self._context.cells:
            return total  # an upper bound is enough while there is plenty
        return len(set().union(*(s.cells for s in self._sequences)))

    def _bound_pins(self) -> None:
        """Forgets the pins that were unused the longest: calls need the cells more."""
        pins = sorted((s for s in self._sequences if s.pinned), key=lambda s: s.used_at)
        cells = sum(len(s.cells) for s in pins)
        for pin in pins[:-1]:
            if len(pins) <= _PINS and cells <= self._context.cells * _PINNED_SHARE:
                return
            cells -= len(pin.cells)
            pins = pins[1:]
            self._forget(pin)

    def _keep(self, sequence: Sequence) -> None:
        """Puts the head that a sequence holds, and nothing else, on disk."""
        if self._heads is None or len(sequence.tokens) < _WORTH_KEEPING:
            return
        known = len(sequence.tokens) - (_SMALL_LOSS if self._rewindable else 0) - 1
        if self._heads.find(sequence.tokens, beyond=known, whole=not self._rewindable) is None:
            self._heads.save(sequence.tokens, self._context.save(sequence.id))

    def _best_kept(self, tokens: list[int], shared: int) -> Head | None:
        if self._heads is None:
            return None
        beyond = shared + _WORTH_SAVING
        return self._heads.find(tokens, beyond=beyond, whole=not self._rewindable)

    def _restore_kept(self, head: Head, reserve: int) -> Sequence | None:
        """Brings a head from the disk into the cells."""
        if self._heads is None or (state := self._heads.load(head)) is None:
            return None
        if not self.make_room(len(head.tokens) + reserve):
            return None
        sequence = self._new(keep=None)
        if sequence is None:
            return None
        fits = self._context.load(sequence.id, state)
        if not fits or self._context.length(sequence.id) != len(head.tokens):
            self._forget(sequence)
            self._heads.forget(head, "llama.cpp can't read it")
            return None
        self.extend(sequence, head.tokens)
        sequence.head, sequence.used_at = len(head.tokens), time.monotonic()
        sequence.pinned, sequence.draft = self._rewindable, not self._rewindable
        self._bound_pins()
        return sequence

    def _best(self, tokens: list[int], usable: int) -> tuple[Sequence | None, int]:
        best, shared, rank = None, 0, (0, False, 0.0)
        for sequence in self._sequences:
            length = min(common_prefix(sequence.tokens, tokens), usable)
            if not self._rewindable and (sequence.busy or length < len(sequence.tokens)):
                continue
            if (length, not sequence.busy, sequence.used_at) > rank and length:
                best, shared = sequence, length
                rank = (length, not sequence.busy, sequence.used_at)
        return best, shared

    def _best_saved(self, tokens: list[int], usable: int) -> tuple[int | None, int]:
        best, shared = None, 0
        for key, saved in self._pool.items():
            length = min(common_prefix(saved.tokens, tokens), usable)
            if not self._rewindable and length < len(saved.tokens):
                continue
            if length > shared:
                best, shared = key, length
        return best, shared

    def _may_take(
        self, sequence: Sequence, shared: int, head: int, conversation: str | None
    ) -> bool:
        """Whether the prompt may go on in this sequence, or has to leave it to its conversation.

        A wrong guess costs time, never correctness.
        """
        if sequence.busy or sequence.pinned:
            return False
        if conversation is not None and sequence.conversation is not None:
            return conversation == sequence.conversation
        lost = len(sequence.tokens) - shared
        if lost == 0 or not self._rewindable:
            return True
        if shared <= head:
            return False
        return sequence.draft or lost <= max(shared - head, _SMALL_LOSS)

    def _new(self, *, keep: Sequence | None) -> Sequence | None:
        if not self._free and not self.evict_one(keep=keep):
            return None
        sequence = Sequence(self._free.pop())
        self._sequences.append(sequence)
        return sequence

    def _evict(self, sequence: Sequence) -> None:
        """Moves an idle sequence out of the cells, into the pool if it is worth that."""
        own = len(sequence.tokens) - sequence.head
        size = self._context.state_bytes(sequence.id) if own >= _WORTH_SAVING else 0
        if not sequence.pinned and not sequence.draft and 0 < size <= self._pool_bytes:
            state = self._context.save(sequence.id)
            self._pool[next(self._numbers)] = _Saved(
                list(sequence.tokens), sequence.head, sequence.conversation, state
            )
            self._pool_used += len(state)
            while self._pool_used > self._pool_bytes:
                self._pool_used -= len(self._pool.popitem(last=False)[1].state)
            logger.debug("evicted a conversation", extra={"tokens": len(sequence.tokens)})
        self._forget(sequence)

    def _restore(self, key: int, reserve: int) -> Sequence | None:
        """Brings a saved conversation back into the cells."""
        saved = self._pool[key]
        if not self.make_room(len(saved.tokens) + reserve):
            return None
        sequence = self._new(keep=None)
        # making room may itself have pushed this one out of the pool
        if sequence is None or self._pool.pop(key, None) is None:
            return None
        self._pool_used -= len(saved.state)
        if not self._context.load(sequence.id, saved.state):
            self._forget(sequence)
            return None
        self.extend(sequence, list(saved.tokens))
        sequence.head, sequence.conversation = saved.head, saved.conversation
        sequence.used_at = time.monotonic()
        return sequence

    def _forget(self, sequence: Sequence) -> None:
        self._context.drop(sequence.id)
        self._sequences.remove(sequence)
        self._free.append(sequence.id)
