"""`tillway dev` is told to stop, also where a shell has let it ignore the interrupt."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

from e2e.conftest import STOP_SECONDS, hub_of, iter_until
from tillway.cli.demo.folder import free_port
from tillway.cli.exit_codes import INTERRUPTED
from tillway.project.template import Variables, new_project

pytestmark = pytest.mark.timeout(300)
IGNORING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_as_a_background_job(tmp_path: Path, asked: signal.Signals) -> None:
    """Started with SIGINT ignored, it still ends on either signal and leaves no hub behind."""
    folder = tmp_path / "project"
    port = free_port(0)
    ports = Variables("demo", port, free_port(0, not_this=port))
    new_project(folder, "pos-erp", ports, secrets.token_bytes)
    dev = (sys.executable, "-m", "tillway", "dev", "--project", str(folder))
    command = (sys.executable, "-c", IGNORING, *dev)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = list(iter_until(process.stderr, "open "))
        assert said[-1:], "tillway dev said nothing"
        drain = threading.Thread(target=deque, args=(process.stderr, 0), daemon=True)
        drain.start()
        process.send_signal(asked)
        try:
            assert process.wait(STOP_SECONDS) == INTERRUPTED
        finally:
            process.kill()
        drain.join()
    assert not hub_of(folder).exists(), "the hub left its address behind"
