"""Text that a person wrote: UTF-8, with or without a byte order mark; whatever else is explained.

Editors save as they please: with a mark, in UTF-16, in the code page of a country. A guess would
turn names into other names, so that what is not UTF-8 is refused, with the line and what it seems.
"""

import codecs
import sys
from pathlib import Path

from .user_path import expanded

_MARKS = (  # UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class NotTextError(ValueError):
    """Bytes that are not UTF-8: one line without the file's name, which the reader knows."""


def read_text(path: Path) -> str:
    """A file's text, its lines ended by newlines alone.

    Raises:
        OSError: it can't be read.
        NotTextError: it is not UTF-8.
    """
    return decode(path.read_bytes())


def read_input(file: str | Path) -> str:
    """The text of a file that stood on a command line: `-` is standard input, `~` a home folder.

    Raises:
        OSError: it can't be read.
        ValueError: it is not UTF-8 (NotTextError), or nobody's home.
    """
    return decode(sys.stdin.buffer.read()) if str(file) == "-" else read_text(expanded(file))


def decode(data: bytes) -> str:
    """What these bytes say.

    Raises:
        NotTextError: they are not UTF-8.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise NotTextError(f"line 1: this is {name}; expected a file saved as UTF-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise NotTextError(
            f"line {line}: byte 0x{data[e.start]:02x} is not UTF-8, this seems to be Latin-1 or"
            " another code page; expected a file saved as UTF-8"
        ) from e
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise NotTextError(
            f"line {line}: holds a NUL, as UTF-16 does; expected a file saved as UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


__all__ = ["NotTextError", "decode", "read_input", "read_text"]
