"""Prints a frame as a table, as CSV or as JSON."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd


def render(frame: pd.DataFrame, output: str) -> str:
    """`table`, `csv` or `json` (a list of objects), ending with a newline; unknown values are empty or null."""
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    names = [str(name) for name in frame.columns]
    if output == "json":
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, indent=2) + "\n"
    if output == "csv":
        return str(pd.DataFrame(rows, columns=names, dtype=object).to_csv(index=False))
    cells = [names, *[["" if value is None else _shown(value) for value in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    return "".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in cells
    )


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "date"):
        return value.date().isoformat()
    if isinstance(value, date | Decimal):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def _shown(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value == int(value) else f"{value:.4f}"
