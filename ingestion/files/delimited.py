"""Reads delimited text in blocks. Arrow parses the lines that are a record each; Python reads the few that may not be.

A quoted field may span lines, but only if the joined record fits the header; else the first line alone is at fault and
reading goes on with the next: an unterminated quote must not swallow the good rows behind it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from ingestion.files.batch import Batch, Records, batch_of, names
from ingestion.files.encoding import BLOCK_BYTES, UnreadableFileError, detect, to_utf8, whole_lines
from ingestion.files.mapping import Mapping

MAX_JOINED_LINES = 200
"""How many lines a quoted field may span; an unterminated quote is given up after them."""
_AHEAD_BYTES = 1 << 20
_LINE_FEED, _RETURN = b"\n"[0], b"\r"[0]
_Positions = npt.NDArray[np.intp]
_Mask = npt.NDArray[np.bool_]
_Parsed = tuple[pa.Table, _Positions, list[tuple[int, str]]]
"""Cells, the position of each row, and (position, reason) of lines of another width."""


class _OtherRecordsError(Exception):
    """Arrow and the survey disagree: then each line is judged by itself, which is slow and exact."""


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quote: str
    escape: str | None
    encoding: Callable[[], str]


def read_delimited(path: Path, delimiter: str, mapping: Mapping) -> Records:
    """Records of a CSV or TSV file. Raises UnreadableFileError where not even a header can be read."""
    declared = mapping.encoding
    encoding = cache(lambda: detect(path) if declared == "auto" else declared)
    dialect = _Dialect(delimiter, mapping.quote, mapping.escape, encoding)
    with path.open("rb") as file:
        header, offset, line = _header(file, dialect)
    return Records(header, _batches(path, dialect, header, offset, line))


def _header(file: BinaryIO, dialect: _Dialect) -> tuple[list[str], int, int]:
    """Header, and the offset and line (from 1) behind it."""
    offset, line = (3, 1) if file.read(3) == b"\xef\xbb\xbf" else (0, 1)
    while raw := whole_lines(file, offset, _AHEAD_BYTES):
        block = _Block(raw, dialect, file, offset + len(raw))
        for position in range(len(block)):
            if position in block.undecodable:
                raise UnreadableFileError("the header is not of the file's encoding")
            if not block.line(position).strip():
                continue
            cells, last, _ = block.record(position, width=None)
            if cells is None:
                raise UnreadableFileError("the header cannot be read")
            behind = sum(map(len, io.BytesIO(raw).readlines()[: last + 1]))
            return [cell.strip() for cell in cells], offset + behind, line + last + 1
        offset, line = offset + len(raw), line + len(block)
    raise UnreadableFileError("it is empty: not even a header")


def _batches(path: Path, dialect: _Dialect, header: list[str], offset: int, line: int) -> Iterator[Batch]:
    with path.open("rb") as file:
        while raw := whole_lines(file, offset, BLOCK_BYTES):
            offset += len(raw)
            block = _Block(raw, dialect, file, offset)
            yield block.batch(header, line)
            offset, line = offset + block.borrowed_bytes, line + len(block) + block.borrowed_lines


class _Block:
    """Whole lines of a file; a record may borrow from the lines behind them, which start at `offset` of `file`."""

    def __init__(self, raw: bytes, dialect: _Dialect, file: BinaryIO, offset: int) -> None:
        self.dialect, self._file, self._offset = dialect, file, offset
        self.text, wrong = to_utf8(raw, dialect.encoding)
        self.undecodable = set(wrong)
        self._closed = raw.endswith(b"\n")
        self.borrowed_lines = self.borrowed_bytes = 0

    def _is(self, byte: int) -> _Mask:
        found: _Mask = np.frombuffer(self.text, np.uint8) == byte
        return found

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def _ahead(self) -> list[bytes]:
        return io.BytesIO(whole_lines(self._file, self._offset, _AHEAD_BYTES)).readlines()

    @cached_property
    def ends(self) -> _Positions:
        """Where each line ends: its line feed, or the end of the block."""
        found = np.flatnonzero(self._is(_LINE_FEED))
        return found if self._closed else np.append(found, len(self.text))

    @cached_property
    def starts(self) -> _Positions:
        """Where each line starts."""
        return np.concatenate([[0], self.ends[:-1] + 1]).astype(np.intp)

    def line(self, position: int) -> str:
        """One line without its end."""
        start = int(self.ends[position - 1]) + 1 if position else 0
        return self.text[start : int(self.ends[position])].decode().removesuffix("\r")

    def batch(self, header: list[str], first_line: int) -> Batch:
        """All records that start in this block."""
        keep, suspects = self._survey()
        try:
            batch = self._judged(header, first_line, keep, suspects)
            if all(column.null_count for column in batch.cells.columns):
                # Arrow takes a blank line for a record of empty cells; only here can there be one.
                batch = self._judged(header, first_line, keep & ~self._blank(), suspects)
            return batch
        except _OtherRecordsError:
            return self._judged(header, first_line, np.zeros_like(keep), np.flatnonzero(~self._blank()).tolist())

    def _judged(self, header: list[str], first_line: int, keep: _Mask, suspects: list[int]) -> Batch:
        bad = [(n, "bytes are not of the file's encoding") for n in sorted(self.undecodable)]
        joined: list[list[str | None]] = []
        joined_lines: list[int] = []
        done = -1
        keep[suspects] = False
        for position in suspects:
            if position <= done or not self.line(position).strip():
                continue
            cells, done, reason = self.record(position, len(header))
            keep[position : done + 1] = False
            if cells is None:
                bad.append((position, reason))
            else:
                joined.append(list(cells))
                joined_lines.append(position)
        table, positions, unfit = self._parse(keep, header)
        borrowed = self._ahead[: done + 1 - len(keep)] if done >= len(keep) else []
        self.borrowed_lines, self.borrowed_bytes = len(borrowed), sum(map(len, borrowed))
        if joined:
            table = pa.concat_tables([table, batch_of(header, joined, []).cells])
            positions = np.concatenate([positions, joined_lines])
        return Batch(
            table,
            pa.array(positions + first_line, pa.int64()),
            [(position + first_line, reason) for position, reason in bad + unfit],
        )

    def _survey(self) -> tuple[_Mask, list[int]]:
        """Which lines hold a record each, unless blank, and the positions of those that Python has to judge."""
        text, quote = self.text, self.dialect.quote.encode()
        keep = np.ones(len(self), np.bool_)
        keep[list(self.undecodable)] = False
        suspect = np.zeros(len(keep), np.bool_)
        if quote in text:
            suspect[self._loosely_quoted()] = True
        if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
            returns = np.flatnonzero(self._is(_RETURN)[:-1])
            lone = returns[~self._is(_LINE_FEED)[returns + 1]]
            suspect[np.searchsorted(self.ends, lone)] = True
        if self.dialect.escape and self.dialect.escape.encode() in text:
            found = np.flatnonzero(self._is(ord(self.dialect.escape)))
            suspect[np.searchsorted(self.ends, found)] = True
        return keep, np.flatnonzero(suspect & keep).tolist()

    def _blank(self) -> _Mask:
        sizes = self.ends - self.starts
        first = np.frombuffer(self.text + b"\n", np.uint8)[self.starts]
        blank: _Mask = (sizes == 0) | ((sizes == 1) & (first == _RETURN))
        return blank

    def _loosely_quoted(self) -> _Positions:
        """Lines of which the quotes do not pair up as `"…"` around whole fields, doubled inside."""
        data = np.frombuffer(self.text, np.uint8)
        quote, delimiter = ord(self.dialect.quote), ord(self.dialect.delimiter)
        places = np.flatnonzero(data == quote)
        line = np.searchsorted(self.ends, places)
        first = np.searchsorted(places, self.starts)
        opens = (np.arange(len(places)) - first[line]) % 2 == 0
        before = np.where(places > 0, data[places - 1], _LINE_FEED)
        behind = np.where(places + 1 < len(data), data[np.minimum(places + 1, len(data) - 1)], _LINE_FEED)
        fits_before = (before == delimiter) | (before == _LINE_FEED) | (before == quote)
        fits_behind = (behind == delimiter) | (behind == _LINE_FEED) | (behind == quote) | (behind == _RETURN)
        wrong = line[np.where(opens, ~fits_before, ~fits_behind)]
        counts = np.bincount(line, minlength=len(self))
        return np.concatenate([wrong, np.flatnonzero(counts % 2)]).astype(np.intp)

    def record(self, position: int, width: int | None) -> tuple[list[str] | None, int, str]:
        """Cells of the record that starts at a line, its last line, and why there are none."""
        dialect = self.dialect
        reader = csv.reader(
            self._from(position),
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            escapechar=dialect.escape,
            strict=True,
        )
        try:
            cells = next(reader)
        except csv.Error as error:
            misplaced = reader.line_num == 1 and "end of data" not in str(error)
            return None, position, "misplaced quote" if misplaced else "unterminated quote"
        if width is None or len(cells) == width:
            return cells, position + reader.line_num - 1, ""
        spans = reader.line_num > 1
        return None, position, "unterminated quote" if spans else f"{len(cells)} columns, the header has {width}"

    def _from(self, position: int) -> Iterator[str]:
        """Lines from a position on, as far as one record may reach."""
        stop = min(len(self), position + MAX_JOINED_LINES)
        for number in range(position, stop):
            if number in self.undecodable:
                return
            yield self.line(number) + "\n"
        if stop < position + MAX_JOINED_LINES:
            for raw in self._ahead[: position + MAX_JOINED_LINES - stop]:
                text, wrong = to_utf8(raw, self.dialect.encoding)
                if wrong:
                    return
                yield text.decode().removesuffix("\n").removesuffix("\r") + "\n"

    def _parse(self, keep: _Mask, header: list[str]) -> _Parsed:
        """The kept lines by Arrow. Raises _OtherRecordsError where it does not see a record in each."""
        kept = np.flatnonzero(keep)
        text = self.text if len(kept) == len(keep) else self._without(keep)
        odd: list[tuple[int, int, str]] = []

        def note(row: pacsv.InvalidRow) -> str:
            odd.append((row.number, row.actual_columns, row.text))
            return "skip"

        if not text:
            return batch_of(header, [], []).cells, kept, []
        table = pacsv.read_csv(
            pa.BufferReader(text),
            pacsv.ReadOptions(use_threads=False, column_names=names(header), block_size=max(len(text), 1 << 16)),
            pacsv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote,
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(names(header), pa.string()),
                check_utf8=False,
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        if table.num_rows + len(odd) != len(kept):
            raise _OtherRecordsError
        fits = np.ones(len(kept), np.bool_)
        fits[[number - 1 for number, _, _ in odd]] = False
        unfit = [
            (int(kept[number - 1]), f"{columns} columns, the header has {len(header)}")
            for number, columns, line in odd
            if line.strip()
        ]
        return table, kept[fits], unfit

    def _without(self, keep: _Mask) -> bytes:
        """The kept lines only."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(np.int8)))
        starts, ends = self.starts, self.ends
        runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        return b"".join(self.text[starts[first] : ends[behind - 1] + 1] for first, behind in runs)
