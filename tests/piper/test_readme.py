import asyncio
import re
import runpy
import wave
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "plugins" / "piper" / "README.md"


def test_the_example_speaks(
    starter_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert code and len(code[1].splitlines()) <= 40
    script = tmp_path / "speak.py"
    script.write_text(code[1])
    main = runpy.run_path(str(script))["main"]
    asyncio.run(main(str(starter_path), str(tmp_path / "out.wav")))
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getnframes() > 3 * file.getframerate()
    said = re.findall(r"^ *[\d.]+ s  (\S+)", capsys.readouterr().out, re.M)
    assert said == "Sure, I can do that. The bill is $45.50 for Dr. Smith.".split()
