"""A project of the cloud-ledger template that only takes in money: bank statements and Adyen."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from flows.world import Running, World
from tillway.project.template import Variables, new_project
from vendors.adyen_account import KEY

KEPT = ("bank", "adyen", "adyen_report")
STORES = """\
business_unit_id,name,time_zone,country,currency,system,registers,api_key_sha256
0101,Maple Street,Europe/Berlin,DE,EUR,adyen,1,
0102,Harbour Row,Europe/Berlin,DE,EUR,adyen,1,
"""
Message = dict[str, Any]


@asynccontextmanager
async def money_world(folder: Path) -> AsyncIterator[World]:
    """Give the project, quick where a real one is patient; `mt940` is a second bank."""
    project = folder / "project"
    new_project(project, "cloud-ledger", Variables("money", 0), Random(7).randbytes)
    shutil.rmtree(project / "routes")
    for file in (project / "systems").iterdir():
        if file.stem not in KEPT:
            file.unlink()
    # What is reconciled names systems that are not there; a test that wants it writes its own.
    shutil.rmtree(project / "recon")
    (project / "stores.csv").write_text(STORES)
    secrets = f'pseudonym_key = "{"k" * 32}"\nadyen_hmac_key = "{KEY}"\n'
    (project / "secrets.toml").write_text(secrets)
    for name in ("bank", "adyen_report"):
        file = project / "systems" / f"{name}.toml"
        text = file.read_text().replace("poll_seconds = 5.0", "poll_seconds = 0.02")
        file.write_text(text.replace('ready = "unchanged"', 'ready = "renamed"'))
    camt = (project / "systems" / "bank.toml").read_text()
    other = camt.replace('format = "camt"', 'format = "mt940"').replace("inbox/bank", "inbox/mt940")
    (project / "systems" / "mt940.toml").write_text(other)
    async with aiohttp.ClientSession() as session:
        yield World(project, "", folder, session)


async def stored(running: Running, message_type: str) -> list[Message]:
    """Return every message of a type in the journal, in its order."""
    found = await running.hub.journal.read(0, 10_000)
    return [json.loads(one.canonical) for one in found if one.envelope.message_type == message_type]


def kept_in(folder: Path) -> bytes:
    """Return everything that the hub itself keeps on the disk."""
    files = [file for file in (folder / ".state").rglob("*") if file.is_file()]
    return b"".join(file.read_bytes() for file in files)
