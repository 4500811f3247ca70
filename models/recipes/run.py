"""What every training has: a time budget with its learning rate, checkpoints, progress with an honest estimate."""

import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

WARM_UP_STEPS = 40


def prepare(seed: int) -> torch.device:
    """One thread on a processor (two trainings side by side then don't fight), or the accelerator."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Run:
    """A training of `minutes`, that goes on from its own checkpoint if there is one.

    The budget counts time spent in training, over all interruptions.
    """

    def __init__(
        self,
        checkpoint: Path,
        minutes: float,
        rate: float,
        model: torch.nn.Module,
        optimisers: list[torch.optim.Optimizer],
        *,
        save_every_s: float = 120,
    ) -> None:
        self._path, self._minutes, self._rate = checkpoint, minutes, rate
        self._model, self._optimisers = model, optimisers
        self._save_every_s = save_every_s
        self.step, self._before_s, self._warm_from = 0, 0.0, 0
        self._began = self._saved = time.monotonic()
        self._sums: dict[str, float] = {}
        if checkpoint.exists():
            self._restore(torch.load(checkpoint, weights_only=False))

    @property
    def spent_min(self) -> float:
        return (self._before_s + time.monotonic() - self._began) / 60

    def going(self) -> bool:
        """Sets the rate of this step: warm-up, constant, then a straight line to almost nothing."""
        left = 1 - self.spent_min / self._minutes
        if left <= 0:
            self.save()
            return False
        warm = min(1.0, (self.step - self._warm_from + 1) / WARM_UP_STEPS)
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self._rate * min(warm, max(0.01, 1.6 * left))
        return True

    def update(self, loss: torch.Tensor) -> None:
        for optimiser in self._optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        for optimiser in self._optimisers:
            optimiser.step()

    def done(self, **counts: float) -> None:
        """Ends a step. `counts` are summed and shown as shares of `seen`."""
        self.step += 1
        for key, value in counts.items():
            self._sums[key] = self._sums.get(key, 0.0) + value
        if self.step % 25 == 0:
            seen = max(1.0, self._sums.pop("seen", 1.0))
            shares = "  ".join(f"{k} {100 * v / seen:.2f} %" for k, v in self._sums.items())
            left = max(0.0, self._minutes - self.spent_min)
            print(
                f"{time.strftime('%H:%M:%S')}  step {self.step}  {shares}  "
                f"{self.spent_min:.1f} min spent, {left:.1f} left",
                flush=True,
            )
            self._sums = {}
        if time.monotonic() - self._saved > self._save_every_s:
            self.save()

    def save(self) -> None:
        """Whole or not at all."""
        self._saved = time.monotonic()
        part = self._path.with_suffix(".part")
        torch.save(
            {
                "model": self._model.state_dict(),
                "optimisers": [o.state_dict() for o in self._optimisers],
                "step": self.step,
                "spent_s": self.spent_min * 60,
                "random": random.getstate(),
                "numpy": np.random.get_state(),
                "torch": torch.get_rng_state(),
            },
            part,
        )
        os.replace(part, self._path)

    def _restore(self, state: dict[str, Any]) -> None:
        self._model.load_state_dict(state["model"])
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self._before_s = state["step"], state["spent_s"]
        random.setstate(state["random"])
        np.random.set_state(state["numpy"])
        torch.set_rng_state(state["torch"])
        print(f"goes on at step {self.step}, after {self.spent_min:.1f} min")
