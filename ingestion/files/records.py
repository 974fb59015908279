"""Reads a dropped file by its suffix, whatever its format."""

from __future__ import annotations

from pathlib import Path

from ingestion.files.batch import Records
from ingestion.files.delimited import read_delimited
from ingestion.files.encoding import UnreadableFileError
from ingestion.files.mapping import Mapping
from ingestion.files.tabular import read_jsonl, read_parquet, read_workbook


def read_records(path: Path, mapping: Mapping, zone: str = "UTC") -> Records:
    """Header and batches of a CSV, TSV, XLSX, JSONL or Parquet file; `zone` is the one its times are meant in.

    Raises UnreadableFileError for a file that cannot be read at all; a batch raises nothing but OSError.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".tsv", ".txt"):
            return read_delimited(path, "\t" if suffix == ".tsv" else mapping.delimiter, mapping)
        if suffix == ".xlsx":
            return read_workbook(path, mapping.decimal_mark)
        if suffix == ".jsonl":
            return read_jsonl(path, mapping.decimal_mark)
        if suffix == ".parquet":
            return read_parquet(path, mapping.decimal_mark, zone)
    except (UnreadableFileError, OSError):
        raise
    except Exception as error:
        raise UnreadableFileError(f"not a readable {suffix[1:]} file ({error.__class__.__name__})") from error
    raise UnreadableFileError(f"unknown format `{suffix}`; use csv, tsv, xlsx, jsonl or parquet")
