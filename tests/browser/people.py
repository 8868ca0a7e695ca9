"""Accounts for the hubs of these tests: from the first one on, everybody logs in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tillway.api.client import client_of

PASSWORD = "correct horse battery"
"""Of accounts that live as long as a test."""


async def add_people(folder: Path, roles: Mapping[str, str]) -> None:
    """Make accounts, name -> role; the first one must be an administrator's."""
    client = client_of(folder)
    for name, role in roles.items():
        body = {"name": name, "password": PASSWORD, "roles": [role], "reason": "for the walk"}
        await asyncio.to_thread(client.post, "/api/v1/access/users/add", body)
