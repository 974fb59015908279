"""`python -m sandbox serve` and `python -m sandbox simulate`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from datetime import date, timedelta
from pathlib import Path

from sandbox.company import environment, write_company
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import State
from sandbox.world import World, simulate

SPARE_DAYS = 10
DEFAULT_AS_OF = date(2026, 3, 20)


def world_for(seed: int, days: int, orders_per_day: int, as_of: date) -> World:
    """A world with `days` closed days before `as_of`, and spare days after it for the clock to walk into."""
    start = as_of - timedelta(days=days)
    return simulate(seed, start, days + SPARE_DAYS, orders_per_day, as_of - timedelta(days=1))


def continued_world(memory: Path, args: argparse.Namespace) -> World:
    """The world that this folder was begun with, long enough for `as_of`; a new folder remembers the one asked for."""
    if not memory.exists():
        start, story = args.as_of - timedelta(days=args.days), args.as_of - timedelta(days=1)
        memory.write_text(
            json.dumps(
                {
                    "seed": args.seed,
                    "orders_per_day": args.orders_per_day,
                    "start": start.isoformat(),
                    "story_day": story.isoformat(),
                }
            )
            + "\n",
            "utf-8",
        )
    known = json.loads(memory.read_text("utf-8"))
    start = date.fromisoformat(known["start"])
    return simulate(
        known["seed"],
        start,
        (args.as_of - start).days + SPARE_DAYS,
        known["orders_per_day"],
        date.fromisoformat(known["story_day"]),
    )


def serve(args: argparse.Namespace) -> int:
    """Simulates, writes the company folder, serves until SIGTERM or until stdin closes."""
    folder = Path(args.dir)
    folder.mkdir(parents=True, exist_ok=True)
    world = continued_world(folder / "sandbox.json", args)
    server = SandboxServer(State(world, world_time(args.as_of)), args.port).start()
    write_company(folder, server.url, world.start, world.story_day)
    signal.signal(signal.SIGTERM, lambda *_: server.stop_soon())
    signal.signal(signal.SIGINT, lambda *_: server.stop_soon())
    ready = {
        "port": server.port,
        "url": server.url,
        "env": environment(server.url),
        "company": str(folder),
        "as_of": args.as_of.isoformat(),
    }
    print(json.dumps(ready), flush=True)

    def until_stdin_closes() -> None:
        while os.read(0, 4096):  # a parent that dies, even by SIGKILL, closes its end
            continue
        server.stop_soon()

    if not args.detached:
        threading.Thread(target=until_stdin_closes, daemon=True).start()
    server.wait()
    return 0


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="simulate, write the company folder, serve its platforms on loopback")
    run.add_argument("--dir", required=True)
    run.add_argument("--port", type=int, default=0)
    run.add_argument("--detached", action="store_true", help="keep serving when stdin closes")
    export = commands.add_parser("simulate", help="write the world's frames as Parquet")
    export.add_argument("--out", required=True)
    for command in (run, export):
        command.add_argument("--seed", type=int, default=7)
        command.add_argument("--days", type=int, default=60)
        command.add_argument("--orders-per-day", type=int, default=100)
        command.add_argument("--as-of", type=date.fromisoformat, default=DEFAULT_AS_OF)
    args = parser.parse_args(argv)
    if args.command == "serve":
        return serve(args)
    world = world_for(args.seed, args.days, args.orders_per_day, args.as_of)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    world.orders.to_parquet(out / "orders.parquet", index=False)
    world.items.to_parquet(out / "items.parquet", index=False)
    print(json.dumps({"orders": len(world.orders), "items": len(world.items), "out": str(out)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
