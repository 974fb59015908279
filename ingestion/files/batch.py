"""What every reader yields: a header, and bounded batches of text with the line each row starts at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class Batch:
    """Some rows of one file.

    `cells` has one text column per header, named by its position (`c0`, `c1`, …); null or blank means empty. `lines`
    holds where each row starts (int64, from 1). `bad` are (line, reason) of rows that do not fit the header.
    """

    cells: pa.Table
    lines: pa.Array
    bad: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Records:
    """One file: its header, stripped, and its rows. The batches can be read once."""

    header: list[str]
    batches: Iterator[Batch]


def names(header: list[str]) -> list[str]:
    """Column names of a batch."""
    return [f"c{position}" for position in range(len(header))]


def batch_of(header: list[str], rows: list[list[str | None]], lines: list[int]) -> Batch:
    """A batch from rows of Python text."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    arrays = [pa.array(column, pa.string()) for column in columns]
    return Batch(pa.table(arrays, names(header)), pa.array(lines, pa.int64()))
