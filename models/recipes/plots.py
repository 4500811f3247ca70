"""Pictures for the model cards.

python -m recipes.plots curve WORK/curve.jsonl OUT.png     how training went
python -m recipes.plots voice OUT.png                      spectrogram and pitch beside the teacher's
"""

import json
import sys
from pathlib import Path

import matplotlib
import numpy as np
from earshot.bench.speaking import teacher
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RATE_HZ = 16000
HOP = 160
PITCH_HZ = (80, 330)
VOICED = 0.5
"""least correlation of a period with the next"""
SMOOTHED = 9
"""points of training that one point of the picture is made of"""
STARTER = Path(__file__).parents[1] / "starter" / "voice" / "starter.onnx"
SAID = (
    "It is fourteen thirty five on Tuesday, November twenty fourth.",
    "Hello, how can I help you?",
)


def curve(points: Path, out: Path) -> None:
    """Share of tokens that were wrong, in training and on what is held out."""
    rows = [json.loads(line) for line in points.read_text(encoding="utf-8").splitlines()]
    _, axis = plt.subplots(figsize=(9, 4.5))
    names = sorted({k for row in rows for k in row if k.endswith("wrong") or "held out" in k})
    for name in names:
        at = [(row["minutes"], row[name]) for row in rows if name in row]
        if len(at) < 2:
            continue
        minutes, percent = (np.array(v) for v in zip(*at, strict=True))
        if "held out" in name:
            axis.plot(minutes, percent, marker="o", markersize=3, label=name)
        else:
            n = min(SMOOTHED, len(percent))
            mean = np.convolve(percent, np.ones(n) / n, "valid")
            axis.plot(minutes[n - 1 :], mean, color="#b8bec8", label=f"training: {name}")
    axis.set_yscale("log")
    seen = axis.get_ylim()
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ylim(seen)
    axis.minorticks_off()
    axis.set_xlabel("minutes of training, one thread of a shared core")
    axis.set_ylabel("% of tokens wrong")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    _save(out)


def voice(out: Path, model: Path = STARTER) -> None:
    """The student over the teacher, for each of two sentences."""
    spoken = PiperVoice.load(model)
    raw = SynthesisConfig(normalize_audio=False)
    _, axes = plt.subplots(4, 1, figsize=(11, 10))
    for n, text in enumerate(SAID):
        student = np.concatenate([c.audio_float_array for c in spoken.synthesize(text, raw)])
        longest_s = max(len(student), len(teacher(text))) / RATE_HZ
        for m, (name, audio) in enumerate((("teacher", teacher(text)), ("starter", student))):
            axis = axes[2 * n + m]
            axis.specgram(audio, NFFT=400, Fs=RATE_HZ, noverlap=320, vmin=-140, vmax=-30)
            axis.set_title(f"{name}: {text}", fontsize=9, loc="left")
            axis.set_ylabel("Hz")
            axis.set_xlim(0, longest_s)
            over = axis.twinx()
            hz = pitch(audio)
            over.plot(np.arange(len(hz)) * HOP / RATE_HZ, hz, ".", color="white", markersize=3)
            over.set_ylim(0, 400)
            over.set_ylabel("pitch, Hz (dots)")
    axes[-1].set_xlabel("s")
    _save(out)


def pitch(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """By autocorrelation, every 10 ms; NaN where nothing is voiced."""
    low, high = RATE_HZ // PITCH_HZ[1], RATE_HZ // PITCH_HZ[0]
    found = []
    for i in range(0, len(audio) - 3 * high, HOP):
        window = audio[i : i + 3 * high].astype(np.float64)
        window = window - window.mean()
        here = window[: 2 * high]
        both = [
            float(np.dot(here, window[k : k + 2 * high]))
            / (1e-9 + float(np.linalg.norm(here) * np.linalg.norm(window[k : k + 2 * high])))
            for k in range(low, high)
        ]
        # a period twice as long fits as well: the shortest that is nearly the best
        best = max(both)
        k = next(i for i, v in enumerate(both) if v > 0.9 * best) if best > 0 else 0
        k = max(range(max(0, k - 3), min(len(both), k + 8)), key=both.__getitem__)
        loud = float(np.sqrt(np.mean(here**2))) > 0.01
        found.append(RATE_HZ / (low + k) if best > VOICED and loud else np.nan)
    return np.array(found)


def _save(out: Path) -> None:
    plt.tight_layout()
    plt.savefig(out, dpi=60)
    plt.close()


if __name__ == "__main__":
    if sys.argv[1] == "curve":
        curve(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        voice(Path(sys.argv[2]))
