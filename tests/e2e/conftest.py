"""A real demo in processes of its own, and a real browser that looks at it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser.chromium import NAMES, QUIET, found
from tillway.cli.demo.folder import free_port
from tillway.cli.exit_codes import INTERRUPTED
from tillway.project.template import Variables, new_project

STOP_SECONDS = 60
"""More than the demo gives hub, ERP and its own door together before it kills them."""
WAIT_MILLISECONDS = 15_000


def no_browser(names: Sequence[str]) -> NoReturn:
    """Skip without a browser, or fail where one is required."""
    reason = f"no browser on this machine: none of {', '.join(names)} is installed"
    if "browser" in os.environ.get("TILLWAY_REQUIRE", ""):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium of this machine; without one skip, or fail where one is required."""
    path = found()
    if path is None:
        no_browser(NAMES)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a running `tillway dev`; it must stop cleanly when interrupted."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    hub_port = free_port(0)
    ports = Variables("demo", hub_port, free_port(0, not_this=hub_port))
    new_project(folder, "pos-erp", ports, secrets.token_bytes)
    command = (sys.executable, "-m", "tillway", "dev", "--project", str(folder))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = list(iter_until(process.stderr, "open "))
        assert said[-1:], "tillway dev said nothing"
        assert said[-1].startswith("open http"), said
        drain = threading.Thread(target=deque, args=(process.stderr, 0), daemon=True)
        drain.start()
        yield said[-1].split()[1]
        process.send_signal(signal.SIGINT)
        code = process.wait(STOP_SECONDS)
        drain.join()
    assert code == INTERRUPTED
    assert not hub_of(folder).exists(), "the hub left its address behind"


def iter_until(lines: Iterator[str], start: str) -> Iterator[str]:
    """Yield lines up to the first one that starts so."""
    for line in lines:
        yield line
        if line.startswith(start):
            return


def hub_of(folder: Path) -> Path:
    """Return the file by which a running hub is found."""
    return folder / ".state" / "hub.json"


@pytest.fixture
def complaints() -> list[str]:
    """Give what the browser complained about: errors, and breaches of the content policy."""
    return []


def watched(context: BrowserContext, complaints: list[str]) -> Page:
    """Return a page of a context whose complaints are kept."""
    context.set_default_timeout(WAIT_MILLISECONDS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return page


@pytest.fixture
def page(browser: Browser, demo: str, complaints: list[str]) -> Iterator[Page]:
    """Give the status page of the demo; the browser must have nothing to complain about."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, base_url=demo)
    opened = watched(context, complaints)
    opened.goto("/")
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def plain_page(browser: Browser, demo: str) -> Iterator[Page]:
    """Give the status page in a browser that runs no scripts."""
    context = browser.new_context(base_url=demo, java_script_enabled=False)
    opened = watched(context, [])
    opened.goto("/")
    yield opened
    context.close()
