"""`tillway run`: the production process."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from cyclopts import Parameter

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Environment, Json, Overrides, Project
from tillway.cli.output import emit, note

Seconds = Annotated[
    float | None, Parameter(name="--seconds", help="Stop by itself after so many seconds.")
]


def run(
    *,
    project: Project = HERE,
    env: Environment = "",
    set_: Overrides = (),
    seconds: Seconds = None,
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

    release = load_release(project, environment=env, overrides=set_, environ=os.environ)

    def started(address: str) -> None:
        note(f"{release.hub.name} listens at {address}; stop with Ctrl-C")

    crew = forked_crew(release)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_hub(release, crew, seconds=seconds, started=started))
    emit("run", {"stopped": "clean"}, lambda console: console.print("stopped cleanly"), json)
    return exit_codes.DONE
