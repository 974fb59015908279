"""The reader of delimited text against Python's own csv module, and what it does with lines that do not fit."""

import csv
import io
import random
from pathlib import Path

import pytest

from ingestion.files.mapping import Mapping
from ingestion.files.records import read_records

WORDS = ["Mug", "", "a,b", 'the "big" one', '"', '""', "two\nlines", "杯子", " padded ", '27" screen', "x\r\ny", "é"]


def dialect(**settings: str) -> Mapping:
    return Mapping.model_validate({"entity": "product_cost", "columns": {}, **settings})


def read(path: Path, mapping: Mapping) -> tuple[list[list[str]], list[int], list[tuple[int, str]]]:
    rows, lines, bad = [], [], []
    for batch in read_records(path, mapping).batches:
        rows += [[cell or "" for cell in row.values()] for row in batch.cells.to_pylist()]
        lines += batch.lines.to_pylist()
        bad += batch.bad
    order = sorted(range(len(rows)), key=lambda n: lines[n])
    return [rows[n] for n in order], sorted(lines), sorted(bad)


@pytest.mark.parametrize("seed", range(40))
def test_what_the_csv_module_writes_is_read_back_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr("ingestion.files.delimited.BLOCK_BYTES", rng.choice([1, 20, 100, 10_000]))
    rows = [[rng.choice(WORDS) for _ in range(3)] + ["end"] for _ in range(rng.randrange(60))]
    out = io.StringIO(newline="")
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(out, delimiter=rng.choice(",;"), lineterminator=rng.choice(["\n", "\r\n"]), quoting=quoting)
    writer.writerow(["a", "b", "c", "d"])
    starts = []
    for row in rows:
        starts.append(out.getvalue().count("\n") + 1)
        writer.writerow(row)
    text = out.getvalue()
    path = tmp_path / "a.csv"
    path.write_bytes((text if rng.random() < 0.5 else text.rstrip("\r\n")).encode())
    expected = [[cell.replace("\r\n", "\n") for cell in row] for row in rows]
    delimiter = writer.dialect.delimiter
    assert read(path, dialect(delimiter=delimiter)) == (expected, starts, [])


@pytest.mark.parametrize("block", [1, 30, 10_000])
def test_an_inch_mark_in_an_unquoted_field_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("ingestion.files.delimited.BLOCK_BYTES", block)
    path = tmp_path / "a.csv"
    path.write_text('id,name\n1,27" screen\n2,mug\n3,24" screen\n4,cup\n')
    rows, lines, bad = read(path, dialect())
    assert rows == [["1", '27" screen'], ["2", "mug"], ["3", '24" screen'], ["4", "cup"]]
    assert (lines, bad) == ([2, 3, 4, 5], [])


@pytest.mark.parametrize("block", [1, 30, 10_000])
def test_broken_lines_keep_their_number_and_cost_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("ingestion.files.delimited.BLOCK_BYTES", block)
    lines = [
        b"\xef\xbb\xbfid,name", b"1,mug", b"", b"2,mug,more", b"  ", b'3,"open', b"4,mug", b'5,"a"b', b"6,\xff",
        b'7,"x', b'y"', b",", b'8,"z"', b'9,"last',
    ]  # fmt: skip
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(lines))
    rows, numbers, bad = read(path, dialect(encoding="utf-8"))
    assert rows == [["1", "mug"], ["4", "mug"], ["7", "x\ny"], ["", ""], ["8", "z"]]
    assert numbers == [2, 7, 10, 12, 13]
    assert bad == [
        (4, "3 columns, the header has 2"),
        (6, "unterminated quote"),
        (8, "misplaced quote"),
        (9, "bytes are not of the file's encoding"),
        (14, "unterminated quote"),
    ]


def test_a_last_line_of_foreign_bytes_and_no_line_feed_is_one_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,mug\n2,\xff")
    rows, _, bad = read(path, dialect(encoding="utf-8"))
    assert (rows, bad) == ([["1", "mug"]], [(3, "bytes are not of the file's encoding")])


def test_delimiter_quote_and_escape_are_the_declared_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id|name\n1|'a|b'\n2|'it\\'s'\n3|x,y\n")
    rows, _, bad = read(path, dialect(delimiter="|", quote="'", escape="\\"))
    assert (rows, bad) == ([["1", "a|b"], ["2", "it's"], ["3", "x,y"]], [])


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "保温杯"),
        ("utf-8-sig", "保温杯"),
        ("gb18030", "保温杯"),
        ("shift_jis", "マグカップ"),
        ("cp1252", "Café"),
    ],
)
def test_each_encoding_is_read_where_the_mapping_names_it(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"id,name\r\n1,{name}\r\n".encode(encoding))
    assert read(path, dialect(encoding=encoding.removesuffix("-sig")))[0] == [["1", name]]
