"""What a timed demo does by itself: everything a person would press, and then it mends it."""

from __future__ import annotations

from collections.abc import Sequence

from tillway.cli.demo.buttons import Buttons
from tillway.clock import Clock

SELLING_SHARE = 0.7
"""Share of the time in which stores sell; the rest is for mending and draining."""
ACTS: Sequence[tuple[float, str]] = (
    (0.15, "duplicate"),
    (0.20, "break-erp"),
    (0.30, "store-offline"),
    (0.35, "unknown-tender"),
    (0.45, "heal-erp"),
    (0.60, "store-online"),
)
"""(share of the whole time, button)"""


async def play(buttons: Buttons, seconds: float, clock: Clock) -> None:
    """Press the buttons at their times, and return when the stores should stop selling."""
    started = clock.monotonic()
    for share, action in ACTS:
        await clock.sleep(max(0.0, started + share * seconds - clock.monotonic()))
        await buttons.press(action, {})
    await clock.sleep(max(0.0, started + SELLING_SHARE * seconds - clock.monotonic()))
