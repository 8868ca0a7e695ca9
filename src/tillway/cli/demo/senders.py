"""The senders of every simulated store, as the project's own systems say where to hand over."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from tillway.clock import Clock
from tillway.project.records import Release
from tillway.project.template import KEYS_FILE
from tillway.simulator.hub_senders import hub_senders
from tillway.simulator.plan import ChainPlan
from tillway.simulator.senders import Sender


def project_senders(
    release: Release,
    plan: ChainPlan,
    session: aiohttp.ClientSession,
    clock: Clock,
    hub_address: str,
) -> dict[str, Sender]:
    """Return a sender for each shop; keys come from the file that `tillway init` wrote."""
    doors = {
        name: hub_address + str(source.settings["path"])
        for name, source in release.sources.items()
        if source.connector == "http" and "path" in source.settings
    }
    keys_file = release.folder / KEYS_FILE
    keys = json.loads(keys_file.read_text("utf-8"))["stores"] if keys_file.exists() else {}
    return hub_senders(
        plan,
        session,
        clock,
        doors=doors,
        folders=watched_folders(release),
        keys=keys,
        run=f"{clock.now() // 1_000_000:x}",
    )


def watched_folders(release: Release) -> dict[str, Path]:
    """Return system -> the folder its files are dropped into."""
    return {
        name: release.folder / str(source.settings["folder"])
        for name, source in release.sources.items()
        if source.connector == "files"
    }
