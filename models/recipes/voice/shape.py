"""The starter voice's sizes: frames, envelope points, symbols."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATE_HZ = 16000
HOP = 80
"""samples of a vocoder frame: 5 ms"""
STEP = 160
"""samples of a step of the network: 10 ms"""
SUB = STEP // HOP
BANDS = 60
"""points of the envelope, equally spaced in mel from 0 to half the rate"""
FLOOR = -9.5
"""lowest amplitude of the envelope, natural logarithm"""
FFT = 1024
FEATURES = BANDS + 3
"""per frame: envelope, log aperiodicity at 3 kHz, log pitch, voiced"""
SYMBOLS = 256
"""as real Piper voices have; the default map of symbols uses 166 of them"""


def mel(hz: ArrayLike) -> NDArray[np.float64]:
    return 2595.0 * np.log10(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


def hertz(mel_: ArrayLike) -> NDArray[np.float64]:
    return 700.0 * (10.0 ** (np.asarray(mel_, dtype=np.float64) / 2595.0) - 1.0)


MEL_MAX = float(mel(RATE_HZ / 2))
BAND_HZ = hertz(np.linspace(0, MEL_MAX, BANDS))


def envelope(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """WORLD's power spectrogram [frames, FFT / 2 + 1] -> log amplitude at the mel points."""
    log = 0.5 * np.log(np.maximum(power, 1e-16))
    hz = np.arange(FFT // 2 + 1) * RATE_HZ / FFT
    # an average where the points are far apart, interpolation where they are close
    weights = np.zeros((FFT // 2 + 1, BANDS))
    for j, centre in enumerate(BAND_HZ):
        low, high = BAND_HZ[max(j - 1, 0)], BAND_HZ[min(j + 1, BANDS - 1)]
        half = max((high - low) / 4, RATE_HZ / FFT)  # narrow triangles keep formants sharp
        triangle = np.maximum(0, 1 - np.abs(hz - centre) / half)
        weights[:, j] = triangle / triangle.sum()
    return np.maximum(log @ weights, FLOOR)
