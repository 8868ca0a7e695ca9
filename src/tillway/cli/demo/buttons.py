"""What the buttons and keys do to the stage, under the names the status page uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tillway.cli.demo.stage import Stage

KEYS = {
    "b": "break-erp",
    "h": "heal-erp",
    "o": "store-offline",
    "u": "unknown-tender",
    "d": "duplicate",
    "k": "kill-hub",
}
HELP = "b break the ERP · h heal it · o store offline/online · u unknown tender · d duplicate · k kill the hub · q quit"  # noqa: E501 - one line on screen


class Buttons(msgspec.Struct):
    """Carries out one action by name; `said` is the last thing that was done, for the screen."""

    stage: Stage
    said: str = msgspec.field(default="")

    async def press(self, action: str, fields: Mapping[str, str]) -> None:
        """Do it. Raises KeyError for an action nobody knows."""
        actions: dict[str, Callable[[Mapping[str, str]], Awaitable[str]]] = {
            "break-erp": self._break_erp,
            "heal-erp": self._heal_erp,
            "store-offline": self._offline,
            "store-online": self._online,
            "unknown-tender": self._unknown_tender,
            "duplicate": self._duplicate,
            "kill-hub": self._kill_hub,
        }
        self.said = await actions[action](fields)

    async def key(self, letter: str) -> None:
        """Do what a key stands for; `o` toggles the first store, unknown keys do nothing."""
        action = KEYS.get(letter)
        if action is None:
            return
        assert self.stage.feed is not None
        if action == "store-offline" and self.stage.feed.progress.offline:
            action = "store-online"
        await self.press(action, {})

    async def _break_erp(self, _fields: Mapping[str, str]) -> str:
        await self.stage.break_erp()
        return "the ERP is broken: sales wait, nothing is lost"

    async def _heal_erp(self, _fields: Mapping[str, str]) -> str:
        await self.stage.heal_erp()
        return "the ERP is healed: each till drains in its order"

    async def _offline(self, fields: Mapping[str, str]) -> str:
        store = self._store(fields)
        self.stage.take_offline(store)
        return f"store {store} is offline and goes on selling"

    async def _online(self, fields: Mapping[str, str]) -> str:
        assert self.stage.feed is not None
        offline = sorted(self.stage.feed.progress.offline)
        store = fields.get("store") or (offline[0] if offline else self._store(fields))
        self.stage.bring_online(store)
        return f"store {store} is online and hands over what it kept"

    async def _unknown_tender(self, _fields: Mapping[str, str]) -> str:
        self.stage.send_unknown_tender()
        return "the next sale is paid with a tender nobody knows: it will be quarantined"

    async def _duplicate(self, _fields: Mapping[str, str]) -> str:
        self.stage.send_duplicate()
        return "the latest sale is sent once more: it will be a duplicate"

    async def _kill_hub(self, _fields: Mapping[str, str]) -> str:
        self.stage.hub.kill()
        return "the hub was killed and starts again: nothing acknowledged is lost"

    def _store(self, fields: Mapping[str, str]) -> str:
        return fields.get("store") or self.stage.scene.plan.store_plans()[-1].business_unit_id
