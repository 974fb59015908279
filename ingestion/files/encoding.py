"""Which encoding a file is in, and its bytes as UTF-8; what is of another encoding costs its line, not the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

ENCODINGS = ("gb18030", "shift_jis", "cp1252")
"""Tried in this order where a file is not UTF-8. In none of them is a line feed part of a longer character."""
BLOCK_BYTES = 16 << 20


class UnreadableFileError(Exception):
    """A file that cannot be read at all; one line, no values."""


def whole_lines(file: BinaryIO, offset: int, size: int = BLOCK_BYTES) -> bytes:
    """Bytes from `offset`, about `size` of them, up to and with a line feed; without one only at the end of file."""
    file.seek(offset)
    block = file.read(size)
    if len(block) < size:
        return block
    cut = block.rfind(b"\n") + 1
    return block[:cut] if cut else block + file.readline()


def detect(path: Path) -> str:
    """The first encoding that fits the whole file, else UTF-8, whose damaged lines are then bad rows.

    So is a file of mostly good UTF-8: a few damaged lines do not make it another encoding.
    """
    with path.open("rb") as file:
        if _fits(file, "utf-8"):
            return "utf-8"
        if _mostly_utf8(file):
            return "utf-8"
        for encoding in ENCODINGS:
            if _fits(file, encoding):
                return encoding
    return "utf-8"


def _fits(file: BinaryIO, encoding: str) -> bool:
    offset = 0
    while block := whole_lines(file, offset):
        offset += len(block)
        if not block.isascii() and _decoded(block, encoding) is None:
            return False
    return True


def _mostly_utf8(file: BinaryIO) -> bool:
    offset = lines = wrong = 0
    while block := whole_lines(file, offset):
        offset += len(block)
        for line in block.split(b"\n"):
            if not line.isascii():
                lines += 1
                wrong += _decoded(line, "utf-8") is None
    return wrong * 2 < lines


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def to_utf8(block: bytes, encoding: Callable[[], str]) -> tuple[bytes, list[int]]:
    """Whole lines as UTF-8, and which of them (from 0) are of another encoding: those are left empty.

    `encoding` is asked only where it matters: finding it out takes reading the whole file.
    """
    if block.isascii():
        return block, []
    name = encoding()
    text = _decoded(block, name)
    if text is not None:
        return (block if name == "utf-8" else text.encode()), []
    lines = [_decoded(line, name) for line in block.split(b"\n")]
    wrong = [number for number, line in enumerate(lines) if line is None]
    return "\n".join(line or "" for line in lines).encode(), wrong
