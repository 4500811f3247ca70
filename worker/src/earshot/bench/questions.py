"""Spoken questions for benchmarks: texts of the starter domain, said by flite's voices."""

import subprocess
from pathlib import Path

TEXTS = (
    "What is five plus three?",
    "Hello.",
    "What is your name?",
    "Set a timer for ten minutes.",
    "What is twenty times four?",
    "What time is it?",
    "How are you today?",
    "Cancel the timer.",
    "What can you do?",
    "Thank you very much.",
)
VOICES = ("slt", "rms", "awb", "kal16")


def speak(folder: Path, count: int) -> list[tuple[str, Path]]:
    """Writes `count` questions as WAV files: [(text, path)]."""
    said = []
    for i in range(count):
        text, voice = TEXTS[i % len(TEXTS)], VOICES[i % len(VOICES)]
        path = folder / f"{i:02d}.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        said.append((text, path))
    return said
