"""The landing page of `data/quality/`: the last verdicts at a glance, one static file, no script, no network."""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path

from expectations.probe import Suite, Verdict

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%;margin-bottom:2rem}
th,td{text-align:left;padding:.35rem .7rem;border-bottom:1px solid #d8dee4;vertical-align:top}
th{font-weight:600;background:#f6f8fa}.passed{color:#1a7f37}.warned{color:#9a6700}.failed{color:#cf222e}
td:first-child{font-weight:600;white-space:nowrap}code{font-size:.9em}
"""
_ORDER = {"failed": 0, "warned": 1, "passed": 2}


def outcome(verdict: Verdict) -> str:
    """`passed`, `warned` or `failed`."""
    if verdict.passed:
        return "passed"
    return "failed" if verdict.severity == "fail" else "warned"


def write_landing_page(quality_dir: Path, run_id: str, suites: list[Suite], verdicts: list[Verdict]) -> Path:
    """Write `index.html` and return its path; failures come first."""
    counts = {word: sum(outcome(v) == word for v in verdicts) for word in _ORDER}
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Data quality</title>",
        f"<style>{_STYLE}</style></head><body><h1>Data quality</h1>",
        f"<p>Run <code>{escape(run_id)}</code>: <span class='failed'>{counts['failed']} failed</span>, ",
        f"<span class='warned'>{counts['warned']} warned</span>, ",
        f"<span class='passed'>{counts['passed']} passed</span>. A failed check holds its store back from ",
        "publication; a warning is published and reported.</p>",
        "<p>See also: <a href='docs/index.html'>Data Docs of this run</a> · <a href='../evidence/'>evidence</a></p>",
    ]
    for suite in suites:
        parts.append(f"<h2>{escape(suite.name.capitalize())}</h2><p>{escape(suite.asks)}</p>")
        parts.append("<table><tr><th>Verdict</th><th>Store</th><th>Check</th><th>Observed</th><th>Look at</th></tr>")
        own = [v for v in verdicts if v.suite == suite.name]
        for v in sorted(own, key=lambda v: (_ORDER[outcome(v)], v.store_id or "", v.check)):
            word = outcome(v)
            parts.append(
                f"<tr><td class='{word}'>{word}</td><td>{escape(v.store_id or 'all')}</td><td>{escape(v.check)}</td>"
                f"<td>{escape(v.observed)}</td><td><code>{escape(v.asset)}</code></td></tr>"
            )
        parts.append("</table>")
    parts.append("</body></html>")
    quality_dir.mkdir(parents=True, exist_ok=True)
    page = quality_dir / "index.html"
    draft = page.with_suffix(".new")
    draft.write_text("".join(parts), encoding="utf-8")
    return draft.replace(page)


def prune(docs: Path, runs_kept: int) -> None:
    """Remove the result pages of all but the newest runs; run ids sort as time."""
    for suite in (docs / "validations").glob("*"):
        for old in sorted(suite.iterdir())[:-runs_kept]:
            shutil.rmtree(old)
