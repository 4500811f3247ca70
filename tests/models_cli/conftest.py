"""A site with an empty models folder, a hub that has the starter models, and the command line."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from earshot import cli

from .hub import Hub, serve

STARTER = Path(__file__).parents[2] / "models" / "starter"
STT = ("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.json")


@dataclass
class Ran:
    status: int
    out: str
    err: str


Earshot = Callable[..., Ran]


@pytest.fixture
def earshot(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Earshot:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["earshot", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert isinstance(stop.value.code, int)
        return Ran(stop.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting between tries takes no time; how long it would have been is in here."""
    slept: list[float] = []
    monkeypatch.setattr("earshot.models.hub.time.sleep", slept.append)
    return slept


def entry(
    kind: str, path: str, repository: str, files: dict[str, bytes], *, known: bool = True
) -> str:
    """A model of a manifest; `known`: whether it tells checksums."""
    rows = [
        f'{{ name = "{name}", bytes = {len(content)}'
        + (f', sha256 = "{hashlib.sha256(content).hexdigest()}"' if known else "")
        + " },"
        for name, content in files.items()
    ]
    return "\n".join(
        [
            f"[profiles.tiny.{kind}]",
            f'title = "tiny {kind}"',
            f'path = "weights/{path}"',
            'licence = "Apache-2.0"',
            f'repository = "{repository}"',
            'revision = "main"',
            "files = [",
            *rows,
            "]",
            "",
        ]
    )


@dataclass
class Site:
    models: Path
    state: Path

    @property
    def weights(self) -> list[str]:
        """Every file under weights/, but the lock."""
        found = (p.relative_to(self.models / "weights") for p in self.models.rglob("weights/**/*"))
        return sorted(
            str(p) for p in found if (self.models / "weights" / p).is_file() and p.name != "lock"
        )


FILES = {
    "me/stt": {name: (STARTER / "stt" / name).read_bytes() for name in STT},
    "me/llm": {"tiny.gguf": (STARTER / "llm" / "starter.gguf").read_bytes()},
    "me/voice": {
        "tiny.onnx": (STARTER / "voice" / "starter.onnx").read_bytes(),
        "tiny.onnx.json": (STARTER / "voice" / "starter.onnx.json").read_bytes(),
    },
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Profile `tiny` is to be fetched; of the voice no checksum is known."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "manifest.toml").write_text(
        entry("stt", "tiny-stt", "me/stt", FILES["me/stt"])
        + entry("llm", "tiny-llm/tiny.gguf", "me/llm", FILES["me/llm"])
        + entry("voice", "tiny-voice/tiny.onnx", "me/voice", FILES["me/voice"], known=False)
    )
    monkeypatch.setenv("EARSHOT_MODELS_DIR", str(models))
    monkeypatch.setenv("EARSHOT_STATE_DIR", str(tmp_path / "state"))
    return Site(models, tmp_path / "state")


@pytest.fixture
def hub() -> Iterator[Hub]:
    content = {}
    for repository, files in FILES.items():
        for name, data in files.items():
            for revision in ("main", "c0ffee" * 6 + "beef"):
                content[f"{repository}/resolve/{revision}/{name}"] = data
    hub = Hub(content)
    server = serve(hub)
    yield hub
    server.shutdown()
    server.server_close()
