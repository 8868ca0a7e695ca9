"""A real hub over HTTP: who gets in, what a role may do, and what stands in the audit log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from flows.world import Running, World
from tillway.api.client import client_of
from tillway.api.hub_file import read_hub_file

ADMIN, ADMIN_PASSWORD = "ada", "correct horse battery"  # made-up ones
VIEWER, VIEWER_PASSWORD = "vic", "staple ladder window"
REASON = "for the test"
Seen = tuple[int, str, Mapping[str, str]]
"""Status, text and headers of an answer."""
FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Browser:
    """Keeps cookies and follows nothing by itself, so that every step is seen."""

    session: aiohttp.ClientSession
    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Seen:
        """Get a page."""
        return await self._ask("GET", path, None, headers)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> Seen:
        """Send a form."""
        return await self._ask("POST", path, fields, headers)

    async def log_in(self, name: str, password: str) -> int:
        """Log in and return the status."""
        status, _, _ = await self.post("/login", {"name": name, "password": password, "next": "/"})
        return status

    async def form_token(self, path: str = "/account") -> str:
        """Return the token that the forms of a page carry."""
        _, text, _ = await self.get(path)
        found = FORM_TOKEN.search(text)
        assert found, text
        return found[1]

    async def _ask(
        self, method: str, path: str, fields: dict[str, str] | None, headers: dict[str, str]
    ) -> Seen:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"cookie": cookie, **{name.replace("_", "-"): it for name, it in headers.items()}}
        async with self.session.request(
            method, f"{self.address}{path}", data=fields, headers=sent, allow_redirects=False
        ) as answer:
            for given in answer.headers.getall("set-cookie", []):
                name, _, value = given.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, await answer.text(), answer.headers


@dataclass
class Site:
    """A running hub and its address."""

    world: World
    running: Running
    session: aiohttp.ClientSession

    @property
    def address(self) -> str:
        """Return where it listens."""
        found = read_hub_file(self.world.folder)
        assert found is not None
        return found.url

    def browser(self) -> Browser:
        """Return somebody else's browser."""
        return Browser(self.session, self.address)

    async def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the API as the command line does."""
        client = client_of(self.world.folder)
        return await asyncio.to_thread(client.post, f"/api/v1/{path}", body)

    async def add_users(self) -> None:
        """Make an administrator and a viewer of one shop."""
        first = {"name": ADMIN, "password": ADMIN_PASSWORD, "roles": ["admin"], "reason": REASON}
        await self.ask("access/users/add", first)
        viewer = {"name": VIEWER, "password": VIEWER_PASSWORD, "roles": ["viewer"]}
        scoped = {"scope": ["store:0001"], "reason": REASON}
        await self.ask("access/users/add", {**viewer, **scoped})

    async def audited(self) -> list[tuple[str, str]]:
        """Return who did what, newest first."""
        found = await self.running.hub.journal.actions(50)
        return [(one.who, one.verb) for one in found]


async def test_accounts_turn_logging_in_on(world: World) -> None:
    """Without accounts this machine is served; from the first on, pages ask for a login."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        browser = site.browser()
        assert (await browser.get("/"))[0] == 200
        await site.add_users()
        status, _, headers = await browser.get("/problems?x=1")
        assert (status, headers["location"]) == (303, "/login?next=%2Fproblems%3Fx%3D1")
        status, page, headers = await browser.get("/login")
        assert status == 200
        assert "script" not in page
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert await browser.log_in(ADMIN, "wrong password") == 401
        assert await browser.log_in("nobody", "wrong password") == 401
        assert await browser.log_in(ADMIN, ADMIN_PASSWORD) == 303
        assert (await browser.get("/problems"))[0] == 200
        done = await site.audited()
        assert (ADMIN, "login") in done
        assert (ADMIN, "login failed") in done
        assert ("a name nobody has", "login failed") in done


async def test_a_cookie_is_kept_from_scripts_and_other_sites(world: World) -> None:
    """HttpOnly and SameSite=Strict always; Secure and __Host- where the way is encrypted."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        await site.add_users()
        browser = site.browser()
        fields = {"name": ADMIN, "password": ADMIN_PASSWORD}
        _, _, plain = await browser.post("/login", fields)
        assert "HttpOnly; SameSite=Strict" in plain["set-cookie"]
        assert "Secure" not in plain["set-cookie"]
        _, _, proxied = await browser.post("/login", fields, x_forwarded_proto="https")
        assert proxied["set-cookie"].startswith("__Host-tillway=")
        assert proxied["set-cookie"].endswith("; Secure")


async def test_a_form_of_another_session_is_refused(world: World) -> None:
    """The token of a form belongs to one session, and another site's form has none."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        await site.add_users()
        ada, vic = site.browser(), site.browser()
        assert await ada.log_in(ADMIN, ADMIN_PASSWORD) == 303
        assert await vic.log_in(VIEWER, VIEWER_PASSWORD) == 303
        asked = {"reason": REASON, "name": "eve", "password": VIEWER_PASSWORD, "roles": "admin"}
        for token in ("", "guess", await vic.form_token()):
            status, _, _ = await ada.post("/people/add", {**asked, "form_token": token})
            assert status == 403
        right = {**asked, "form_token": await ada.form_token()}
        status, _, _ = await ada.post("/people/add", right, origin="https://evil.example")
        assert status == 403
        assert (await ada.post("/people/add", right))[0] == 303


async def test_a_role_opens_its_screens_only(world: World) -> None:
    """A viewer of one shop manages nobody and sees no other shop; the refusal is on record."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        await site.add_users()
        vic = site.browser()
        assert await vic.log_in(VIEWER, VIEWER_PASSWORD) == 303
        assert (await vic.get("/"))[0] == 200
        assert (await vic.get("/people"))[0] == 403
        assert (await vic.get("/books"))[0] == 403
        status, page, _ = await vic.get("/stores")
        assert status == 200
        assert "0002" not in page
        token = await vic.form_token()
        status, _, _ = await vic.post("/people/add", {"form_token": token, "name": "eve"})
        assert status == 403
        assert (VIEWER, "refused") in await site.audited()


async def test_another_password_ends_every_session(world: World) -> None:
    """A stolen session does not outlive the change, and logging out ends one for good."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        await site.add_users()
        here, stolen = site.browser(), site.browser()
        assert await here.log_in(VIEWER, VIEWER_PASSWORD) == 303
        stolen.cookies.update(here.cookies)
        assert (await stolen.get("/"))[0] == 200
        new = "another long password"
        fields = {"old": VIEWER_PASSWORD, "new": new, "again": new}
        fields["form_token"] = await here.form_token()
        assert (await here.post("/account/password", fields))[0] == 303
        assert (await stolen.get("/"))[0] == 303
        assert await here.log_in(VIEWER, VIEWER_PASSWORD) == 401
        assert await here.log_in(VIEWER, new) == 303
        stolen.cookies.update(here.cookies)
        assert (await here.post("/logout", {"form_token": await here.form_token()}))[0] == 303
        assert (await stolen.get("/"))[0] == 303


async def test_a_link_logs_in_once(world: World) -> None:
    """The owner of the machine makes it; it works once and is written down nowhere."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        await site.add_users()
        made = await site.ask("access/link", {"reason": REASON, "who": "owner"})
        browser = site.browser()
        assert (await browser.get(made["path"], sec_purpose="prefetch"))[0] == 403
        status, _, headers = await browser.get(made["path"])
        assert (status, headers["location"]) == (303, "/")
        assert (await browser.get("/people"))[0] == 200
        assert (await site.browser().get(made["path"]))[0] == 403
        code = made["path"].partition("code=")[2]
        entries = await running.hub.journal.audit_entries(0, 100)
        assert not any(code in repr(one) for one in entries)
        journal = world.folder / running.hub.release.hub.journal
        assert code.encode() not in journal.read_bytes()


async def test_a_key_of_a_machine_may_what_its_role_may(world: World) -> None:
    """A key reads what a viewer reads, and opens nothing once it is revoked."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        asked = {"name": "screen", "roles": ["viewer"], "reason": REASON}
        secret = (await site.ask("access/keys/add", asked))["secret"]
        headers = {"authorization": f"Bearer {secret}"}

        async def status(path: str, method: str = "GET") -> int:
            url = f"{site.address}/api/v1/{path}"
            async with session.request(method, url, headers=headers, json={}) as answer:
                return answer.status

        assert await status("status") == 200
        assert await status("access/users") == 403
        assert await status("dlq/retry", "POST") == 403
        await site.ask("access/keys/revoke", {"name": "screen", "reason": REASON})
        assert await status("status") == 401


async def test_the_live_stream_ends_with_the_hub(world: World) -> None:
    """A page that listens is told everything once, and the stream ends cleanly."""
    async with aiohttp.ClientSession() as session:
        async with world.running() as running:
            site = Site(world, running, session)
            headers = {"sec-fetch-site": "same-origin"}
            answer = await session.get(f"{site.address}/api/v1/stream", headers=headers)
            assert answer.headers["content-type"] == "text/event-stream"
            first = await answer.content.readuntil(b"\n\n")
            assert b'data: {"version":0}' in first
        await answer.read()
        assert answer.content.at_eof()
        answer.close()


async def test_a_proxy_says_who_calls(world: World) -> None:
    """What it passes on is not this machine: refused without accounts, and counted by address."""
    async with world.running() as running, aiohttp.ClientSession() as session:
        site = Site(world, running, session)
        browser, far = site.browser(), "192.0.2.7"
        assert (await browser.get("/people", x_forwarded_for=far))[0] == 403
        assert (await browser.get("/people"))[0] == 200
        await site.add_users()
        fields = {"name": VIEWER, "password": "wrong password"}
        passed_on = {"x_forwarded_for": far, "x_forwarded_proto": "https"}
        assert (await browser.post("/login", fields, **passed_on))[0] == 401
        assert (await browser.post("/login", fields, x_forwarded_for=far))[0] == 403
        [failed] = [
            one for one in await running.hub.journal.actions(50) if one.verb == "login failed"
        ]
        assert (failed.who, failed.subject) == (VIEWER, f"from {far}")
