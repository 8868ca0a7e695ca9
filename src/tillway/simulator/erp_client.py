"""Starts, steers and reads the stand-in ERP from another process."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tillway.errors import ConfigurationError, NotConnected
from tillway.simulator.erp_moods import Loss, Mode

START_SECONDS = 10.0
STOP_SECONDS = 10.0
CALL_SECONDS = 5.0
READY_FILE = "ready"


@asynccontextmanager
async def running_erp(data: Path, port: int = 0) -> AsyncIterator[str]:
    """Run the ERP as a process of its own and give its address; it is stopped at the end.

    data: folder of its ledger. Raises ConfigurationError TW-7503 when it does not start.
    """
    process, address = await start_erp(data, port)
    try:
        yield address
    finally:
        await stop_erp(process)


async def start_erp(data: Path, port: int = 0) -> tuple[Process, str]:
    """Start the ERP and wait until it answers; returns the process and its address.

    Raises ConfigurationError TW-7503 when it does not start.
    """
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    ready = data / READY_FILE
    await asyncio.to_thread(ready.unlink, missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tillway.simulator.erp",
        *("--port", str(port), "--data", str(data), "--ready-file", str(ready)),
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(ready.exists):
                if process.returncode is not None:
                    raise _not_started(f"it ended with exit code {process.returncode}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        await stop_erp(process)
        raise _not_started(f"no answer within {START_SECONDS:g} s") from None
    return process, (await asyncio.to_thread(ready.read_text, "utf-8")).strip()


async def stop_erp(process: Process) -> None:
    """End the process: first politely, then for good."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def set_mode(session: aiohttp.ClientSession, address: str, mode: Mode, **more: Any) -> None:
    """Change how the ERP behaves; more holds other fields of the control request.

    Raises NotConnected TW-7504.
    """
    await _call(session, "POST", f"{address}/control", {"mode": mode, **more})


async def lose_answer(
    session: aiohttp.ClientSession, address: str, receipt_key: str, loss: Loss
) -> None:
    """Let the ERP book the next call with this receipt and give no answer to it.

    Raises NotConnected TW-7504.
    """
    await _call(session, "POST", f"{address}/control", {"lose_answers": {receipt_key: loss}})


async def erp_totals(session: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    """Return what is booked: count, repeats and totals per type and currency; and the calls.

    calls, refused and unanswered count since the ERP started; mode is its mood.
    Raises NotConnected TW-7504.
    """
    totals: dict[str, Any] = await _call(session, "GET", f"{address}/totals", None)
    return totals


async def _call(session: aiohttp.ClientSession, method: str, url: str, body: Any) -> Any:
    try:
        async with session.request(
            method, url, json=body, timeout=aiohttp.ClientTimeout(total=CALL_SECONDS)
        ) as answer:
            answer.raise_for_status()
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NotConnected("TW-7504", f"the stand-in ERP does not answer: {error}") from error


def _not_started(why: str) -> ConfigurationError:
    return ConfigurationError("TW-7503", f"the stand-in ERP did not start: {why}")
