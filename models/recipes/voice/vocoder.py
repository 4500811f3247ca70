"""Features -> sound: harmonics of the pitch, and noise in the shape of the envelope. Plain ONNX operations."""

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from .shape import BAND_HZ, BANDS, HOP, MEL_MAX, RATE_HZ


def min_phase_matrix() -> NDArray[np.float64]:
    """[BANDS, BANDS]: log amplitude at the mel points -> minimum phase there."""
    n = 2048
    hz = np.arange(n // 2 + 1) * RATE_HZ / n
    lin = np.stack(
        [np.interp(hz, BAND_HZ, np.eye(BANDS)[j]) for j in range(BANDS)]
    )  # hat functions
    full = np.concatenate([lin, lin[:, -2:0:-1]], 1)
    cep = np.fft.ifft(full, axis=1).real
    fold = np.zeros(n)
    fold[0] = fold[n // 2] = 1
    fold[1 : n // 2] = 2
    ph = np.fft.fft(cep * fold, axis=1).imag[:, : n // 2 + 1]
    return np.stack([np.interp(BAND_HZ, hz, ph[j]) for j in range(BANDS)])


NFFT = 256
NOISE_ROWS = 251
"""a prime; 1.25 s of fixed random spectra"""
KJ, KI = 8, 10
"""harmonics k = KJ * i + j, j = 1 to KJ, i = 0 to KI - 1"""
KMAX = KJ * KI


def following(z: Tensor) -> Tensor:
    """The next frame at each frame, the last one twice."""
    return torch.cat([z[1:], z[-1:]], 0)


class Vocoder(nn.Module):
    """Harmonics are a bank of sinusoids, noise is added with overlap."""

    hil: Tensor
    to_bins: Tensor
    ap_w: Tensor
    ap_c: Tensor
    noise: Tensor
    basis: Tensor
    kk: Tensor
    kr: Tensor
    r: Tensor

    def __init__(self) -> None:
        super().__init__()

        def buf(name: str, value: ArrayLike) -> None:
            self.register_buffer(name, torch.as_tensor(np.asarray(value), dtype=torch.float32))

        buf("hil", min_phase_matrix())
        hz = np.arange(NFFT // 2 + 1) * RATE_HZ / NFFT
        buf("to_bins", np.stack([np.interp(hz, BAND_HZ, np.eye(BANDS)[j]) for j in range(BANDS)]))
        # log aperiodicity is a straight line from -60 dB at 0 Hz through its 3 kHz value to 0 dB
        w = np.array([np.interp(f, [0, 3000, RATE_HZ / 2], [0, 1, 0]) for f in BAND_HZ])
        c = np.array(
            [np.interp(f, [0, 3000, RATE_HZ / 2], [math.log(1e-3), 0, -1e-3]) for f in BAND_HZ]
        )
        buf("ap_w", w)
        buf("ap_c", c)
        rng = np.random.default_rng(7)
        nz = rng.standard_normal((NOISE_ROWS, NFFT + 2))
        self.register_buffer(
            "noise", torch.as_tensor(np.clip(np.round(nz * 32), -127, 127), dtype=torch.int8)
        )
        # inverse real DFT of length NFFT, first 2*HOP samples, sine window (power-complementary)
        n = np.arange(2 * HOP)
        win = np.sin(math.pi * (n + 0.5) / (2 * HOP))
        k = np.arange(NFFT // 2 + 1)
        wt = np.where((k == 0) | (k == NFFT // 2), 1.0, 2.0)[:, None]
        ang = 2 * math.pi * k[:, None] * n[None] / NFFT
        # E[x^2] of the inverse DFT must be 1 for a flat unit envelope
        basis = np.concatenate([wt * np.cos(ang), -wt * np.sin(ang)], 0) / NFFT
        basis = basis / math.sqrt((basis**2).sum(0).mean()) * win / 32.0
        buf("basis", basis)
        buf("kk", np.arange(1, KMAX + 1))
        buf("kr", np.concatenate([np.arange(1, KJ + 1), np.arange(KI) * KJ]))
        buf("r", np.arange(HOP) / HOP)

    def forward(self, env: Tensor, la: Tensor, lf: Tensor, v: Tensor, breath: Tensor) -> Tensor:
        """[samples]

        Args:
            env: log amplitude [frames, BANDS].
            la, lf, v: log aperiodicity, log pitch and voicing [frames].
            breath: gain of the noise inside voiced sound.
        """
        frames = env.shape[0]
        vs = torch.clamp((v - 0.35) / 0.3, 0.0, 1.0)[:, None]  # sharpened voicing
        lap = torch.clamp(la[:, None] * self.ap_w + self.ap_c, max=-1e-3)
        ap2 = torch.exp(2 * lap)
        f0 = torch.clamp(torch.exp(lf), 75.0, 400.0)
        # ---- harmonics
        fk = f0[:, None] * self.kk  # [frames, K] Hz
        u = torch.log(1 + torch.clamp(fk, max=RATE_HZ / 2 - 1.0) / 700.0) * float(
            2595.0 / math.log(10) * (BANDS - 1) / MEL_MAX
        )
        i0 = torch.floor(u)
        fr = u - i0
        i0 = torch.clamp(i0.long(), max=BANDS - 2)
        lh = env + 0.5 * torch.log(1 - ap2)
        ph = env @ self.hil

        def pick(a: Tensor) -> Tensor:
            return torch.gather(a, 1, i0) * (1 - fr) + torch.gather(a, 1, i0 + 1) * fr

        amp = torch.exp(pick(lh)) * 2 * torch.sqrt(f0 / RATE_HZ)[:, None] * vs
        amp = amp * torch.clamp((RATE_HZ / 2 - 100 - fk) / 200, 0.0, 1.0)
        th = pick(ph)
        a, b = amp * torch.cos(th), amp * torch.sin(th)
        # complex amplitudes split as k = KJ*i + j: e^(ik phi) = e^(i KJ i phi) e^(ij phi), so that only
        # KI + KJ sinusoids per sample are evaluated instead of KI * KJ
        a, b = [z.reshape(frames, KI, KJ).transpose(1, 2) for z in (a, b)]  # [frames, KJ, KI]
        m = torch.cat([torch.cat([a, b], 2), torch.cat([-b, a], 2)], 1)  # [frames, 2 KJ, 2 KI]
        m = torch.cat([m, following(m) - m], 2)
        # phase in cycles: double only for the running sum
        df = following(f0) - f0
        per = ((f0 + 0.5 * df) * (HOP / RATE_HZ)).double()
        acc = torch.cumsum(per, 0) - per
        acc = (acc - torch.floor(acc)).float()
        cyc = acc[:, None] + (f0[:, None] * self.r + 0.5 * df[:, None] * self.r * self.r) * (
            HOP / RATE_HZ
        )
        kc = cyc[:, :, None] * self.kr  # [frames, HOP, KJ + KI]
        kc = (kc - torch.floor(kc)) * (2 * math.pi)
        co, si = torch.cos(kc), torch.sin(kc)
        g = torch.cat([co[:, :, :KJ], si[:, :, :KJ]], 2) @ m  # [frames, HOP, 4 KI]
        g = g[:, :, : 2 * KI] + g[:, :, 2 * KI :] * self.r[:, None]  # linear in time between frames
        y = (g * torch.cat([co[:, :, KJ:], -si[:, :, KJ:]], 2)).sum(2)
        # ---- noise
        ng = 0.5 * torch.log(1 - vs + vs * ap2 * (breath * breath) + 1e-9)
        mag = torch.exp((env + ng) @ self.to_bins)  # [frames, NFFT/2+1]
        row = torch.arange(frames, device=env.device) % NOISE_ROWS
        z = self.noise[row].float() * torch.cat([mag, mag], 1)
        o = z @ self.basis  # [frames, 2*HOP], centred on frame
        first, second = o[:, :HOP], o[:, HOP:]
        # frame t covers samples (t-1)*HOP .. (t+1)*HOP
        y = y + second + torch.cat([first[1:], torch.zeros_like(first[:1])], 0)
        return y.reshape(-1)
