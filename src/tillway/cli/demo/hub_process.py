"""The hub as a process of its own, started again whenever it dies, as a service manager would."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp

from tillway.api import read_hub_file
from tillway.errors import ConfigurationError

START_SECONDS = 20.0
STOP_SECONDS = 20.0
RESTART_SECONDS = 0.2
POLL_SECONDS = 0.02
LOG_FILE = ".state/hub.log"
READY = 200


class HubProcess:
    """`tillway run` for one project.

    restarts counts how often it had to be started again; control is the address of the stage's
    buttons, "" for none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.restarts = 0
        self.control = ""
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> str:
        """Start the hub and keep it running; returns its address once doors are open."""
        await self._spawn()
        address = await self.ready()
        self._keeper = asyncio.create_task(self._keep())
        return address

    async def ready(self) -> str:
        """Return the address of the running hub as soon as it answers.

        Raises ConfigurationError TW-7601 when it ends instead, or does not answer in time.
        """
        async with aiohttp.ClientSession() as session:
            try:
                async with asyncio.timeout(START_SECONDS):
                    return await self._answering(session)
            except TimeoutError:
                raise self._not_started(f"no answer within {START_SECONDS:g} s") from None

    def kill(self) -> None:
        """Kill the hub at once (SIGKILL); it is started again."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask the hub to end cleanly and return its exit code."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    async def _spawn(self) -> None:
        log = self.folder / LOG_FILE
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = dict(os.environ)
        if self.control:
            environment["TILLWAY__DEV__CONTROL"] = self.control
        with log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tillway", "run", "--project", str(self.folder)),
                stdout=output,
                stderr=output,
                stdin=asyncio.subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )

    async def _keep(self) -> None:
        while not self._stopping:
            assert self._process is not None
            await self._process.wait()
            await asyncio.sleep(RESTART_SECONDS)
            self.restarts += 1
            await self._spawn()

    async def _answering(self, session: aiohttp.ClientSession) -> str:
        while True:
            process = self._process
            assert process is not None
            if process.returncode is not None and self._keeper is None:
                raise self._not_started(f"it ended with exit code {process.returncode}")
            address = read_hub_file(self.folder)
            if address is not None and address.pid == process.pid:
                try:
                    async with session.get(f"{address.url}/readyz") as answer:
                        if answer.status == READY:
                            return address.url
                except aiohttp.ClientError:
                    pass
            await asyncio.sleep(POLL_SECONDS)

    def _not_started(self, why: str) -> ConfigurationError:
        log = self.folder / LOG_FILE
        last = log.read_text("utf-8", "replace").splitlines()[-3:] if log.exists() else []
        return ConfigurationError(
            "TW-7601", f"the hub did not start: {why}", log=str(log), said=" | ".join(last)
        )
