"""The tutorial on connectors, from an empty folder to books that agree.

Surprising: the package of the page is installed for real, into a small environment that sees the
packages of this one, so that nothing is left here and nothing is fetched.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from docs.fenced import DOCS
from docs.follower import Follower
from docs.shell import Shell

PAGE = DOCS / "tutorials" / "a-new-connector.md"
PORTS = ("8080", "8092")
LATE = ("tillway verify", "tillway find")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of commands of an environment whose packages come from the running one."""
    venv.create(tmp_path / "reader", symlinks=True)
    commands = tmp_path / "reader" / "bin"
    [packages] = (tmp_path / "reader" / "lib").glob("python*/site-packages")
    ours = sysconfig.get_paths()["purelib"]
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    for name in ("pip", "pytest", "tillway"):
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec "{commands}/python" -m {name} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    return commands


@pytest.mark.skipif(sys.platform == "win32", reason="the page is written for a POSIX shell")
def test_the_connector_tutorial_can_be_followed(tmp_path: Path, environment: Path) -> None:
    """Samples, package, door, poller, tables: the hub has what the fake vendor made, once."""
    folder = tmp_path / "work"
    folder.mkdir()
    with Shell(folder, tmp_path / "tools", environment) as shell:
        Follower(shell, folder, PORTS, LATE).follow(PAGE, folder / "hub")


def test_the_environment_sees_what_is_installed_here(environment: Path) -> None:
    """A control: without the packages of the running environment nothing of the page would run."""
    with Shell(environment, environment / "tools", environment) as shell:
        code, printed = shell.run('python -c "import sys, tillway; print(sys.prefix)"')
    assert (code, os.path.realpath(printed.strip())) == (0, os.path.realpath(environment.parent))
