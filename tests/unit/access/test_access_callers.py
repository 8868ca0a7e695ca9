"""Roles and permissions: the table is whole, and nobody has more than it says."""

from __future__ import annotations

import pytest

from tillway.access.callers import (
    HUB,
    LOCAL,
    NOBODY,
    PERMISSIONS,
    ROLE_NAMES,
    ROLES,
    Caller,
    in_sight,
    roles_with,
)
from tillway.api.asgi import call_of
from tillway.errors import Refused


def test_every_role_and_every_permission_is_in_the_table() -> None:
    """No role is empty, and each permission belongs to somebody."""
    assert set(ROLES) == set(ROLE_NAMES)
    assert set().union(*ROLES.values()) == set(PERMISSIONS)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("people.manage", ["admin"]),
        ("recon.decide", ["finance"]),
        ("messages.retry", ["operator", "engineer"]),
        ("messages.replay", ["operator", "engineer"]),
        ("ingest", ["operator", "engineer"]),
        ("approvals.decide", ["approver"]),
        ("audit.read", ["admin", "auditor"]),
    ],
)
def test_what_changes_something_belongs_to_few(permission, roles) -> None:
    """Duties are kept apart: who manages people decides nothing about money or messages."""
    assert roles_with(permission) == roles


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_looks_changes_nothing(role) -> None:
    """Viewers and auditors have permissions to read only, and the own account."""
    assert all(one.endswith(".read") or one == "self" for one in ROLES[role])


def test_nobody_may_and_sees_nothing() -> None:
    """That is what a request carries until it was let in."""

    async def receive():
        return {}

    call = call_of({"method": "GET", "path": "/", "headers": []}, receive)
    assert call.caller is NOBODY
    assert NOBODY.permissions == []
    assert not NOBODY.sees("0145")


def test_the_owner_of_the_machine_may_everything() -> None:
    """The hub's own token, and this machine while nobody has an account."""
    for caller in (HUB, LOCAL):
        assert caller.permissions == list(PERMISSIONS)
        assert caller.sees("0145")
        assert caller.sees("")


def test_a_refusal_names_the_roles_that_may() -> None:
    """It helps whoever asks an administrator, and says nothing of what was hidden."""
    caller = Caller("vic", frozenset({"viewer"}), frozenset({"0145"}), "session")
    with pytest.raises(Refused) as refusal:
        caller.need("recon.decide")
    assert (refusal.value.code, refusal.value.status) == ("TW-8002", 403)
    assert "finance" in refusal.value.advice
    with pytest.raises(Refused, match="not among the ones"):
        caller.need_store("0146")
    with pytest.raises(Refused, match="every shop"):
        caller.need_all_stores()
    assert in_sight(caller, ["0146", "0145"]) == ["0145"]
    assert not caller.sees("")
