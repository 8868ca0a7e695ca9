"""The JSON API of a hub: a plain ASGI app under `/api/`, opened by the hub's bearer token.

It answers only callers that hold the token and no other web site; nothing changes on GET.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from tillway.api.asgi import (
    App,
    Call,
    Receive,
    Reply,
    Scope,
    Send,
    call_of,
    problem_reply,
    send_reply,
)
from tillway.api.changes import Changes
from tillway.api.questions import Questions
from tillway.api.store_day_changes import StoreDayChanges
from tillway.api.store_days import StoreDayQuestions
from tillway.api.stores import StoreQuestions
from tillway.errors import Refused, TillwayError

PREFIX = "/api/"
Handler = Callable[[Call], Awaitable[Reply]]


def api_app(questions: Questions, changes: Changes, *, token: str) -> App:
    """Return the app; the owner of the socket mounts it under `/api/`.

    A request without the token gets 403 (TW-7011), an unknown address 404, a wrong method 405.
    """
    day_questions = StoreDayQuestions(questions.reader, questions.release, questions.clock)
    store_questions = StoreQuestions(questions.reader, questions.snapshot)
    day_changes = StoreDayChanges(changes.operations, questions.clock)
    reads: dict[str, Handler] = {
        "status": questions.status,
        "problems": questions.problems,
        "find": questions.find,
        "verify": questions.verify,
        "gaps": questions.gaps,
        "trace": questions.trace,
        "replays": changes.replays,
        "storedays": day_questions.days,
        "recon/matrix": day_questions.matrix,
        "recon/findings": day_questions.findings,
        "recon/items": day_questions.items,
        "recon/export": day_questions.export,
        "stores": store_questions.stores,
    }
    writes: dict[str, Handler] = {
        "dlq/retry": changes.retry,
        "dlq/abandon": changes.abandon,
        "dlq/hold": changes.hold,
        "dlq/release": changes.let_go,
        "dlq/skip": changes.skip,
        "replay": changes.replay,
        "replay/stop": changes.stop_replay,
        "ingest": changes.ingest,
        "storedays/approve": day_changes.approve,
        "storedays/reopen": day_changes.reopen,
        "storedays/override": day_changes.override,
        "recon/assign": day_changes.assign,
        "recon/run": day_changes.run,
    }

    async def answer(call: Call) -> Reply:
        _admit(call, token)
        name = call.path.removeprefix(PREFIX).strip("/")
        if name.startswith(("trace/", "problems/")):
            name, _, call.query["name"] = name.partition("/")
        handlers = reads if call.method == "GET" else writes
        if name in handlers and call.method in ("GET", "POST"):
            return await handlers[name](call)
        if name in reads or name in writes:
            allowed = "GET" if name in reads else "POST"
            reply = problem_reply(Refused("TW-7010", f"{call.path} takes {allowed}", status=405))
            reply.headers["allow"] = allowed
            return reply
        known = ", ".join(f"{PREFIX}{one}" for one in (*reads, *writes))
        raise Refused("TW-7010", f"nothing answers at {call.path}; known: {known}", status=404)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope, receive)
        try:
            reply = await answer(call)
        except TillwayError as error:
            reply = problem_reply(error)
        await send_reply(send, reply)

    return app


def _admit(call: Call, token: str) -> None:
    """Let in who holds the token; another site's page is refused even with it."""
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    known = scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
    if not known or not call.own_origin:
        raise Refused("TW-7011", "this door opens with the hub's token only", status=403)
