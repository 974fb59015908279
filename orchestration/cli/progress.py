"""What a person sees while a run works: a bar on a terminal, one line per step and source otherwise."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.common import say

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

STEPS = {
    "land": "landing",
    "build_core": "building facts",
    "check_quality": "checking",
    "build_kpi": "building KPIs",
    "publish": "publishing",
    "tell": "telling",
}


class RunProgress(logging.Handler):
    """Hears what Dagster logs about a run: the steps as they start, and what they say at level INFO.

    Errors are left to the summary at the end, which says each of them once.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._bar: ProgressBar[int] | None = None

    def __enter__(self) -> RunProgress:
        if sys.stderr.isatty():
            self._bar = click.progressbar(length=len(STEPS), file=sys.stderr, width=24, show_eta=False)
            self._bar.render_progress()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.update(len(STEPS) - self._bar.pos)
            self._bar.render_finish()

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record of a Dagster logger."""
        about: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = about.get("dagster_event")
        if event is None:
            if record.levelno == logging.INFO:
                self._show(str(about.get("orig_message", record.getMessage())))
        elif event.event_type_value == "STEP_START":
            self._show(STEPS.get(event.step_key, event.step_key))
        elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE") and self._bar is not None:
            self._bar.update(1)

    def _show(self, text: str) -> None:
        if self._bar is None:
            say(text)
        else:
            self._bar.label = f"{text[:48]:<48}"
            self._bar.render_progress()
