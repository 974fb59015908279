"""Entry point of `kpi`."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings

import click

from orchestration.cli import alerts, company, data, demo, run
from orchestration.cli.common import EXIT_FAILED

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--company", envvar="KPI_COMPANY", default="company", show_default=True, help="Company folder.")
@click.option("--debug", is_flag=True, help="Show tracebacks and library logs.")
@click.version_option(package_name="crossborder-kpi")
def cli(company: str, debug: bool) -> None:
    """Trusted KPIs for cross-border sellers: land, build, check, publish, alert."""
    os.environ["KPI_COMPANY"] = company
    logging.basicConfig(format="%(message)s", level=logging.INFO if debug else logging.ERROR)
    if not debug:
        for handler in logging.getLogger().handlers:
            handler.setLevel(logging.ERROR)  # a library that sets its own logger's level passes the root's
        warnings.simplefilter("ignore")


for command in (*company.commands, *run.commands, *data.commands, *alerts.commands, *demo.commands):
    cli.add_command(command)


def main() -> None:
    """Run `kpi`; unexpected errors end in one line and exit code 1, with `--debug` in a traceback."""
    os.environ.update({key: value for key, value in TELEMETRY_OFF.items() if key not in os.environ})
    try:
        code = cli.main(standalone_mode=False)
    except click.Abort:
        click.echo("interrupted; the next `kpi run` continues where this one stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        line = " ".join(str(error).split()) or type(error).__name__
        click.echo(f"Error: {line[:500]} (run again with --debug for the traceback)", err=True)
        sys.exit(EXIT_FAILED)
    sys.exit(code if isinstance(code, int) else 0)
