"""Alerts, promises and metrics through the doors: the API, the command line, a Prometheus."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.test_flow_alerts import Desk, desk_of
from flows.world import ROUTE, World, until_async
from tillway.api.hub_file import read_hub_file
from tillway.watch.prometheus_rules import prometheus_rules
from tillway.watch.rules import RULES, RuleBook


@pytest.fixture
async def desk(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Give a hub that is watched, with one P1 open."""
    async with desk_of(world, tmp_path, monkeypatch) as made:
        await made.world.erp_mode("reject")
        await made.sell(3)
        await made.watch.look()
        yield made


async def asked(desk: Desk, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask the API as the command line does."""
    address = read_hub_file(desk.world.folder)
    assert address is not None
    headers = {"authorization": f"Bearer {address.token}"}
    method = "GET" if body is None else "POST"
    url = f"{desk.running.address}/api/v1/{path}"
    async with desk.world.session.request(method, url, json=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if answer.content_type != "text/csv" else text


async def verb(desk: Desk, *arguments: str) -> tuple[int, str]:
    """Run the command line beside the hub; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tillway", *arguments, "--project", str(desk.world.folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out + error).decode()


async def test_the_api_tells_of_alerts_and_takes_what_people_say(desk: Desk) -> None:
    """List, acknowledge, mute and test; who did it and why is on record."""
    status, found = await asked(desk, "alerts?priority=P1")
    assert status == 200
    [alert] = found["open"]
    assert (alert["rule"], alert["subject"], alert["money"]) == (
        *("SuccessRate", ROUTE),
        {"EUR": "12.00"},
    )
    assert {one["rule"] for one in found["rules"]} == set(RULES)
    body = {"name": alert["name"], "who": "ann", "reason": "on it"}
    status, done = await asked(desk, "alerts/ack", body)
    assert (status, done["alert"]["acknowledged_by"]) == (200, "ann")
    status, wrong = await asked(desk, "alerts/ack", {**body, "reason": ""})
    assert (status, wrong["code"]) == (400, "TW-7007")
    status, wrong = await asked(desk, "alerts/ack", {**body, "name": "ffff0000"})
    assert (status, wrong["code"]) == (404, "TW-7102")
    mute = {"rule": "StoreSilent", "until": "2026-11-20T18:00", "who": "ann", "reason": "painting"}
    status, done = await asked(desk, "alerts/mute", mute)
    assert (status, done["mute"]["until"]) == (200, "2026-11-20T17:00:00.000Z")
    status, done = await asked(desk, "alerts/test", {"who": "ann"})
    assert (status, done["receivers"]) == (200, {"operations": "", "pager": ""})
    verbs = {one.verb for one in await desk.running.hub.journal.actions(20)}
    assert {"alert.ack", "alert.mute", "alert.test"} <= verbs


async def test_the_api_tells_what_was_promised_and_kept(desk: Desk) -> None:
    """A row for each route, the same as CSV, and the series behind the charts."""
    status, found = await asked(desk, "sla?period=24h")
    assert status == 200
    rows = {one["route"]: one for one in found["routes"]}
    assert (rows[ROUTE]["dead"], rows[ROUTE]["met"], found["met"]) == (3, False, False)
    status, text = await asked(desk, "sla/export?period=7d")
    assert (status, text.splitlines()[0].split(",")[0]) == (200, "route")
    status, found = await asked(desk, f"flows?period=24h&flow=route/{ROUTE}")
    assert [one["failed"] for one in found["flows"][f"route/{ROUTE}"]] == [3]
    assert (await asked(desk, "sla?period=8d"))[0] == 400


async def test_the_command_line_does_the_same_beside_the_hub(desk: Desk) -> None:
    """Exit code 2 while something is open; the table of promises; a channel that works."""
    code, said = await verb(desk, "alerts", "list")
    assert code == 2, said
    assert "deliveries fail" in said
    [alert] = desk.open("SuccessRate")
    code, said = await verb(desk, "alerts", "ack", alert.name, "--reason", "on it")
    assert (code, alert.acked_because) == (0, "on it"), said
    code, said = await verb(desk, "alerts", "test", "pager", "--json")
    assert (code, json.loads(said)["receivers"]) == (0, {"pager": ""})
    code, said = await verb(desk, "status", "--sla")
    assert code == 2, said
    assert "How it is worked out" in said
    assert f"breach: {'2026-11-20'}" in said
    code, said = await verb(desk, "status", "--sla", "--csv")
    assert said.startswith("route,target,period"), said


@asynccontextmanager
async def prometheus(folder: Path, hub: str) -> AsyncIterator[str]:
    """Run a real Prometheus that scrapes a hub and has loaded its rules; give its address."""
    program = shutil.which("prometheus")
    if program is None:
        if "prometheus" in os.environ.get("TILLWAY_REQUIRE", ""):
            pytest.fail("prometheus is not on this machine, and TILLWAY_REQUIRE asks for it")
        pytest.skip("prometheus (Debian package prometheus) is not on this machine")
    (folder / "rules.yml").write_text(prometheus_rules(RuleBook({})))
    target = hub.partition("://")[2]
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        f"scrape_configs: [{{job_name: tillway, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def test_a_real_prometheus_scrapes_the_hub_and_runs_its_rules(
    desk: Desk, tmp_path: Path
) -> None:
    """Every rule is evaluated without an error, and a figure arrives as the hub tells it."""
    async with prometheus(tmp_path, desk.running.address) as address:

        async def told(path: str) -> Any:
            try:
                async with desk.world.session.get(f"{address}/api/v1/{path}") as answer:
                    return (await answer.json())["data"] if answer.ok else None
            except OSError:
                return None

        async def arrived() -> bool:
            found = await told('query?query=tillway_messages_waiting{state="dead"}')
            values = [float(one["value"][1]) for one in found["result"]] if found else []
            return 3.0 in values

        async def evaluated() -> bool:
            groups = (await told("rules"))["groups"]
            rules = groups[0]["rules"] if groups else []
            assert not [one["lastError"] for one in rules if one.get("lastError")]
            return bool(rules) and all(one["health"] == "ok" for one in rules)

        await until_async(arrived, "Prometheus has no figure of the hub")
        await until_async(evaluated, "Prometheus did not evaluate the rules")
