"""The console: server-rendered pages for this machine, without a build step and without scripts.

A strict content policy goes with every answer. Until there are user accounts only callers on this
machine are served, under a local name (so that no foreign name can be pointed at it).
"""

from __future__ import annotations

import re
import secrets
from importlib import resources

from tillway.api.asgi import (
    App,
    Call,
    Receive,
    Reply,
    Scope,
    Send,
    call_of,
    send_reply,
    status_of,
)
from tillway.api.operations import Operations
from tillway.api.snapshot import Snapshot
from tillway.clock import Clock
from tillway.console import forms, recon, recon_forms
from tillway.console.dev_control import DevControl
from tillway.console.pages import Console, Page
from tillway.errors import Refused, TillwayError
from tillway.observe import MessageReader
from tillway.project.records import Release

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ASSETS = {"console.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
_PROBLEM = re.compile(r"/problems/[0-9a-f]+")
_RETRY = re.compile(r"/problems/[0-9a-f]+/retry")
_DAY = re.compile(r"/recon/([^/]+)/(\d{4}-\d{2}-\d{2})")
_DECISION = re.compile(r"/recon/([^/]+)/(\d{4}-\d{2}-\d{2})/(approve|reopen|override)")
_TRACE = re.compile(r"/trace/\d+")


def console_app(
    *,
    reader: MessageReader,
    release: Release,
    snapshot: Snapshot,
    operations: Operations,
    clock: Clock,
    dev: DevControl | None = None,
) -> App:
    """Return the console as a plain ASGI app; the owner of the socket mounts it at `/`.

    dev adds the buttons of the demo (`forward_to(release.hub.dev_control)`).
    """
    token = secrets.token_urlsafe(24)
    console = Console(reader, release, snapshot, operations, clock, token, dev)
    exact: dict[str, Page] = {
        "/": console.home,
        "/status.json": console.status_document,
        "/problems": console.problems,
        "/find": console.find,
        "/books": console.books,
    }

    async def answer(call: Call) -> Reply:
        _admit(call)
        if call.method == "POST":
            return await _posted(call, console)
        if call.method not in ("GET", "HEAD"):
            raise Refused("TW-7010", f"{call.path} takes GET", status=405)
        if call.path in exact:
            return await exact[call.path](call)
        if call.path == "/recon":
            return await recon.matrix(call, console)
        return await _named(call, console)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope, receive)
        try:
            reply = await answer(call)
        except TillwayError as error:
            reply = console.failed(call, error, status_of(error))
        reply.headers = {**SAFE_HEADERS, **reply.headers}
        if call.method == "HEAD":
            reply.body = b""
        await send_reply(send, reply)

    return app


async def _named(call: Call, console: Console) -> Reply:
    """Show a page whose address names one thing, or a file that belongs to the pages."""
    if _TRACE.fullmatch(call.path):
        return await console.trace(call)
    if _PROBLEM.fullmatch(call.path):
        return await console.problem(call)
    if day := _DAY.fullmatch(call.path):
        return await recon.day(call, console, *day.groups())
    if call.path == "/favicon.ico":
        return Reply(204, b"", "image/x-icon")
    return _asset(call)


async def _posted(call: Call, console: Console) -> Reply:
    if _RETRY.fullmatch(call.path):
        return await forms.retry(call, console)
    if decision := _DECISION.fullmatch(call.path):
        return await recon_forms.decide(call, console, *decision.groups())
    if call.path.startswith("/dev/"):
        return await forms.dev(call, console)
    raise Refused("TW-7010", f"{call.path} takes no forms", status=405)


def _admit(call: Call) -> None:
    """Serve this machine only, and only under a name that can mean nothing else."""
    host = call.headers.get("host", "")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if not call.from_this_machine or name.lower() not in LOCAL_NAMES:
        raise Refused("TW-7011", "the console answers this machine only", status=403)


def _asset(call: Call) -> Reply:
    name = call.path.removeprefix("/static/")
    if call.path != f"/static/{name}" or name not in ASSETS:
        raise Refused("TW-7010", f"there is no page at {call.path}", status=404)
    body = (resources.files("tillway.console") / name).read_bytes()
    return Reply(200, body, ASSETS[name], {"cache-control": "no-cache"})
