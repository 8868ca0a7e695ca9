"""`python -m browser --out file.json`: every screen and every story in a real browser.

It leaves with 1 when axe finds something, a page breaks the content policy, a story does not end
well, a planted script runs, or the page of 600 stores takes a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from browser.attack import attack
from browser.chromium import QUIET, found_or_installed
from browser.plain import without_scripts
from browser.report import Report
from browser.steady import steady
from browser.stories import STORIES, told
from browser.walk import say
from browser.worlds import empty_world, many_stores, trading_world


async def run(browser_path: str, folder: Path, shots: Path) -> Report:
    """Walk and play; each part has a hub of its own in a folder of its own."""
    report = Report()
    count = 0

    def own() -> Path:
        nonlocal count
        count += 1
        made = folder / str(count)
        made.mkdir()
        return made

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=list(QUIET))
        report.many = await many_stores(browser, own(), shots)
        report.screens += await trading_world(browser, own(), shots)
        report.screens += await empty_world(browser, own(), shots)
        await _play(report, browser, own, shots)
        await browser.close()
    return report


async def _play(report: Report, browser: Browser, own: Callable[[], Path], shots: Path) -> None:
    for name in STORIES:
        report.stories.append(await told(browser, name, own(), shots))
        say(f"{name}: {report.stories[-1]}")
    report.stories.append(await attack(browser, own()))
    report.stories.append(await without_scripts(browser, own()))
    report.stories.append(await steady(browser, own()))


def main() -> int:
    """Read the options, run, and write the report."""
    options = argparse.ArgumentParser(prog="browser")
    options.add_argument("--out", type=Path, default=Path("browser.json"))
    options.add_argument("--shots", type=Path, default=None, help="beside OUT without it")
    given = options.parse_args()
    shots = given.shots or given.out.with_suffix("")
    shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        report = asyncio.run(run(found_or_installed(), Path(name), shots))
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    given.out.write_text(f"{text}\n", "utf-8")
    report.told()
    return 0 if report.fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
