from pathlib import Path

import pytest
from livekit.plugins.piper.phonemes import Phonemizer
from livekit.plugins.piper.voice import read_config
from piper import PiperVoice


@pytest.fixture(scope="module")
def phonemizer(starter_path: Path) -> Phonemizer:
    return Phonemizer(read_config(starter_path))


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog, and of the others: nothing!",
        "Is it so? Yes, it is. Good",
        "I was at the e-mail office in the U K.",
    ],
)
def test_ids_are_those_of_piper(phonemizer: Phonemizer, starter_path: Path, text: str) -> None:
    stock = PiperVoice.load(starter_path)
    want = [stock.phonemes_to_ids(p) for p in stock.phonemize(text)]
    assert [list(u.ids) for u in phonemizer.utterances(text.split())] == want


def test_every_word_has_its_ids_in_order(phonemizer: Phonemizer) -> None:
    # espeak says "of the" and "in the" as one word each, and "e-mail" as one of two parts
    words = "Most of the people in the room have an e-mail address for it.".split()
    (utterance,) = phonemizer.utterances(words)
    assert [w for w, _, _ in utterance.words] == list(range(len(words)))
    starts = [a for _, a, _ in utterance.words]
    assert starts == sorted(starts)
    assert all(2 <= a < b <= len(utterance.ids) for _, a, b in utterance.words)


def test_marks_alone_have_no_sound(phonemizer: Phonemizer) -> None:
    assert phonemizer.utterances(["…", "--"]) == []


def test_another_voice_in_between_changes_nothing(starter_path: Path) -> None:
    stock = PiperVoice.load(starter_path)
    phonemizer = Phonemizer(read_config(starter_path))
    stock.config.espeak_voice = "de"
    (before,) = phonemizer.utterances(["thing"])
    stock.phonemize("Guten Tag")
    fresh = Phonemizer(read_config(starter_path))
    assert fresh.utterances(["thing"]) == [before]
