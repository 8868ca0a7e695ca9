"""`tillway run`: the production process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Environment, Json, Overrides, Project
from tillway.cli.output import emit, note
from tillway.errors import TillwayError

Seconds = Annotated[
    float | None, Parameter(name="--seconds", help="Stop by itself after so many seconds.")
]
Log = Annotated[
    Literal["text", "json"] | None,
    Parameter(help="How what happens is written: text on stderr, or json, a line each, on stdout."),
]
_log = logging.getLogger("tillway.run")


def run(
    *,
    project: Project = HERE,
    env: Environment = "",
    set_: Overrides = (),
    seconds: Seconds = None,
    log: Log = None,
    json: Json = False,
) -> int:
    """Run the hub: take in, store, deliver, until SIGTERM, Ctrl-C or the given seconds.

    It stops intake first, finishes the calls in flight and leaves the rest pending; with --seconds
    it also delivers what can be delivered before it stops.

    Example: tillway run --project demo --seconds 60
    """
    import uvloop

    from tillway.assembly import forked_crew, run_hub
    from tillway.project import load_release

    set_ = (*set_, f"telemetry.log={log}") if log else set_
    release = load_release(project, environment=env, overrides=set_, environ=os.environ)
    machine = release.hub.log == "json"
    if machine:
        from tillway.watch.log_lines import json_logs

        json_logs(sys.stdout)

    def started(address: str) -> None:
        if machine:
            _log.info("%s listens at %s", release.hub.name, address)
        else:
            note(f"{release.hub.name} listens at {address}; stop with Ctrl-C")

    crew = forked_crew(release)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run_hub(release, crew, seconds=seconds, started=started))
        except TillwayError as error:
            if machine:
                _log.error("the hub had to stop: %s", error)
            raise
    if machine and not json:
        _log.info("stopped cleanly")
    else:
        emit("run", {"stopped": "clean"}, lambda console: console.print("stopped cleanly"), json)
    return exit_codes.DONE
