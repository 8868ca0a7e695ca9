"""`python -m browser --out file.json`: every screen and every incident story in a real browser.

It leaves with 1 when axe finds something, a page breaks the content policy, a story does not end
well, or the page of 600 stores takes a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import async_playwright

from browser.chromium import QUIET, found_or_installed
from browser.stories import STORIES, Told, told
from browser.walk import Seen
from browser.worlds import many_stores, trading_world
from tillway.console.screens import SCREENS

MOST_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """What the walk and the stories gave."""

    screens: list[Seen]
    many: Seen
    stories: list[Told]

    @property
    def fine(self) -> bool:
        """Say whether there is nothing to mend."""
        seen = [*self.screens, self.many]
        clean = all(not one.axe and not one.csp for one in seen)
        quick = self.many.load_ms < MOST_MILLISECONDS
        return clean and quick and all(one.ok for one in self.stories)

    def as_json(self) -> dict[str, object]:
        """Return the report as it is written."""
        screens = [one.as_json() for one in (*self.screens, self.many)]
        return {"screens": screens, "stories": [one.as_json() for one in self.stories]}

    def say(self) -> None:
        """Print a line for each screen and each story."""
        for one in (*self.screens, self.many):
            say(one)
        for story in self.stories:
            end = "ok" if story.ok else "FAILED"
            sys.stdout.write(f"{story.name}: {end}, {story.clicks} clicks {story.said}\n")
        rows = len(SCREENS)
        sys.stdout.write(f"{len(self.screens)} of {rows} rows of the table are pages\n")


async def run(browser_path: str, folder: Path, shots: Path) -> Report:
    """Walk and play."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=list(QUIET))
        screens = await trading_world(browser, folder / "walk", shots)
        many = await many_stores(browser, folder / "many", shots)
        stories = [await told(browser, name, folder / name[0], shots) for name in STORIES]
        await browser.close()
    return Report(screens, many, stories)


def say(one: Seen) -> None:
    """Print one line for a screen."""
    sys.stdout.write(f"{one.name}: axe {len(one.axe)}, csp {len(one.csp)}, {one.load_ms} ms\n")
    for line in (*one.axe, *one.csp):
        sys.stdout.write(f"  {line}\n")


def main() -> int:
    """Read the options, run, and write the report."""
    options = argparse.ArgumentParser(prog="browser")
    options.add_argument("--out", type=Path, default=Path("browser.json"))
    options.add_argument("--shots", type=Path, default=None)
    given = options.parse_args()
    shots = given.shots or given.out.with_suffix("")
    shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("walk", "many", *(story[0] for story in STORIES)):
            (folder / part).mkdir()
        report = asyncio.run(run(found_or_installed(), folder, shots))
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    given.out.write_text(f"{text}\n", "utf-8")
    report.say()
    return 0 if report.fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
