"""The README's example runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "plugins" / "llama-cpp" / "README.md"


def test_the_example_answers(tmp_path: Path, starter: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code is not None
    assert len(code[1].strip().splitlines()) <= 34
    script = tmp_path / "example.py"
    script.write_text(code[1])
    result = subprocess.run(
        [sys.executable, script, starter], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "The answer is 8.\n", "")
