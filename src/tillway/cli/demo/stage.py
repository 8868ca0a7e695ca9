"""Everything `tillway dev` puts on stage, in processes of their own but for the stores.

The hub, the stand-in ERP and the stores only know each other's addresses, so each can be broken,
killed or taken offline without the others knowing.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec

from tillway.cli.demo.hub_process import HubProcess
from tillway.cli.demo.senders import project_senders
from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.project import load_release
from tillway.project.records import Release
from tillway.simulator.erp_client import set_mode, start_erp, stop_erp
from tillway.simulator.fault_plan import NO_FAULTS, FaultPlan
from tillway.simulator.feed import Feed
from tillway.simulator.pacing import Pace
from tillway.simulator.plan import ChainPlan
from tillway.simulator.truth import TruthWriter

TRUTH_FILE = ".state/truth.jsonl"
ERP_FOLDER = ".state/erp"
ERP_SYSTEM = "erp"
LONGEST_CLOSING_SECONDS = 20.0


class Scene(msgspec.Struct):
    """What is played: which chain, how fast, with which faults."""

    plan: ChainPlan
    pace: Pace
    faults: FaultPlan = NO_FAULTS


class Stage:
    """Starts and stops the parts, and does to them what a person asks."""

    def __init__(self, folder: Path, scene: Scene, clock: Clock) -> None:
        self.folder = folder
        self.scene = scene
        self.clock = clock
        self.release: Release = load_release(folder, environ=os.environ)
        if ERP_SYSTEM not in self.release.targets:
            raise ConfigurationError(
                "TW-7605", f"there is no target `{ERP_SYSTEM}` to stand in for", path="systems/"
            )
        self.hub = HubProcess(folder)
        self.hub_address = ""
        self.erp_address = ""
        self.erp_broken = False
        self.feed: Feed | None = None
        self.truth_path = folder / TRUTH_FILE
        self._erp: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._truth: TruthWriter | None = None
        self._playing: asyncio.Task[object] | None = None

    async def open(self) -> None:
        """Start the ERP and the hub, and let the stores begin to sell."""
        port = urlsplit(str(self.release.targets[ERP_SYSTEM].settings["url"])).port or 0
        (self.folder / ERP_FOLDER).mkdir(parents=True, exist_ok=True)
        self._session = aiohttp.ClientSession()
        # One after the other, so that close() knows what there is to stop if the next one fails.
        self._erp, self.erp_address = await start_erp(self.folder / ERP_FOLDER, port)
        self.hub_address = await self.hub.start()
        self._truth = TruthWriter(self.truth_path, self.scene.plan, self.scene.faults)
        self.feed = Feed(
            self.scene.plan,
            project_senders(
                self.release, self.scene.plan, self._session, self.clock, self.hub_address
            ),
            self.clock,
            pace=self.scene.pace,
            faults=self.scene.faults,
            truth=self._truth,
            erp_switch=self._switch_erp,
        )
        self._playing = asyncio.create_task(self.feed.run())

    @property
    def session(self) -> aiohttp.ClientSession:
        """Return the HTTP session of the stage."""
        assert self._session is not None, "open() first"
        return self._session

    async def last_curtain(self) -> None:
        """Let the stores end their day with the ERP healed: close, count, deposit, hand over.

        Acquirer and bank tell their side of it then. A day that does not end is broken off.
        """
        await self.heal_erp()
        if self.feed is not None and self._playing is not None:
            for store in list(self.feed.progress.offline):
                self.bring_online(store)
            await asyncio.wait({self._playing}, timeout=LONGEST_CLOSING_SECONDS)
            self.feed.stop()
            await self._playing
        if self._truth is not None:
            self._truth.close()
            self._truth = None

    async def close(self) -> None:
        """Stop everything; safe at any moment."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        await self.hub.stop()
        if self._erp is not None:
            await stop_erp(self._erp)
        if self._session is not None:
            await self._session.close()

    # --- what a person may do ---------------------------------------------------------------

    async def break_erp(self) -> None:
        """Let the ERP answer 503 to everything."""
        await set_mode(self.session, self.erp_address, "down")
        self.erp_broken = True

    async def heal_erp(self) -> None:
        """Let the ERP work again."""
        await set_mode(self.session, self.erp_address, "up")
        self.erp_broken = False

    def take_offline(self, store: str) -> None:
        """Cut a store from the hub; it goes on selling."""
        assert self.feed is not None
        self.feed.set_offline(store, offline=True)

    def bring_online(self, store: str) -> None:
        """Reach a store again; it hands over what it kept."""
        assert self.feed is not None
        self.feed.set_offline(store, offline=False)

    def send_unknown_tender(self) -> None:
        """Let the next plain sale be paid with a tender that no code table knows."""
        assert self.feed is not None
        self.feed.send_unknown_tender()

    def send_duplicate(self) -> None:
        """Hand over the latest document once more."""
        assert self.feed is not None
        self.feed.send_duplicate()

    async def _switch_erp(self, down: bool) -> None:
        await (self.break_erp() if down else self.heal_erp())
