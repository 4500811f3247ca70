from pathlib import Path
from typing import Any

import numpy as np
import pytest
from earshot.caller.speech import RATE_HZ, Speech
from earshot.errors import AudioError


def test_a_recording_of_any_rate_knows_where_its_voice_is(say: Any) -> None:
    speech = Speech.open(say("What is five plus three?"), "What is five plus three?")
    assert 0 < speech.begin_s < 0.5
    assert speech.begin_s + 0.5 < speech.end_s <= speech.duration_s
    tail = speech.samples[int(speech.end_s * RATE_HZ) :]
    assert np.abs(tail).max(initial=0) < np.abs(speech.samples).max() * 0.2


def test_silence_is_nothing_to_say(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="silent"):
        Speech.of(np.zeros(RATE_HZ, np.int16), "nothing")
    (tmp_path / "a.wav").write_bytes(b"hello")
    with pytest.raises(AudioError, match=r"a\.wav"):
        Speech.open(tmp_path / "a.wav")
