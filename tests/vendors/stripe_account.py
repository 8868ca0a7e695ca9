"""A Stripe account for tests, and a source in front of it: no sockets, time is turned by hand.

It charges, refunds and pays out, and tells of it as badly as Stripe may: twice, in any order, or
never. What it shows by API is what is true.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tillway.clock import ManualClock
from tillway.connect import Request, SourceContext
from tillway.connect.http_client import HttpReply
from tillway.connectors.stripe.settings import StripeSourceSettings
from tillway.connectors.stripe.source import StripeSource
from tillway.security import Secret
from tillway.security.signatures import signature_of
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState

URL = "https://hub.example.com/in/stripe"
SECRET, OLD_SECRET, KEY = "whsec_new-signing-secret", "whsec_old-signing-secret", "rk_test_key"
NOW = 1_795_168_800
PERSON = "Ada Example"
Json = dict[str, Any]


def values(**more: Any) -> Json:
    """Return the table of settings, secrets resolved."""
    secrets = [Secret(OLD_SECRET), Secret(SECRET)]
    return {"path": "/in/stripe", "signing_secrets": secrets, "api_key": Secret(KEY), **more}


def event_of(subject: Json, name: str = "", event_id: str = "evt_1", at: int = NOW) -> Json:
    """Return an event about an object."""
    return {
        "id": event_id,
        "object": "event",
        "type": name or f"{subject.get('object')}.updated",
        "created": at,
        "data": {"object": subject},
    }


def charge(charge_id: str = "ch_1", amount: int = 1399, **more: Any) -> Json:
    """Return a captured charge with a buyer in many places."""
    card = {"brand": "visa", "last4": "4242", "fingerprint": PERSON, "exp_month": 8, "iin": PERSON}
    made = {
        "id": charge_id, "object": "charge", "amount": amount, "amount_captured": amount,
        "amount_refunded": 0, "currency": "eur", "captured": True, "refunded": False,
        "status": "succeeded", "created": NOW - 60, "payment_intent": "pi_1",
        "billing_details": {"name": PERSON, "email": PERSON}, "receipt_email": PERSON,
        "shipping": {"name": PERSON}, "description": PERSON, "receipt_url": PERSON,
        "metadata": {"store": "0101", "receipt": "0101-1-17", "buyer": PERSON},
        "payment_method_details": {"type": "card", "card": card},
    }  # fmt: skip
    return {**made, **more}


def refund(refund_id: str = "re_1", amount: int = 500, **more: Any) -> Json:
    """Return a refund that is done."""
    made = {
        "id": refund_id, "object": "refund", "amount": amount, "currency": "eur", "charge": "ch_1",
        "status": "succeeded", "created": NOW - 30, "metadata": {"store": "0101"},
    }  # fmt: skip
    return {**made, **more}


def payout(payout_id: str = "po_1", amount: int = 868, **more: Any) -> Json:
    """Return a payout on its way whose entries are known."""
    made = {
        "id": payout_id, "object": "payout", "amount": amount, "currency": "eur",
        "status": "in_transit", "created": NOW - 10, "arrival_date": NOW + 172_800,
        "automatic": True, "reconciliation_status": "completed", "method": "standard",
    }  # fmt: skip
    return {**made, **more}


def entry(category: str, amount: int, fee: int = 0, source: str = "ch_1") -> Json:
    """Return a balance transaction."""
    return {
        "id": f"txn_{source}_{amount}", "reporting_category": category, "type": category,
        "amount": amount, "fee": fee, "net": amount - fee, "source": source, "created": NOW - 3600,
    }  # fmt: skip


class Account:
    """What Stripe has. calls holds the path of every call.

    replies are given before any other, those in broken once instead of the right one for a path.
    """

    def __init__(self, seed: int = 1, now: int = NOW) -> None:
        self.rng = Random(seed)
        self.now = now
        self.events: list[Json] = []
        self.payouts: dict[str, Json] = {}
        self.entries: dict[str, list[Json]] = {}
        self.endpoints: list[Json] = [{"id": "we_1", "url": URL, "status": "enabled"}]
        self.calls: list[str] = []
        self.replies: list[HttpReply] = []
        self.broken: dict[str, HttpReply] = {}

    def tell(self, subject: Json, name: str = "", at: int = 0) -> Json:
        """Note that something happened; the object is kept as it was then."""
        event_id = f"evt_{len(self.events) + 1:05}"
        made = event_of(json.loads(json.dumps(subject)), name, event_id, at or self.now)
        self.events.append(made)
        return made

    def trade(self, charges: int) -> None:
        """Charge, take the money later, refund some, and pay everything out."""
        begin = self.now - charges * 60
        entries = []
        for number in range(charges):
            at, amount = begin + number * 60, self.rng.randrange(100, 9000)
            name = f"ch_{number:04}"
            held = charge(name, amount, captured=False, amount_captured=0)
            self.tell(held, "charge.succeeded", at)
            self.tell(charge(name, amount), "charge.captured", at + 2)
            self.tell(charge(name, amount), "charge.updated", at + 3)
            entries.append(entry("charge", amount, 31, name))
            if self.rng.random() < 0.2:
                self.tell(refund(f"re_{number:04}", 50, status="pending"), "refund.created", at + 9)
                self.tell(refund(f"re_{number:04}", 50), "refund.updated", at + 10)
                entries.append(entry("refund", -50, 0, f"re_{number:04}"))
        made = payout("po_1", sum(one["net"] for one in entries))
        self.entries["po_1"] = [entry("payout", -made["amount"], 0, "po_1"), *entries]
        early = {**made, "reconciliation_status": "in_progress", "status": "pending"}
        self.tell(early, "payout.created", self.now - 5)
        self.payouts["po_1"] = made
        self.tell(made, "payout.reconciliation_completed", self.now - 1)

    def told_badly(self) -> list[Json]:
        """Return the events as they come: some never, some twice, in no order."""
        told = [event for event in self.events if self.rng.random() > 0.15]
        told += [event for event in told if self.rng.random() < 0.3]
        self.rng.shuffle(told)
        return told

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Answer a call of the API."""
        where = urlsplit(url)
        query = dict(parse_qsl(where.query))
        self.calls.append(where.path)
        if self.replies:
            return self.replies.pop(0)
        if where.path in self.broken:
            return self.broken.pop(where.path)
        if headers.get("authorization") != f"Bearer {KEY}":
            return HttpReply(401, {}, b'{"error": {"type": "invalid_request_error"}}')
        if where.path == "/v1/events":
            begin, end = (
                int(query.get("created[gte]", 0)),
                int(query.get("created[lt]", self.now * 2)),
            )
            found = [one for one in reversed(self.events) if begin <= one["created"] < end]
        elif where.path == "/v1/balance_transactions":
            found = self.entries.get(query["payout"], [])
        elif where.path == "/v1/webhook_endpoints":
            found = self.endpoints
        else:
            one = self.payouts.get(where.path.rpartition("/")[2])
            return HttpReply(404, {}, b"{}") if one is None else answer(one)
        ids = [one["id"] for one in found]
        start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        end_at = start + int(query["limit"])
        return answer({"data": found[start:end_at], "has_more": end_at < len(found)})

    async def close(self) -> None:
        """Nothing is held open."""


def answer(body: Json, status: int = 200) -> HttpReply:
    """Return an answer of the API."""
    return HttpReply(status, {}, json.dumps(body).encode())


def signed_headers(body: bytes, at: int, secret: str = SECRET) -> dict[str, str]:
    """Return the headers Stripe sends with a body. at: seconds since 1970."""
    right = signature_of(secret, f"{at}.".encode() + body, key="text")
    return {"stripe-signature": f"t={at},v1={right},v0=00"}


class Merchant:
    """The account, the source that listens to it, and a hub that remembers what it was given."""

    def __init__(self, seed: int = 1, **more: Any) -> None:
        self.account = Account(seed)
        self.clock = ManualClock(NOW * 1_000_000)
        self.state, self.hints, self.intake = MemoryState(), MemoryHints(), FakeIntake()
        self.more = more
        self.source = self.make_source()

    def make_source(self) -> StripeSource:
        """Return a source as after a restart: same state and hints, nothing else remembered."""
        context = SourceContext(
            "stripe", self.clock, self.state, ".", durability="fsync", hints=self.hints
        )
        made = msgspec.convert(values(**self.more), StripeSourceSettings)
        return StripeSource(made, context, open_http=lambda: self.account, rng=Random(5))

    def signed(self, body: bytes, secret: str = SECRET, late: int = 0) -> Request:
        """Return a request that Stripe signed. late: seconds ago."""
        at = self.clock.now() // 1_000_000 - late
        return Request("POST", "/in/stripe", signed_headers(body, at, secret), body)

    async def send(self, event: Any) -> tuple[int, Json]:
        """Hand a signed event to the door; returns status and answer."""
        reply = await self.source.receive(self.signed(json.dumps(event).encode()), self.intake)
        return reply.status, json.loads(reply.body)

    @property
    def records(self) -> list[Json]:
        """Return every record handed over so far."""
        return [json.loads(line) for body in self.intake.bodies for line in body.splitlines()]

    def stored(self) -> set[tuple[str, str, int]]:
        """Return kind, id and revision of every record handed over."""
        known = [one for one in self.records if one["kind"] != "missing"]
        return {(one["kind"], one[one["kind"]]["id"], one["revision"]) for one in known}
