"""What every training has: a time budget with its learning rate, checkpoints, progress with an honest estimate."""

import json
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

WARM_UP_STEPS = 40
JUDGE_SEED = 970_099


def prepare(seed: int) -> torch.device:
    """One thread on a processor (two trainings side by side then don't fight), or the accelerator."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def tensors(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in weights.items()}


def arrays(checkpoint: Path) -> dict[str, NDArray[np.float32]]:
    """The weights of a checkpoint, as an export takes them."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)["model"]
    return {name: value.float().numpy() for name, value in state.items()}


def lower_precision(device: torch.device) -> torch.autocast:
    """bfloat16 inside the network where the machine multiplies it faster (AMX, AVX512-BF16, CUDA)."""
    able = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=able)


class Run:
    """A training of `minutes`, that goes on from its own checkpoint if there is one.

    `judge` gives shares that are wrong on what is held out; it is asked every `judge_every_s`.
    The budget counts time spent in training, over all interruptions. What is shown is also kept beside the
    checkpoint, as `curve.jsonl`: one JSON object a line.
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
        judge: Callable[[], dict[str, float]] | None = None,
        judge_every_s: float = 240,
    ) -> None:
        self._path, self._minutes, self._rate = checkpoint, minutes, rate
        self._model, self._optimisers = model, optimisers
        self._save_every_s = save_every_s
        self._judge, self._judge_every_s, self._judged = judge, judge_every_s, 0.0
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
            percent = {k: round(100 * v / seen, 3) for k, v in self._sums.items()}
            self.record(**percent)
            shares = "  ".join(f"{k} {v:.2f} %" for k, v in percent.items())
            left = max(0.0, self._minutes - self.spent_min)
            print(
                f"{time.strftime('%H:%M:%S')}  step {self.step}  {shares}  "
                f"{self.spent_min:.1f} min spent, {left:.1f} left",
                flush=True,
            )
            self._sums = {}
        if time.monotonic() - self._saved > self._save_every_s:
            self.save()
        if self._judge and time.monotonic() - self._judged > self._judge_every_s:
            self._judged = time.monotonic()
            self.record(**self._measured(self._judge))

    @torch.no_grad()
    def _measured(self, judge: Callable[[], dict[str, float]]) -> dict[str, float]:
        """In per cent; always on the same draw, and without a trace in training's own."""
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(JUDGE_SEED)
        percent = {k: round(100 * v, 3) for k, v in judge().items()}
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        print(f"{time.strftime('%H:%M:%S')}  held out: {percent}", flush=True)
        return percent

    def record(self, **percent: float) -> None:
        """A point of the learning curve."""
        point = {"minutes": round(self.spent_min, 2), "step": self.step, **percent}
        with (self._path.parent / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(point) + "\n")

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
        part.replace(self._path)

    def _restore(self, state: dict[str, Any]) -> None:
        self._model.load_state_dict(state["model"])
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self._before_s = state["step"], state["spent_s"]
        random.setstate(state["random"])
        np.random.set_state(state["numpy"])
        torch.set_rng_state(state["torch"])
        print(f"goes on at step {self.step}, after {self.spent_min:.1f} min")
