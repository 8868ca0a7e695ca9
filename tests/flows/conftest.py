"""What the flows stand on: one world for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flows.world import World, new_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project of the template and a stand-in ERP that is up."""
    async with new_world(tmp_path) as made:
        yield made
