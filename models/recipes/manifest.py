"""Writes the profile `starter` of models/manifest.toml anew: checksums and sizes of the files that are there.

    python models/recipes/manifest.py [--check]

Run it after a model was replaced; no code changes with a model. Other profiles in the manifest are left as they are.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path

MODELS = Path(__file__).parents[1]
LICENCE = "Apache-2.0"
HEAD = """\
# Which files make up each profile's STT model, LLM and voice; paths are relative to this file.
# The profile `starter` is written by `python models/recipes/manifest.py`.
"""
DEMONSTRATION = """\
[profiles.starter]
demonstration = true  # it has never heard a person: whoever uses it is told
"""
KINDS = {
    "stt": "starter/stt",
    "llm": "starter/llm/starter.gguf",
    "voice": "starter/voice/starter.onnx",
}
CARD = (".md", ".png")
"""endings of the files of a model card"""


def entry(kind: str, path: str, models: Path = MODELS) -> str:
    """One model of the profile, in TOML."""
    target = models / path
    folder = target if target.is_dir() else target.parent
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix not in CARD)
    lines = [f"[profiles.starter.{kind}]", f'path = "{path}"', f'licence = "{LICENCE}"']
    if kind == "llm":  # it was trained on its five tools, and writes calls by itself
        lines.append('decision = "model"')
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        lines += [
            f"[[profiles.starter.{kind}.files]]",
            f'name = "{file.name}"',
            f'sha256 = "{digest}"',
            f"bytes = {file.stat().st_size}",
        ]
    return "\n".join(lines) + "\n"


def manifest(models: Path = MODELS) -> str:
    """The whole text, other profiles kept."""
    path = models / "manifest.toml"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    others = re.split(r"(?m)^(?=\[\[?(?:profiles|models)\.)", old)[1:]
    kept = [t.strip() + "\n" for t in others if not re.match(r"\[\[?profiles\.starter[.\]]", t)]
    own = [entry(kind, path, models) for kind, path in KINDS.items()]
    return "\n".join([HEAD, DEMONSTRATION, *own, *kept])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    text, path = manifest(), MODELS / "manifest.toml"
    if parser.parse_args().check:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return 0
        print(f"{path} is out of date: run python models/recipes/manifest.py", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
