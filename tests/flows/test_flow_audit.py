"""The audit chain of a running hub: whoever changes it is found, beside the hub and by it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import apsw
import pytest

from flows.world import World
from tillway.access import AuditFiles
from tillway.api.client import client_of
from tillway.cli import exit_codes
from tillway.cli.app import run_verb

RULE = "AuditChainBroken"
REASON = "for the test"
DEEDS = 4


def change(db: apsw.Connection, _files: AuditFiles) -> None:
    """Let an entry say something else; the link to the next one no longer fits."""
    db.execute("UPDATE action SET who = 'eve' WHERE action_id = 2")


def remove_the_last(db: apsw.Connection, _files: AuditFiles) -> None:
    """Cut the newest entry off, with the checkpoint of the journal that knows of it."""
    [(last,)] = db.execute("SELECT max(action_id) FROM action").fetchall()
    db.execute("DELETE FROM action WHERE action_id = ?", (last,))
    db.execute("DELETE FROM audit_checkpoint WHERE count = ?", (last,))


def forge(_db: apsw.Connection, files: AuditFiles) -> None:
    """Let the checkpoint beside the journal vouch for fewer entries than it was signed for."""
    stored = json.loads(files.checkpoint.read_bytes())
    stored["count"] -= 1
    files.checkpoint.write_text(json.dumps(stored))


def nothing(_db: apsw.Connection, _files: AuditFiles) -> None:
    """Change nothing: the control."""


@pytest.mark.parametrize(
    ("attack", "codes"),
    [
        (nothing, set()),
        (change, {"TW-8311"}),
        (remove_the_last, {"TW-8313", "TW-8316"}),
        (forge, {"TW-8315"}),
    ],
)
async def test_a_chain_that_was_touched_is_told_by_verb_api_and_alert(
    world: World,
    attack: Callable[[apsw.Connection, AuditFiles], None],
    codes: set[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`tillway verify` beside the hub, the operation `verify` of it, and the alert agree."""

    async def verb() -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        arguments = ["verify", "--json", "--project", str(world.folder)]
        code = await asyncio.to_thread(run_verb, arguments)
        return code, json.loads(capsys.readouterr().out)["audit"]

    async with world.running() as running:
        hub, client = running.hub, client_of(world.folder)
        for number in range(DEEDS):
            asked = {"name": f"screen{number}", "roles": ["viewer"], "reason": REASON}
            await asyncio.to_thread(client.post, "/api/v1/access/keys/add", asked)
        await hub.notary.sign()
        assert (await verb())[0] == exit_codes.DONE
        db = apsw.Connection(str(hub.journal.path))
        attack(db, AuditFiles.beside(hub.journal.path))
        db.close()
        code, told = await verb()
        answer = (await asyncio.to_thread(client.get, "/api/v1/verify"))["audit"]
        await hub.watch.look()
        alerts = [one for one in hub.watch.open_alerts() if one.rule == RULE]
    for audit in (told, answer):
        assert {one["code"] for one in audit["findings"]} == codes
        assert audit["holds"] == (not codes)
    assert code == (exit_codes.FAILED if codes else exit_codes.DONE)
    assert bool(alerts) == bool(codes)
    assert not codes or alerts[0].detail


async def test_a_hub_finds_by_itself_what_was_changed_while_it_slept(world: World) -> None:
    """The whole chain is checked at the start: an old entry that was changed raises the alert."""
    async with world.running() as running:
        client = client_of(world.folder)
        for number in range(DEEDS):
            asked = {"name": f"screen{number}", "roles": ["viewer"], "reason": REASON}
            await asyncio.to_thread(client.post, "/api/v1/access/keys/add", asked)
        path = running.hub.journal.path
    db = apsw.Connection(str(path))
    change(db, AuditFiles.beside(path))
    db.close()
    async with world.running() as running, asyncio.timeout(60):
        while not running.hub.notary.broken:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
        await running.hub.watch.look()
        assert [one.rule for one in running.hub.watch.open_alerts() if one.rule == RULE]
