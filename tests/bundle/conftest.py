"""A small source tree with small models, a key, and bundles made of them."""

import hashlib
import platform
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from earshot import cli
from earshot.bundle import keys
from earshot.bundle.create import Contents, create
from earshot.progress import Progress


@dataclass
class Ran:
    status: int
    out: str
    err: str


Earshot = Callable[..., Ran]
Make = Callable[..., Path]


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
def key(tmp_path: Path) -> Path:
    keys.generate(tmp_path / "site.key")
    return tmp_path / "site.key"


MODELS = {
    "stt": {"model.bin": b"ears" * 5000, "config.json": b"{}"},
    "llm": {"tiny.gguf": b"brain" * 9000},
    "voice": {"tiny.onnx": b"mouth" * 3000, "tiny.onnx.json": b"{}"},
}
PATHS = {"stt": "tiny/stt", "llm": "tiny/llm/tiny.gguf", "voice": "tiny/voice/tiny.onnx"}


def write_models(models: Path, name: str = "tiny", salt: bytes = b"") -> None:
    """A profile of files that are models by name alone."""
    text = ""
    for kind, files in MODELS.items():
        rows = []
        folder = models / PATHS[kind].replace("tiny", name, 1)
        folder = folder if kind == "stt" else folder.parent
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / file).write_bytes(content + salt)
            digest = hashlib.sha256(content + salt).hexdigest()
            rows.append(
                f'{{ name = "{file}", bytes = {len(content + salt)}, sha256 = "{digest}" }},'
            )
        text += f'[profiles.{name}.{kind}]\npath = "{PATHS[kind].replace("tiny", name, 1)}"\n'
        text += 'licence = "CC0-1.0"\nfiles = [\n' + "\n".join(rows) + "\n]\n"
    with (models / "manifest.toml").open("a") as f:
        f.write(text)


def small_wheels(root: Path, out: Path) -> list[Path]:
    out.mkdir()
    wheel = out / "earshot-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        info = zipfile.ZipInfo("earshot-0.1.0.dist-info/METADATA")
        archive.writestr(info, "Name: earshot\nLicense-Expression: Apache-2.0\n")
    return [wheel]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "models").mkdir(parents=True)
    write_models(root / "models")
    (root / "requirements").mkdir()
    (root / "requirements" / "runtime.txt").write_text(
        "click==8.5.1 \\\n    --hash=sha256:00\nuvicorn[standard]==1.2.3\n"
    )
    (root / "docs").mkdir()
    (root / "docs" / "bundle.md").write_text("# Bundle\n")
    (root / "compose.yaml").write_text("services: {}\n")
    (root / "compose.gpu.yaml").write_text("services: {}\n")
    (root / "LICENSE").write_text("Apache-2.0\n")
    return root


@pytest.fixture
def make(tree: Path, key: Path, tmp_path: Path) -> Make:
    """Makes a bundle of the tree: make("0.1.0", architecture="riscv64")."""

    def bundle(version: str = "0.1.0", name: str | None = None, **changed: object) -> Path:
        contents = Contents(
            root=tree,
            models_dir=tree / "models",
            version=version,
            profiles=("tiny",),
            with_images=False,
            wheels=small_wheels,
        )
        contents = Contents(**(vars(contents) | changed))
        output = tmp_path / (name or f"earshot-{version}.tar")
        create(contents, keys.private(key), output, tmp_path / "cache.json", Progress())
        return output

    return bundle


@pytest.fixture
def public(key: Path) -> Path:
    return key.with_name("site.key.pub")


HERE = platform.machine()
