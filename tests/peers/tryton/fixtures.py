"""The peer as a fixture: skipped with the reason where it cannot be had, failed where it must."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from peers.tryton.build import PeerMissing
from peers.tryton.peer import TrytonPeer

REQUIRE = "TILLWAY_REQUIRE"


@pytest.fixture
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonPeer]:
    """Give a Tryton of this test's own, with nothing in its books."""
    with started(tmp_path_factory) as peer:
        yield peer


@pytest.fixture(scope="module")
def shared_tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonPeer]:
    """Give one Tryton to all tests of a file; each uses keys of its own."""
    with started(tmp_path_factory) as peer:
        yield peer


@contextmanager
def started(folders: pytest.TempPathFactory) -> Iterator[TrytonPeer]:
    """Start a peer for a block and end it; skip or fail where there is none."""
    peer = None
    try:
        peer = TrytonPeer(folders.mktemp("tryton"))
        peer.start()
    except PeerMissing as reason:
        if peer is not None:
            peer.stop()
        if "tryton" in os.environ.get(REQUIRE, "").split(","):
            pytest.fail(f"{REQUIRE} asks for Tryton: {reason}")
        pytest.skip(str(reason))
    try:
        yield peer
    finally:
        peer.stop()
