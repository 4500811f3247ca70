"""python -m earshot.engine.generate: engine.proto -> engine_pb2.py, .pyi and engine_pb2_grpc.py.

Needs grpcio-tools (a tool of the tests, not of the running engine).
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
MADE = ("engine_pb2.py", "engine_pb2.pyi", "engine_pb2_grpc.py")


def generate(folder: Path) -> None:
    """Writes the three files into `folder`.

    Raises:
        RuntimeError: protoc refused; it has said why on standard error.
    """
    import grpc_tools
    from grpc_tools import protoc

    include = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"-I{HERE}",
            f"-I{include}",
            f"--python_out={folder}",
            f"--pyi_out={folder}",
            f"--grpc_python_out={folder}",
            "engine.proto",
        ]
    )
    if status:
        raise RuntimeError("engine.proto was refused")
    grpc_file = folder / "engine_pb2_grpc.py"
    # protoc knows no packages: it would look for a top-level engine_pb2
    text = grpc_file.read_text().replace("import engine_pb2 as", "from . import engine_pb2 as")
    grpc_file.write_text(text)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        for name in MADE:
            (HERE / name).write_bytes((Path(scratch) / name).read_bytes())
            print(HERE / name, file=sys.stderr)


if __name__ == "__main__":
    main()
