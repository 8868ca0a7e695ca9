"""The table of screens: one row is its address, place in the navigation, permission and twins.

From it come routing, navigation, the permission check, the line under each page that names command
and API call, and the walk of the browser tests. What has no row does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import msgspec

from tillway.access.callers import Caller, Permission
from tillway.api.described import PREFIX
from tillway.console import people
from tillway.console.pages import (
    alerts,
    api_docs,
    audit,
    books,
    code_rows,
    contracts,
    demo,
    find,
    findings,
    health,
    language,
    mappings,
    problems,
    recon,
    recon_forms,
    retry,
    service_levels,
    settings,
    stores,
    stuck,
    trace,
    traffic,
)
from tillway.console.told import N_
from tillway.console.view import Entry, Page

GROUPS: Mapping[str, str] = {
    "now": N_("Now"),
    "flow": N_("Flow"),
    "money": N_("Money"),
    "care": N_("Care"),
}


class Screen(msgspec.Struct, frozen=True):
    """One screen. path: `{name}` stands for one part; group "" keeps it out of the navigation.

    title: a text for the catalogue. cli and api give the same as the page, api without its prefix.
    """

    name: str
    path: str
    group: str
    title: str
    permission: Permission
    page: Page
    cli: str
    operation: str

    @property
    def api(self) -> str:
        """Return the operation of the API with its whole address."""
        return f"GET {PREFIX}{self.operation}"


class Form(msgspec.Struct, frozen=True):
    """Where a form goes: only POST, only from our own pages, only with the permission."""

    path: str
    permission: Permission
    send: Page


SCREENS: tuple[Screen, ...] = (
    Screen("health", "/", "now", N_("Health"), "status.read", health.show,
           "tillway status", "status"),
    Screen("stores", "/stores", "now", N_("Stores"), "stores.read", stores.show,
           "tillway stores", "stores"),
    Screen("store", "/stores/{store}", "", N_("Store"), "stores.read", stores.one,
           "tillway stores ID", "stores/{store}"),
    Screen("stuck", "/stuck", "now", N_("Stuck money"), "messages.read", stuck.show,
           "tillway dlq list --money", "stuck"),
    Screen("stuck_csv", "/stuck.csv", "", N_("Stuck money"), "messages.read", stuck.table,
           "tillway dlq list --money --json", "stuck"),
    Screen("problems", "/problems", "now", N_("Problems"), "messages.read", problems.show,
           "tillway dlq list", "problems"),
    Screen("problem", "/problems/{group}", "", N_("Problem"), "messages.read", problems.one,
           "tillway dlq show GROUP", "problems/{group}"),
    Screen("find", "/find", "now", N_("Search"), "messages.read", find.show,
           "tillway find TEXT", "find"),
    Screen("trace", "/trace/{position}", "", N_("Message"), "messages.read", trace.show,
           "tillway trace KEY", "trace/{position}"),
    Screen("traffic", "/traffic", "flow", N_("Traffic map"), "status.read", traffic.show,
           "tillway status --routes", "traffic"),
    Screen("contracts", "/contracts", "flow", N_("Contracts"), "messages.read", contracts.show,
           "tillway validate", "contracts"),
    Screen("contract", "/contracts/{contract}", "", N_("Contract"), "messages.read", contracts.one,
           "tillway validate", "contracts/{contract}"),
    Screen("mappings", "/mappings", "flow", N_("Mappings"), "messages.read", mappings.show,
           "tillway validate", "mappings"),
    Screen("mapping", "/mappings/{mapping}", "", N_("Mapping"), "messages.read", mappings.one,
           "tillway trace KEY --explain", "mappings/{mapping}"),
    Screen("service_levels", "/service-levels", "flow", N_("Service levels"), "alerts.read",
           service_levels.show, "tillway status --sla", "sla"),
    Screen("service_levels_csv", "/service-levels.csv", "", N_("Service levels"), "alerts.read",
           service_levels.table, "tillway status --sla --json", "sla/export"),
    Screen("recon", "/recon", "money", N_("Reconciliation"), "recon.read", recon.matrix,
           "tillway storeday list --matrix", "recon/matrix"),
    Screen("findings", "/recon/findings", "", N_("Findings"), "recon.read", findings.show,
           "tillway recon show", "recon/findings"),
    Screen("recon_day", "/recon/{store}/{date}", "", N_("Store-day"), "recon.read", recon.day,
           "tillway storeday show STORE DATE", "storedays"),
    Screen("books", "/books", "money", N_("Books"), "books.read", books.show,
           "tillway verify", "verify"),
    Screen("alerts", "/alerts", "care", N_("Alerts"), "alerts.read", alerts.show,
           "tillway alerts list", "alerts"),
    Screen("audit", "/audit", "care", N_("Audit log"), "audit.read", audit.show,
           "tillway verify", "audit"),
    Screen("people", "/people", "care", N_("People and keys"), "people.manage", people.show,
           "tillway access users list", "access/users"),
    Screen("approvals", "/approvals", "care", N_("Second person"), "approvals.read",
           people.approvals, "tillway access approvals", "approvals"),
    Screen("account", "/account", "care", N_("My account"), "self", people.account,
           "tillway access users list", "me"),
    Screen("settings", "/settings", "care", N_("Settings"), "settings.read", settings.show,
           "tillway doctor", "settings"),
    Screen("api", "/api-docs", "care", N_("API"), "self", api_docs.show,
           "tillway export openapi", "openapi.json"),
)  # fmt: skip

COMES_LATER: Mapping[str, tuple[str, ...]] = {
    "flow": (N_("Rollouts"), N_("Partners"), N_("Sagas")),
    "care": (N_("Fleet"),),
}
"""Screens that come with their features: a name in the navigation and no page."""

FORMS: tuple[Form, ...] = (
    Form("/problems/{group}/retry", "messages.retry", retry.send),
    Form("/problems/{group}/stop", "messages.retry", retry.stop),
    Form("/problems/{group}/code", "messages.retry", code_rows.add),
    Form("/recon/findings/override", "recon.decide", findings.override),
    Form("/recon/findings/assign", "recon.decide", findings.assign),
    Form("/recon/{store}/{date}/approve", "recon.decide", recon_forms.approve),
    Form("/recon/{store}/{date}/reopen", "recon.decide", recon_forms.reopen),
    Form("/recon/{store}/{date}/override", "recon.decide", recon_forms.override),
    Form("/recon/{store}/{date}/assign", "recon.decide", recon_forms.assign),
    Form("/alerts/{alert}/acknowledge", "alerts.act", alerts.acknowledge),
    Form("/alerts/{alert}/mute", "alerts.act", alerts.mute),
    Form("/alerts/test", "alerts.act", alerts.test),
    Form("/dev/{action}", "messages.retry", demo.press),
    Form("/people/add", "people.manage", people.add_user),
    Form("/people/{name}/change", "people.manage", people.change_user),
    Form("/people/{name}/password", "people.manage", people.set_password),
    Form("/people/{name}/disable", "people.manage", people.disable),
    Form("/people/{name}/enable", "people.manage", people.enable),
    Form("/keys/add", "people.manage", people.add_key),
    Form("/keys/{name}/revoke", "people.manage", people.revoke_key),
    Form("/approvals/{number}/approve", "approvals.decide", people.approve),
    Form("/approvals/{number}/reject", "approvals.decide", people.reject),
    Form("/account/password", "self", people.own_password),
    Form("/language", "self", language.choose),
)

_PARTS = {"position": r"\d+", "group": "[0-9a-f]+", "date": r"\d{4}-\d{2}-\d{2}"}
"""What may stand in braces, where it is not just any text."""


def screen_at(path: str) -> tuple[Screen, tuple[str, ...]] | None:
    """Return the screen of an address with what stands in its braces, None for no screen."""
    return next(
        ((one, found.groups()) for one in SCREENS if (found := _pattern(one.path).fullmatch(path))),
        None,
    )


def form_at(path: str) -> tuple[Form, tuple[str, ...]] | None:
    """Return the form of an address with what stands in its braces, None for none."""
    return next(
        ((one, found.groups()) for one in FORMS if (found := _pattern(one.path).fullmatch(path))),
        None,
    )


def navigation(caller: Caller, current: str) -> list[tuple[str, list[Entry]]]:
    """Return the screens a caller may open, by group; titles are texts for the catalogue."""
    return [
        (
            title,
            [
                *(
                    Entry(one.title, one.path, one.name == current)
                    for one in SCREENS
                    if one.group == group and caller.may(one.permission)
                ),
                *(Entry(later, "", current=False) for later in COMES_LATER.get(group, ())),
            ],
        )
        for group, title in GROUPS.items()
    ]


@cache
def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", path)
    made = [
        f"({_PARTS.get(piece, '[^/]+')})" if place % 2 else re.escape(piece)
        for place, piece in enumerate(pieces)
    ]
    return re.compile("".join(made))
