"""Samples -> tensors: sound with its surroundings, tokens, and the phone of every frame."""

import random

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from .model import PHONES
from .shape import POSITIONS
from .sound import decibels, margin, mel, no_speech, noise, through_a_room
from .speakers import RATE_HZ, Phones, Sample

IGNORED = -100


def by_length(samples: list[Sample], speech_s: float) -> list[list[Sample]]:
    """Batches of like lengths, in random order."""
    order = sorted(samples, key=lambda s: len(s.audio) + random.randint(0, 6000))
    batches: list[list[Sample]] = []
    group: list[Sample] = []
    for sample in order:
        group.append(sample)
        if len(group) * (len(sample.audio) / RATE_HZ + 1) > speech_s:
            batches.append(group)
            group = []
    if group and not batches:
        batches.append(group)
    random.shuffle(batches)
    return batches


def sound(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """(features [batch, 80, frames], the phone of every position [batch, frames / 2], spans [batch, 2])

    A span is the first and the last position of the speech.
    """
    audio, starts_s = [], []
    for sample in samples:
        lead = margin()
        a = np.concatenate([
            np.zeros(lead, np.float32),
            through_a_room(sample.audio),
            np.zeros(max(800, margin()), np.float32),
        ])  # fmt: skip
        if random.random() < 0.8:
            a = a + noise(len(a)) * decibels(-65, -24) * min(1.0, 3 * float(np.abs(a).max()))
        audio.append(a)
        starts_s.append(lead / RATE_HZ)
    size = -(-max(map(len, audio)) // 320) * 320
    frames = [len(a) // 160 for a in audio]
    x = mel(torch.from_numpy(np.stack([np.pad(a, (0, size - len(a))) for a in audio])).float())
    for i, n in enumerate(frames):
        if random.random() < 0.85:  # the runtime pads features, not sound
            x[i, :, n:] = 0
        if random.random() < 0.5:
            f = random.randint(0, 72)
            x[i, f : f + random.randint(1, 8)] = 0
        if random.random() < 0.4:
            t = random.randint(0, n)
            x[i, :, t : t + random.randint(1, 10)] = 0
    labels = torch.full((len(samples), x.shape[2] // 2), IGNORED)
    for i, sample in enumerate(samples):
        if sample.phones:
            label(labels[i], sample.phones, starts_s[i], frames[i] // 2)
    spans = [
        (s, s + len(sample.audio) / RATE_HZ) for s, sample in zip(starts_s, samples, strict=True)
    ]
    return x, labels, torch.tensor(spans) * 50


def label(row: Tensor, phones: Phones, start_s: float, length: int) -> None:
    row[:length] = PHONES["pau"]
    before_s = 0.0
    for phone, end_s in phones:
        a, b = int((before_s + start_s) * 50), int((end_s + start_s) * 50)
        if b > 0:
            row[max(0, a) : b] = PHONES.get(phone, PHONES["pau"])
        before_s = end_s


def off_the_diagonal(places: Tensor, spans: Tensor, keys: int) -> Tensor:
    """How wrong it is to listen at a key while writing a token: [batch, length, keys], 0 to 1.

    Speech is written in order: a token is heard at about the share of the speech that it is of the text. A loose guide
    (sigma 10 % of the speech) that keeps a decoder from losing its place, which costs or repeats words.

    Args:
        places: of `tokens`.
        spans: of `sound`.
        keys: positions of the window.
    """
    start, length = spans[:, :1], (spans[:, 1:] - spans[:, :1])
    centre = start + places * length
    sigma = (0.1 * length).clamp(min=8)
    away = (torch.arange(keys)[None, None] - centre[..., None]) / sigma[..., None]
    return (1 - torch.exp(-0.5 * away**2)) * (places >= 0)[..., None]


def quiet_windows(end: int) -> Tensor:
    """None, one or two windows of `end` positions without speech: features [few, 80, 2 * end]."""
    few = random.choice([0, 0, 1, 1, 2])
    if not few:
        return torch.zeros(0, 80, 2 * end)
    x = mel(torch.from_numpy(np.stack([no_speech(end * 320) for _ in range(few)])))
    for window in x:
        if random.random() < 0.3:
            window[:, random.randint(20, window.shape[1]) :] = 0
    return x


def window_end(frames: int) -> int:
    """Positions of the window: the speech alone, all of Whisper's 30 s, or between."""
    end = random.choices([0, POSITIONS, random.randint(200, 1000)], [0.3, 0.55, 0.15])[0]
    return max(end, frames // 2)


def tokens(
    tokenizer: Tokenizer, samples: list[Sample], quiet: int
) -> tuple[Tensor, Tensor, Tensor]:
    """(the decoder's input, its target, where in the text it is), each [batch, length].

    The last `quiet` rows hold no speech. A place is the middle of a token's letters as a share of the text, 0 to 1;
    -1 for what is no text.
    """
    end, start, no_times, silent = (
        tokenizer.token_to_id(f"<|{t}|>")
        for t in ("endoftext", "startoftranscript", "notimestamps", "nospeech")
    )
    encoded = [tokenizer.encode(" " + s.text, add_special_tokens=False) for s in samples]
    rows = [e.ids for e in encoded] + [[]] * quiet
    size = max(map(len, rows)) + 2
    given = torch.full((len(rows), size), end)
    wanted = torch.full((len(rows), size), IGNORED)
    places = torch.full((len(samples), size), -1.0)
    for i, row in enumerate(rows):
        s = torch.tensor([start, no_times, *row, end])
        given[i, : len(s) - 1], wanted[i, : len(s) - 1] = s[:-1], s[1:]
    for place, e in zip(places, encoded, strict=True):
        middles = torch.tensor(e.offsets).float().mean(1)
        place[1 : len(middles) + 1] = middles / max(1, e.offsets[-1][1])
    if quiet:
        wanted[-quiet:, 0] = silent
    return given, wanted, places


def misheard(given: Tensor, share: float, vocabulary: int) -> Tensor:
    """The decoder's input with tokens replaced at random: it must listen, and can't lean on what came before.

    A decoder that only ever saw right beginnings goes astray after its own first error, most of all where no grammar
    helps it back.
    """
    hit = torch.rand(given.shape) < share * torch.rand(len(given), 1) * 2
    hit[:, :2] = False  # <|startoftranscript|> and <|notimestamps|>
    return torch.where(hit, torch.randint(vocabulary, given.shape), given)
