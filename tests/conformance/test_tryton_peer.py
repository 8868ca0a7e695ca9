"""A Tryton that cannot be had is skipped with the reason, and fails where it must be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers.tryton import build, peer
from peers.tryton.build import PeerMissing
from peers.tryton.fixtures import REQUIRE, started

REASON = "building the Tryton peer: no network"


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let building fail."""

    def missing() -> Path:
        raise PeerMissing(REASON)

    monkeypatch.setattr(peer, "built_peer", missing)


@pytest.mark.usefixtures("nothing_built")
def test_a_missing_peer_is_skipped_with_the_reason(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the summary knows why nothing was tested."""
    monkeypatch.setenv(REQUIRE, "samples,browser")
    with pytest.raises(pytest.skip.Exception, match="no network"), started(tmp_path_factory):
        pass


@pytest.mark.usefixtures("nothing_built")
def test_a_missing_peer_fails_where_it_must_be_there(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that asks for Tryton cannot pass without it."""
    monkeypatch.setenv(REQUIRE, "samples,tryton")
    with pytest.raises(pytest.fail.Exception, match="no network"), started(tmp_path_factory):
        pass


def test_a_build_that_fails_says_with_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of what the failing program said is the reason."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho one >&2\necho no such package >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(PeerMissing, match=r"^building the Tryton peer: no such package$"):
        build._run(tmp_path, "-m", "pip")


def test_every_package_of_the_peer_is_locked_by_its_hash() -> None:
    """No version is open, each has a hash, and no address of a package host stands there."""
    text = (build.HERE / "requirements.txt").read_text()
    wanted = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert len(wanted) > 20
    assert [line for line in wanted if "==" not in line] == []
    assert text.count("--hash=sha256:") >= len(wanted)
    assert "://" not in text
    assert "index" not in text
