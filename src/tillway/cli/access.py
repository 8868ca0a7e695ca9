"""`tillway access`: people, keys of machines and login links."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from tillway.access.accounts import Deed, key_from, user_from
from tillway.access.tables import rows
from tillway.api.client import HubClient, client_of
from tillway.api.hub_file import read_hub_file
from tillway.api.people import key_told, user_told
from tillway.assembly.access import offline_people
from tillway.cli import exit_codes
from tillway.cli.acting import LOCK_HELD, need_reason, person
from tillway.cli.approvals import approvals
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, note, table
from tillway.cli.reading import opened
from tillway.clock import utc_text
from tillway.errors import ConfigurationError, Transient

if TYPE_CHECKING:
    from rich.console import Console

    from tillway.access.people import People

access = App(
    name="access", help="People, keys of machines, login links.", result_action="return_value"
)
users = App(name="users", help="People: add, list, change, disable, enable, password.")
keys = App(name="keys", help="Keys of machines: add, list, revoke.")
access.command(users)
access.command(keys)
access.command(approvals)

Roles = Annotated[
    tuple[str, ...],
    Parameter(
        name="--role",
        negative=(),
        help="A role; several times for several. viewer, operator, finance, engineer, approver, "
        "admin or auditor.",
    ),
]
Scope = Annotated[
    tuple[str, ...],
    Parameter(
        name="--scope",
        negative=(),
        help="The shops: store:0145, region:north or country:DE; nothing for every shop.",
    ),
]
FromStdin = Annotated[
    bool,
    Parameter(name="--password-stdin", negative=(), help="Read the password from stdin."),
]


@users.command(name="add")
def add_user(
    name: str,
    /,
    *,
    role: Roles,
    scope: Scope = (),
    password_stdin: FromStdin = False,
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Make an account. The first one turns logging in on, and has the role admin.

    Example: tillway access users add mia --role operator --scope region:north --reason "new shift"

    Parameters
    ----------
    name
        Small letters, digits, `.`, `_`, `-` and `@`.
    """
    need_reason(reason)
    fresh = _new_password(from_stdin=password_stdin)
    asked = {"name": name, "password": fresh, "roles": list(role), "scope": list(scope)}

    async def here(people: People, deed: Deed) -> dict[str, Any]:
        made = await people.add_user(name, fresh, role, scope, deed)
        return {"user": user_told(made)}

    done = _act(project, reason, here, "users/add", asked)
    emit("access.users.add", done, lambda console: _told(console, done["user"], "made"), json)
    return exit_codes.DONE


@users.command(name="list")
def list_users(*, project: Project = HERE, json: Json = False) -> int:
    """List everybody who has an account.

    Example: tillway access users list
    """
    found = [user_told(user_from(row)) for row in asyncio.run(_rows(project, "users"))]
    emit("access.users", {"users": found}, lambda console: _draw_accounts(console, found), json)
    return exit_codes.DONE


@users.command(name="change")
def change_user(
    name: str,
    /,
    *,
    role: Roles,
    scope: Scope = (),
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Give a person other roles and shops; they count from the next request on.

    Example: tillway access users change mia --role operator --role finance --reason "covers Jo"

    Parameters
    ----------
    name
        Whose.
    """
    asked = {"name": name, "roles": list(role), "scope": list(scope)}

    async def here(people: People, deed: Deed) -> dict[str, Any]:
        return {"user": user_told(await people.change_user(name, role, scope, deed))}

    done = _act(project, reason, here, "users/change", asked)
    emit("access.users.change", done, lambda console: _told(console, done["user"], "changed"), json)
    return exit_codes.DONE


@users.command
def disable(
    name: str, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Lock an account and end its sessions; the name stays in the audit log.

    Example: tillway access users disable mia --reason "left the company"

    Parameters
    ----------
    name
        Whose.
    """
    return _set_active(name, reason, project, active=False, json=json)


@users.command
def enable(
    name: str, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Open a locked account again.

    Example: tillway access users enable mia --reason "back from leave"

    Parameters
    ----------
    name
        Whose.
    """
    return _set_active(name, reason, project, active=True, json=json)


@users.command
def password(
    name: str,
    /,
    *,
    password_stdin: FromStdin = False,
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Set the password of a person, which ends every session of it.

    Example: tillway access users password mia --reason "forgot it"

    Parameters
    ----------
    name
        Whose.
    """
    need_reason(reason)
    fresh = _new_password(from_stdin=password_stdin)

    async def here(people: People, deed: Deed) -> dict[str, Any]:
        return {"user": user_told(await people.set_password(name, fresh, deed))}

    asked = {"name": name, "password": fresh}
    done = _act(project, reason, here, "users/password", asked)
    emit("access.users.password", done, lambda console: _told(console, done["user"], "set"), json)
    return exit_codes.DONE


@keys.command(name="add")
def add_key(
    name: str,
    /,
    *,
    role: Roles,
    scope: Scope = (),
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Make a key for a machine. It is printed once and kept nowhere.

    Example: tillway access keys add warehouse --role viewer --reason "stock screen"

    Parameters
    ----------
    name
        The machine.
    """
    asked = {"name": name, "roles": list(role), "scope": list(scope)}

    async def here(people: People, deed: Deed) -> dict[str, Any]:
        key, secret = await people.add_key(name, role, scope, deed)
        return {"key": key_told(key), "secret": secret}

    done = _act(project, reason, here, "keys/add", asked)
    emit("access.keys.add", done, lambda console: console.print(done["secret"]), json)
    note("keep it now: it is shown this once; send it as `Authorization: Bearer KEY`")
    return exit_codes.DONE


@keys.command(name="list")
def list_keys(*, project: Project = HERE, json: Json = False) -> int:
    """List the keys of machines, without their secrets.

    Example: tillway access keys list
    """
    found = [key_told(key_from(row)) for row in asyncio.run(_rows(project, "keys"))]
    emit("access.keys", {"keys": found}, lambda console: _draw_accounts(console, found), json)
    return exit_codes.DONE


@keys.command
def revoke(
    name: str, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Let a key open nothing any more.

    Example: tillway access keys revoke warehouse --reason "screen was sold"

    Parameters
    ----------
    name
        The machine.
    """

    async def here(people: People, deed: Deed) -> dict[str, Any]:
        return {"key": key_told(await people.revoke_key(name, deed))}

    done = _act(project, reason, here, "keys/revoke", {"name": name})
    emit("access.keys.revoke", done, lambda console: _told(console, done["key"], "revoked"), json)
    return exit_codes.DONE


@access.command
def link(
    *,
    user: Annotated[str, Parameter(name="--user", help="Whom it logs in; nobody: you.")] = "",
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Print a link that logs in once, within ten minutes; the hub must run.

    Example: tillway access link --user mia --reason "forgot the password"
    """
    need_reason(reason)
    client, address = client_of(project), read_hub_file(project)
    asked = {"name": user, "reason": reason, "who": person()}
    done = client.post("/api/v1/access/link", asked)
    done["url"] = f"{address.url if address else ''}{done['path']}"
    emit("access.link", done, lambda console: console.print(done["url"], soft_wrap=True), json)
    return exit_codes.DONE


def _set_active(name: str, reason: str, project: Path, *, active: bool, json: bool) -> int:
    async def here(people: People, deed: Deed) -> dict[str, Any]:
        return {"user": user_told(await people.set_active(name, active=active, deed=deed))}

    verb = "enable" if active else "disable"
    done = _act(project, reason, here, f"users/{verb}", {"name": name})
    emit(f"access.users.{verb}", done, lambda one: _told(one, done["user"], f"{verb}d"), json)
    return exit_codes.DONE


def _act(
    project: Path,
    reason: str,
    here: Callable[[People, Deed], Awaitable[dict[str, Any]]],
    operation: str,
    asked: dict[str, Any],
) -> dict[str, Any]:
    """Run `here` with the journal's lock, or ask the hub that holds it."""
    need_reason(reason)
    try:
        return asyncio.run(_alone(project, reason, here))
    except Transient as error:
        if error.code != LOCK_HELD:
            raise
    client: HubClient = client_of(project)
    body = {**asked, "reason": reason, "who": person()}
    done = client.post(f"/api/v1/access/{operation}", body)
    done.pop("schema", None)
    return done


async def _alone(
    project: Path, reason: str, here: Callable[[People, Deed], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    async with offline_people(project) as people:
        return await here(people, Deed(person(), reason))


async def _rows(project: Path, name: str) -> list[Any]:
    async with opened(project) as journal:
        return await rows(journal.reader, name)


def _new_password(*, from_stdin: bool) -> str:
    """Return a password that was typed twice, or one line of stdin."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "TW-1002", "nobody is at the terminal to type a password",
            advice="Give --password-stdin and the password as one line of stdin.",
        )  # fmt: skip
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise ConfigurationError("TW-8012", "the two passwords differ", path="password")
    return first


def _told(console: Console, account: dict[str, Any], done: str) -> None:
    shops = " ".join(account["scope"]) or "every shop"
    console.print(f"{account['name']} {done}: {' '.join(account['roles'])}; {shops}")


def _draw_accounts(console: Console, found: list[dict[str, Any]]) -> None:
    made = table("Name", "Roles", "Shops", "State", "Since")
    for one in found:
        is_open = one.get("active", True) and not one.get("revoked_at")
        shops = " ".join(one["scope"]) or "every shop"
        state = "active" if is_open else "locked"
        made.add_row(one["name"], " ".join(one["roles"]), shops, state, utc_text(one["made_at"]))
    console.print(made if found else "nobody has an account or key yet")
