"""The starter recogniser: a small Whisper trained on synthetic speech of a small domain."""
