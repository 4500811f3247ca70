"""Sound -> the features that the vocoder speaks from: WORLD's envelope, aperiodicity and pitch."""

import sys
import types
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shape import FFT, HOP, RATE_HZ, envelope

PITCH_HZ = (85, 320)


def world() -> Any:
    """pyworld; it still imports pkg_resources, only to read its own version."""
    try:
        import pkg_resources  # noqa: F401
    except ImportError:
        stand_in = types.ModuleType("pkg_resources")
        stand_in.get_distribution = lambda name: types.SimpleNamespace(version="0")  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = stand_in
    import pyworld

    return pyworld


def features(audio: NDArray[np.float64]) -> NDArray[np.float32]:
    """[frames of 5 ms, FEATURES]"""
    pw = world()
    low, high = PITCH_HZ
    rough, times = pw.dio(
        audio, RATE_HZ, f0_floor=low, f0_ceil=high, frame_period=1000 * HOP / RATE_HZ
    )
    pitch = pw.stonemask(audio, rough, times, RATE_HZ)
    pitch[(pitch < low - 5) | (pitch > high + 10)] = 0
    spectrum = pw.cheaptrick(audio, pitch, times, RATE_HZ, fft_size=FFT)
    breath = pw.d4c(audio, pitch, times, RATE_HZ, fft_size=FFT)[:, int(3000 / RATE_HZ * FFT)]
    voiced = (pitch > 0) & (breath < 0.999)
    log_pitch, log_breath = np.log(np.maximum(pitch, 1)), np.log(np.clip(breath, 1e-3, 1.0))
    if voiced.sum() > 3:
        slipped = np.abs(log_pitch - np.median(log_pitch[voiced])) > 0.6  # by an octave
        good = np.flatnonzero(voiced & ~slipped)
        log_pitch = np.interp(np.arange(len(log_pitch)), good, log_pitch[good])
        silent, known = np.flatnonzero(~voiced), np.flatnonzero(voiced)
        log_breath[silent] = np.interp(silent, known, log_breath[known])
    else:
        log_pitch[:] = np.log(165)
        log_breath[~voiced] = np.log(0.1)
    log_pitch = np.convolve(np.pad(log_pitch, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    columns = [log_breath[:, None], log_pitch[:, None], voiced[:, None]]
    return np.concatenate([envelope(spectrum), *columns], 1).astype(np.float32)
