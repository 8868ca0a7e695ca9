"""The HTTP face of the stand-in ERP, plain ASGI.

POST /documents       one document, header Idempotency-Key: 201, 200 repeated, 409, 422
POST /documents/bulk  JSON array or NDJSON of {"key", "document"}: 200 with one result for each
GET  /documents/KEY   look-up; GET /documents?after=N&limit=M lists
GET  /totals          what is booked, per type and currency; GET /control and POST /control: moods
/postings ...         the general ledger, see `erp_postings.py`
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from tillway.model.exact import from_minor
from tillway.simulator.erp_books import ErpBooks, ErpDocument, Posted
from tillway.simulator.erp_documents import Booking, BusinessRefusal, booking
from tillway.simulator.erp_moods import ControlRequest, Loss, Mood
from tillway.simulator.erp_postings import PATH as POSTINGS
from tillway.simulator.erp_postings import PostingDesk

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_PAGE = 1000

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Reply = tuple[int, Any]

_encode = msgspec.json.Encoder().encode


class _AnswerLost(Exception):
    """The call is booked, and its answer is lost on the way."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss)
        self.loss = loss


class BulkItem(msgspec.Struct):
    """One item of a bulk call."""

    key: str
    document: msgspec.Raw


_read_items = msgspec.json.Decoder(list[BulkItem]).decode
_read_item_lines = msgspec.json.Decoder(BulkItem).decode_lines
_read_control = msgspec.json.Decoder(ControlRequest).decode


class ErpApp:
    """One stand-in ERP. hang_up in the scope drops the connection (see `erp.py`)."""

    def __init__(self, books: ErpBooks, postings: PostingDesk) -> None:
        self._books = books
        self._postings = postings
        self.mood = Mood()
        self.calls = 0
        self.refused = 0
        self.unanswered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = await _body(receive)
        path: str = scope["path"]
        business = path.startswith(("/documents", POSTINGS))
        if business:
            self.calls += path.startswith("/documents")
            if self.mood.mode == "gone":
                await _drop(scope, receive)
                return
            moody = await self._moody_answer()
            if moody is not None:
                await self._answer(send, moody)
                return
        try:
            if path.startswith(POSTINGS):
                reply = self._posting_reply(scope, path, body)
            else:
                reply = await self._route(scope, path, body)
        except _AnswerLost as lost:
            await _lose_answer(scope, receive, lost.loss)
            return
        if business and self.mood.mode == "reset" and scope["method"] == "POST":
            await _drop(scope, receive)
            return
        await self._answer(send, reply)

    async def _moody_answer(self) -> Reply | None:
        """Return the answer that the mood dictates, None to go on."""
        match self.mood.mode:
            case "down":
                return 503, {"error": "the ERP is down"}
            case "busy":
                return 429, {"error": "too many calls"}
            case "slow":
                await asyncio.sleep(self.mood.delay_seconds)
        return None

    async def _route(self, scope: Scope, path: str, body: bytes) -> Reply:
        match scope["method"], path:
            case "POST", "/documents":
                return await self._post_one(_header(scope, b"idempotency-key"), body)
            case "POST", "/documents/bulk":
                return await self._post_many(body)
            case "GET", "/documents":
                return 200, self._list(scope)
            case "GET", "/totals":
                return 200, self._totals()
            case "GET", "/control":
                return 200, self.mood
            case "POST", "/control":
                return self._control(body)
            case "GET", _ if path.startswith("/documents/"):
                return self._look_up(unquote(path.removeprefix("/documents/")))
        return 404, {"error": "no such path"}

    async def _post_one(self, key: str, body: bytes) -> Reply:
        ready = self._check(key, body)
        if isinstance(ready, BusinessRefusal):
            return 422, {"error": str(ready), "problems": ready.problems}
        (posted,) = await self._book([ready])
        return posted.status, _result(key, posted)

    async def _post_many(self, body: bytes) -> Reply:
        try:
            array = body.lstrip()[:1] == b"["
            items = _read_items(body) if array else _read_item_lines(body)
        except msgspec.DecodeError as error:
            return 400, {"error": f"not a bulk call: {error}"}
        checked = [self._check(item.key, bytes(item.document)) for item in items]
        ready = [one for one in checked if isinstance(one, Booking)]
        posted = iter(await self._book(ready) if ready else [])
        return 200, [
            {"key": item.key, "status": 422, "error": str(one)}
            if isinstance(one, BusinessRefusal)
            else _result(item.key, next(posted))
            for item, one in zip(items, checked, strict=True)
        ]

    async def _book(self, ready: list[Booking]) -> list[Posted]:
        """Book; raises _AnswerLost when one of the receipts shall lose its answer."""
        posted = await self._books.post(ready)
        loss = self.mood.loss_of(one.receipt_key for one in ready)
        if loss is not None:
            self.unanswered += 1
            raise _AnswerLost(loss)
        return posted

    def _posting_reply(self, scope: Scope, path: str, body: bytes) -> Reply:
        query = {name: found[0] for name, found in _query(scope).items()}
        key = _header(scope, b"idempotency-key")
        method: str = scope["method"]
        reply = self._postings.answer(method, unquote(path), query, key, body, self.mood)
        booked = method == "POST" and reply[0] in (200, 201)
        loss = self.mood.loss_of([reply[1].get("posting_key", "")]) if booked else None
        if loss is not None:
            self.unanswered += 1
            raise _AnswerLost(loss)
        return reply

    def _check(self, key: str, body: bytes) -> Booking | BusinessRefusal:
        try:
            return booking(key, body, self.mood)
        except BusinessRefusal as refusal:
            self.refused += 1
            return refusal

    def _look_up(self, key: str) -> Reply:
        found = self._books.find(key)
        if found is None:
            return 404, {"error": "no document has this key"}
        document = msgspec.Raw(found["body"])
        return 200, {"key": key, "reference": found["reference"], "document": document}

    def _list(self, scope: Scope) -> list[ErpDocument]:
        query = _query(scope)
        after = _number(query.get("after", ["0"])[0], 0)
        limit = min(_number(query.get("limit", ["100"])[0], 100), MAX_PAGE)
        return self._books.page(after, limit)

    def _totals(self) -> dict[str, Any]:
        totals = self._books.totals()
        rows = [
            {
                "document_type": document_type,
                "currency": currency,
                "count": count,
                "money": str(from_minor(minor, currency)),
            }
            for document_type, currency, count, minor in totals["rows"]
        ]
        return {
            "count": totals["count"],
            "repeats": totals["repeats"],
            "calls": self.calls,
            "refused": self.refused,
            "unanswered": self.unanswered,
            "mode": self.mood.mode,
            "totals": rows,
        }

    def _control(self, body: bytes) -> Reply:
        try:
            self.mood.change(_read_control(body))
        except msgspec.DecodeError as error:
            return 400, {"error": f"no such control: {error}"}
        return 200, self.mood

    async def _answer(self, send: Send, reply: Reply) -> None:
        status, value = reply
        body = value if isinstance(value, bytes) else _encode(value)
        kind = b"text/csv" if isinstance(value, bytes) else b"application/json"
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
        ]
        if status == 429:
            headers.append((b"retry-after", str(self.mood.retry_after_seconds).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._books.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.to_thread(self._books.close)
                self._postings.books.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _drop(scope: Scope, receive: Receive) -> None:
    """Drop the connection and wait until the server has noticed, so that nothing is answered."""
    scope["hang_up"]()
    await receive()


async def _lose_answer(scope: Scope, receive: Receive, loss: Loss) -> None:
    """Cut the connection, or say nothing until the caller gives up."""
    if loss == "cut":
        await _drop(scope, receive)
    else:
        await receive()


def _result(key: str, posted: Posted) -> dict[str, Any]:
    if posted.status == 409:
        error = f"{key} is booked as {posted.reference} with other content"
        return {"key": key, "status": 409, "error": error}
    result: dict[str, Any] = {"key": key, "status": posted.status, "reference": posted.reference}
    return {**result, "repeated": True} if posted.status == 200 else result


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("ascii", "replace"))


def _header(scope: Scope, name: bytes) -> str:
    found = next((value for key, value in scope["headers"] if key == name), b"")
    return bytes(found).decode("utf-8", "replace")


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdigit() and len(text) < 16 else otherwise
