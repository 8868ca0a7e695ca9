"""The console: server-rendered pages, without a build step; scripts only make them comfortable.

A strict content policy goes with every answer. Every address is a row of `screens.py`, and its
permission is asked before its page runs.
"""

from __future__ import annotations

import secrets

from tillway.access.callers import LOCAL, Caller
from tillway.access.refusals import Refusals
from tillway.api.admission import Admission
from tillway.api.asgi import (
    App,
    Call,
    Receive,
    Reply,
    Scope,
    Send,
    call_of,
    json_reply,
    send_reply,
    status_of,
)
from tillway.api.doorkeeper import check_place
from tillway.api.operations import Operations
from tillway.api.people import PeopleAnswers
from tillway.api.screen_models import ScreenModels
from tillway.api.snapshot import Snapshot
from tillway.clock import Clock
from tillway.console.assets import answer_asset
from tillway.console.dev_control import DevControl
from tillway.console.login import Login
from tillway.console.screens import form_at, navigation, screen_at
from tillway.console.speech import language_of, speech_in
from tillway.console.view import Console, View
from tillway.errors import Refused, TillwayError
from tillway.observe import MessageReader, status_as_json
from tillway.project.records import Release

FORBIDDEN = 403
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


async def this_machine(call: Call) -> Caller:
    """Let in this machine only, and only under a name that can mean nothing else."""
    check_place(call, accounts=False)
    return LOCAL


def console_app(
    *,
    reader: MessageReader,
    release: Release,
    snapshot: Snapshot,
    operations: Operations,
    clock: Clock,
    dev: DevControl | None = None,
    admission: Admission = this_machine,
    models: ScreenModels | None = None,
    stream: str = "",
    login: Login | None = None,
    people: PeopleAnswers | None = None,
    refusals: Refusals | None = None,
) -> App:
    """Return the console as a plain ASGI app; the owner of the socket mounts it at `/`.

    dev adds the buttons of the demo (`forward_to(release.hub.dev_control)`). models: what the API
    shares with the pages, made here where nobody gives it. stream: address of the live stream.
    login: where people log in; people: what the pages of people need; refusals: where it is noted
    that somebody who is known was refused something.
    """
    shared = models or ScreenModels(reader, release, snapshot, operations, clock)
    console = Console(
        reader=reader,
        release=release,
        snapshot=snapshot,
        operations=operations,
        models=shared,
        clock=clock,
        form_token=secrets.token_urlsafe(24),
        navigation=navigation,
        dev=dev,
        stream=stream,
        people=people,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope, receive)
        language = language_of(
            call.headers.get("cookie", ""), call.headers.get("accept-language", "")
        )
        view = View(call, console, speech_in(language))
        try:
            early = await login.answer(view) if login else None
            if early is None:
                call.caller = await admission(call)
            reply = early or await _answer(view)
        except TillwayError as error:
            if refusals is not None and status_of(error) == FORBIDDEN:
                await refusals.note(call.caller, f"{call.method} {call.path}", error.code)
            instead = login.instead(view, error) if login else None
            reply = instead or view.failed(error, status_of(error))
        reply.headers = {**SAFE_HEADERS, **reply.headers}
        if call.method == "HEAD":
            reply.body = b""
        await send_reply(send, reply)

    return app


async def _answer(view: View) -> Reply:
    call = view.call
    if call.method == "POST":
        return await _posted(view)
    if call.method not in ("GET", "HEAD"):
        raise Refused("TW-7010", f"{call.path} takes GET", status=405)
    if found := screen_at(call.path):
        view.place, parts = found
        call.caller.need(found[0].permission)
        return await found[0].page(view, *parts)
    if call.path == "/status.json":
        call.caller.need("status.read")
        return json_reply("status", status_as_json(await view.status()))
    if call.path == "/favicon.ico":
        return Reply(204, b"", "image/x-icon")
    return answer_asset(call)


async def _posted(view: View) -> Reply:
    found = form_at(view.call.path)
    if found is None:
        raise Refused("TW-7010", f"{view.call.path} takes no forms", status=405)
    form, parts = found
    view.caller.need(form.permission)
    return await form.send(view, *parts)
