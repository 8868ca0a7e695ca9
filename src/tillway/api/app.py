"""The JSON API of a hub: a plain ASGI app under `/api/v1/`, made from the catalogue.

Surprising: what a caller may do is checked here, before any handler runs, from the row of the
operation; a handler only looks at which shops are in sight.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

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
    problem_reply,
    send_reply,
    status_of,
)
from tillway.api.catalogue import operations
from tillway.api.changes import Changes
from tillway.api.described import PREFIX
from tillway.api.openapi import document_reply
from tillway.api.questions import Questions
from tillway.api.routing import Routes, WrongMethod, read_fields
from tillway.api.store_day_changes import StoreDayChanges
from tillway.api.store_days import StoreDayQuestions
from tillway.api.stores import StoreQuestions
from tillway.errors import TillwayError

Handler = Callable[[Call], Awaitable[Reply]]
Handlers = Mapping[str, Handler]
"""Key of an operation -> what answers it."""
FORBIDDEN = 403

__all__ = ["PREFIX", "Handler", "Handlers", "api_app", "handlers_of"]


def handlers_of(questions: Questions, changes: Changes) -> dict[str, Handler]:
    """Return what answers the operations of messages, shops and store-days."""
    day_questions = StoreDayQuestions(questions.reader, questions.release, questions.clock)
    store_questions = StoreQuestions(questions.reader, questions.snapshot)
    day_changes = StoreDayChanges(changes.operations, questions.clock)
    return {
        "GET openapi.json": document_reply,
        "GET status": questions.status,
        "GET problems": questions.problems,
        "GET problems/{group}": questions.problem,
        "GET find": questions.find,
        "GET verify": questions.verify,
        "GET gaps": questions.gaps,
        "GET trace/{position}": questions.trace,
        "GET replays": changes.replays,
        "GET storedays": day_questions.days,
        "GET recon/matrix": day_questions.matrix,
        "GET recon/findings": day_questions.findings,
        "GET recon/items": day_questions.items,
        "GET recon/export": day_questions.export,
        "GET stores": store_questions.stores,
        "POST dlq/retry": changes.retry,
        "POST dlq/abandon": changes.abandon,
        "POST dlq/hold": changes.hold,
        "POST dlq/release": changes.let_go,
        "POST dlq/skip": changes.skip,
        "POST replay": changes.replay,
        "POST replay/stop": changes.stop_replay,
        "POST ingest": changes.ingest,
        "POST storedays/approve": day_changes.approve,
        "POST storedays/reopen": day_changes.reopen,
        "POST storedays/override": day_changes.override,
        "POST recon/assign": day_changes.assign,
        "POST recon/run": day_changes.run,
    }


def api_app(
    questions: Questions,
    changes: Changes,
    *,
    admission: Admission,
    more: Handlers | None = None,
    refusals: Refusals | None = None,
) -> App:
    """Return the app; the owner of the socket mounts it under `/api/v1/`.

    more: what answers the operations of other rooms. An operation of the catalogue that nothing
    answers does not exist here; an answer without a row in the catalogue raises KeyError at once.
    refusals: where it is noted that somebody who is known was refused something.
    """
    handlers = {**handlers_of(questions, changes), **(more or {})}
    known = operations()
    routes = Routes([known[key] for key in handlers])

    async def answer(call: Call) -> Reply:
        call.caller = await admission(call)
        match = routes.match(call.method, call.path)
        operation = match.operation
        call.caller.need(operation.permission)
        if operation.every_store:
            call.caller.need_all_stores()
        call.query = read_fields(call, operation)
        call.part = match.part
        return await handlers[operation.key](call)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope, receive)
        try:
            reply = await answer(call)
        except WrongMethod as error:
            reply = problem_reply(error)
            reply.headers["allow"] = error.allowed
        except TillwayError as error:
            if refusals is not None and status_of(error) == FORBIDDEN:
                await refusals.note(call.caller, f"{call.method} {call.path}", error.code)
            reply = problem_reply(error)
        await send_reply(send, reply, receive)

    return app
