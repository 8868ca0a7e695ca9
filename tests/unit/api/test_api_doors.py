"""Where a request comes from decides what it gets: names, proxies, other sites, cookies, links."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from access_world import FORM_TOKEN, TOKEN, AccessWorld, access_world
from operating_world import Answered, call
from tillway.access.accounts import Deed
from tillway.api.asgi import Call, is_loopback

PASSWORD = "correct horse battery"  # a made-up one
DEED = Deed("owner", "for the test")
ELSEWHERE = "192.0.2.7"
PROXIED = {"x-forwarded-proto": "https", "host": "till.example"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AccessWorld]:
    """Give an API and a console behind their doors; nobody has an account."""
    async with access_world(tmp_path) as made:
        yield made


@pytest.fixture
async def peopled(world: AccessWorld) -> AccessWorld:
    """Give the same with an administrator and a viewer."""
    await world.people.add_user("ada", PASSWORD, ["admin"], [], DEED)
    await world.people.add_user("vic", PASSWORD, ["viewer"], [], DEED)
    return world


def code_of(answer: Answered) -> str:
    """Return the code of an answer: of a problem document or of an error page, "" for none."""
    if answer.headers["content-type"] == "application/problem+json":
        return str(json.loads(answer.body)["code"])
    return next((one for one in ("TW-7011", "TW-7012", "TW-8008") if one in answer.text), "")


async def log_in(world: AccessWorld, name: str = "vic", **headers: str) -> Answered:
    """Log in by the form, from this machine unless the headers say otherwise."""
    sent = urlencode({"name": name, "password": PASSWORD, "next": "/stuck"}).encode()
    return await call(world.front, "/login", method="POST", body=sent, headers=headers)


def cookie_of(answer: Answered) -> dict[str, str]:
    """Return the header that sends the cookie of an answer back."""
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize(
    ("client", "headers", "served"),
    [
        ("127.0.0.1", {}, True),
        ("127.8.9.1", {"host": "localhost:8080"}, True),
        ("::1", {"host": "[::1]:8080"}, True),
        ("::ffff:127.0.0.1", {}, True),
        (ELSEWHERE, {}, False),
        ("::12", {}, False),
        ("", {}, False),
        ("127.0.0.1", {"host": "rebound.example:8080"}, False),
        ("127.0.0.1", {"host": "127.0.0.1.rebound.example"}, False),
        ("127.0.0.1", {"host": ""}, False),
        ("127.0.0.1", {"x-forwarded-for": ELSEWHERE}, False),
        ("127.0.0.1", {"x-forwarded-proto": "https"}, False),
        ("127.0.0.1", {"forwarded": "for=192.0.2.7"}, False),
        ("127.0.0.1", {"via": "1.1 proxy"}, False),
    ],
)
async def test_without_accounts_only_who_sits_here_is_served(
    world: AccessWorld, client: str, headers: dict[str, str], served: bool
) -> None:
    """Not a name that was bound to this machine, nor what a proxy passes on under our own name."""
    page = await call(world.front, "/people", headers=headers, client=client)
    assert (page.status == 200) == served, page.text
    assert served or code_of(page) == "TW-7011"
    own = {"sec-fetch-site": "same-origin", **headers}
    answer = await call(world.front, "/api/v1/access/users", headers=own, client=client)
    assert (answer.status == 200) == served, answer.text


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/access/users"])
async def test_no_key_crosses_a_network_in_clear(world: AccessWorld, path: str) -> None:
    """From another machine a key or the hub's token is refused unless the way is encrypted."""
    _, key = await world.people.add_key("screen", ["admin"], [], DEED)
    for secret in (TOKEN, key):
        sent = {"authorization": f"Bearer {secret}"}
        far = await call(world.front, path, headers=sent, client=ELSEWHERE)
        assert (far.status, code_of(far)) == (403, "TW-7011")
        passed_on = {**sent, "host": "till.example", "x-forwarded-proto": "http"}
        assert code_of(await call(world.front, path, headers=passed_on)) == "TW-7011"
        for headers in (sent, {**sent, **PROXIED}):
            assert (await call(world.front, path, headers=headers)).status == 200, headers


async def test_a_stranger_cannot_say_that_the_way_is_encrypted(peopled: AccessWorld) -> None:
    """The header of a proxy counts from this machine alone."""
    for path in ("/login", "/api/v1/status"):
        answer = await call(peopled.front, path, headers=PROXIED, client=ELSEWHERE)
        assert code_of(answer) == "TW-7011"
    assert (await call(peopled.front, "/login", headers=PROXIED)).status == 200


async def test_an_address_is_decoded_once(world: AccessWorld) -> None:
    """A proxy that forbids `/people` forbids it: encoded twice, it is another address."""
    assert (await call(world.front, "/people")).status == 200
    assert (await call(world.front, "/%70eople")).status == 404
    static = quote("/static/../../access/people.py", safe="/")
    for path in (static, "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/"):
        assert (await call(world.front, path)).status == 404, path


@pytest.mark.parametrize(
    ("origin", "host", "encrypted", "own"),
    [
        (None, "till.example", True, True),
        ("https://till.example", "till.example", True, True),
        ("http://till.example", "till.example", True, False),
        ("https://till.example:444", "till.example", True, False),
        ("http://localhost:8080", "localhost:8080", False, True),
        ("http://localhost:8081", "localhost:8080", False, False),
        ("null", "localhost:8080", False, False),
        ("https://localhost.example", "localhost", False, False),
    ],
)
def test_an_origin_is_name_and_port_and_no_weaker_way(
    origin: str | None, host: str, encrypted: bool, own: bool
) -> None:
    """A page that came in clear sends nothing to one that is encrypted, though the name fits."""
    headers = {"host": host, **({"origin": origin} if origin else {})}

    async def receive() -> Any:
        return {}

    asked = Call("POST", "/", {}, headers, "127.0.0.1", receive, secure=encrypted)
    assert asked.own_origin == own


def test_only_this_machine_is_this_machine() -> None:
    """No name and no address that merely begins like one of ours."""
    assert all(is_loopback(one) for one in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"))
    others = ("", "127.0.0.1.example", "::1234", "::ffff:192.0.2.1", "192.0.2.1", "localhost")
    assert not any(is_loopback(one) for one in others)


async def test_a_login_ends_the_session_before_it(peopled: AccessWorld) -> None:
    """A session that somebody put into the browser, or forgot there, is over with the login."""
    before = cookie_of(await log_in(peopled))
    assert (await call(peopled.front, "/stuck", headers=before)).status == 200
    after = await log_in(peopled, "ada", **before)
    assert (after.status, after.headers["location"]) == (303, "/stuck")
    assert cookie_of(after) != before
    assert (await call(peopled.front, "/stuck", headers=before)).status == 303
    assert (await call(peopled.front, "/people", headers=cookie_of(after))).status == 200


async def test_a_session_nobody_was_given_is_none(peopled: AccessWorld) -> None:
    """The secret is made here: one that was chosen elsewhere opens nothing, before or after."""
    chosen = {"cookie": "tillway-session-8080=chosen-by-somebody-else"}
    assert (await call(peopled.front, "/stuck", headers=chosen)).status == 303
    given = cookie_of(await log_in(peopled, **chosen))
    assert given != chosen
    assert (await call(peopled.front, "/stuck", headers=chosen)).status == 303


async def test_a_link_of_a_locked_account_opens_nothing(peopled: AccessWorld) -> None:
    """It was made before the lock; opening the account again does not open the link."""
    locked, fine = peopled.links.make("vic"), peopled.links.make("vic")
    assert (await call(peopled.front, f"/login/link?code={fine}")).status == 303
    await peopled.people.set_active("vic", active=False, deed=DEED)
    refused = await call(peopled.front, f"/login/link?code={locked}")
    assert (refused.status, code_of(refused)) == (403, "TW-8008")
    assert "set-cookie" not in refused.headers
    await peopled.people.set_active("vic", active=True, deed=DEED)
    assert (await call(peopled.front, f"/login/link?code={locked}")).status == 403


async def test_the_first_account_ends_what_came_by_a_link(world: AccessWorld) -> None:
    """From then on everybody logs in, the owner of the machine too; a new link does that."""
    owner = cookie_of(await call(world.front, f"/login/link?code={world.links.make('')}"))
    assert (await call(world.front, "/people", headers=owner)).status == 200
    await world.people.add_user("ada", PASSWORD, ["admin"], [], DEED)
    assert (await call(world.front, "/people", headers=owner)).status == 303
    again = cookie_of(await call(world.front, f"/login/link?code={world.links.make('')}"))
    await world.people.add_user("vic", PASSWORD, ["viewer"], [], DEED)
    assert (await call(world.front, "/people", headers=again)).status == 200


async def test_a_link_is_told_to_nobody(peopled: AccessWorld) -> None:
    """Followed, it leads away at once: no page bears it, no other site and no log hears of it."""
    code = peopled.links.make("vic")
    answer = await call(peopled.front, f"/login/link?code={code}")
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert code not in answer.text + repr(answer.headers)
    again = await call(peopled.front, f"/login/link?code={code}")
    assert again.status == 403
    entries = await peopled.books.journal.audit_entries(0, 1_000)
    assert not [one for one in entries if code in repr(one)]


@pytest.mark.parametrize(
    "page", ["//evil.example", "/\\evil.example", "/\t/evil.example", "/x\r\nset-cookie: a=b", "x"]
)
async def test_nobody_is_sent_elsewhere(peopled: AccessWorld, page: str) -> None:
    """After a login and after the choice of a language a page of this console comes, or `/`."""
    fields = {"name": "vic", "password": PASSWORD, "next": page}
    sent = urlencode(fields).encode()
    answer = await call(peopled.front, "/login", method="POST", body=sent)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = cookie_of(answer)
    account = await call(peopled.front, "/account", headers=cookie)
    [token] = set(FORM_TOKEN.findall(account.text))
    sent = urlencode({"language": "tr", "page": page, "form_token": token}).encode()
    chosen = await call(peopled.front, "/language", method="POST", body=sent, headers=cookie)
    assert (chosen.status, chosen.headers["location"]) == (303, "/")


async def test_every_form_needs_its_token(peopled: AccessWorld) -> None:
    """Without the token of the session no form does anything, the one of the login apart."""
    from tillway.console.screens import FORMS

    cookie = cookie_of(await log_in(peopled, "ada"))
    everything = frozenset({"viewer", "operator", "engineer", "finance", "approver", "admin"})
    await peopled.people.change_user("ada", sorted(everything), [], DEED)
    paths = [form_path(one.path) for one in FORMS]
    for path in (*paths, "/logout"):
        for body in (b"", b"form_token=&reason=x", b"form_token=guess"):
            answer = await call(peopled.front, path, method="POST", body=body, headers=cookie)
            assert answer.status in (403, 404), (path, answer.status)
            assert answer.status == 404 or code_of(answer) == "TW-7012", (path, answer.text)
    assert not peopled.operations.asked
    assert (await call(peopled.front, "/", headers=cookie)).status == 200


def form_path(pattern: str) -> str:
    """Return an address of a form."""
    parts = {"store": "0145", "date": "2026-11-20", "group": "abc", "number": "1", "name": "vic"}
    for name, text in {**parts, "alert": "mine", "action": "break-erp"}.items():
        pattern = pattern.replace(f"{{{name}}}", text)
    return pattern


async def test_a_page_of_the_api_needs_the_token_too(peopled: AccessWorld) -> None:
    """A cookie alone changes nothing over the API, and shows nothing to another site."""
    cookie = cookie_of(await log_in(peopled, "ada"))
    account = await call(peopled.front, "/account", headers=cookie)
    [token] = set(FORM_TOKEN.findall(account.text))
    path, body = "/api/v1/access/users/disable", b'{"name": "vic", "reason": "x"}'

    async def send(**headers: str) -> Answered:
        return await call(
            peopled.front, path, method="POST", body=body, headers={**cookie, **headers}
        )

    assert code_of(await send()) == "TW-7012"
    assert code_of(await send(**{"x-form-token": "guess"})) == "TW-7012"
    foreign = {"x-form-token": token, "origin": "https://evil.example"}
    assert code_of(await send(**foreign)) == "TW-7011"
    for site in ("cross-site", "same-site"):
        read = {**cookie, "sec-fetch-site": site}
        assert code_of(await call(peopled.front, "/api/v1/status", headers=read)) == "TW-7011"
    assert (await send(**{"x-form-token": token})).status == 200


async def test_the_doors_hang_on_what_they_ask(
    world: AccessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: were every caller somebody who sits here, a rebound name would be served."""
    monkeypatch.setattr("tillway.api.doorkeeper.host_of", lambda _call: "localhost")
    rebound = {"host": "rebound.example:8080"}
    assert (await call(world.front, "/people", headers=rebound)).status == 200
