"""The postings part of the stand-in ERP: a general ledger that takes store-days and reports them.

POST /postings             one posting, header Idempotency-Key: 201, 200 repeated, 409, 422
GET  /postings/KEY         look-up by posting key, or by the key of the call
GET  /postings             what is booked: ?after=N&limit=M
GET  /postings/report      the same with the cursor to go on after: {"postings": [...], "next": "7"}
GET  /postings/report.csv  all of a day as a file: ?business_date=2026-11-20
POST /postings/alter       spoils the books on purpose: {"posting_key", "do", "amount"}
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tillway.model.exact import to_minor
from tillway.simulator.erp_documents import ACCOUNTS, BusinessRefusal
from tillway.simulator.erp_moods import Mood
from tillway.simulator.erp_posting_books import BookedPosting, PostingBooks, PostingToBook

PATH = "/postings"
MAX_PAGE = 1000
REPORT_COLUMNS = (
    "document_number",
    "document_type",
    "posting_key",
    "reverses",
    "store",
    "business_date",
    "currency",
    "amount",
    "version",
    "booked_at",
)
PAID = frozenset({"tender", "over_short"})
"""The types of the lines that make up the amount of a posting."""

Reply = tuple[int, Any]


class PostingLineIn(msgspec.Struct, gc=False):
    """One line: debit positive, credit negative; amount is text."""

    type: str
    amount: str
    tender: str | None = None
    tax_code: str | None = None
    tax_rate: str | None = None
    group: str | None = None
    account: str | None = None


class PostingIn(msgspec.Struct, gc=False):
    """What the ERP reads of a posting; further fields are kept and not read."""

    posting_key: str
    posting_type: Literal["store_day", "receipt", "reversal"]
    store: str
    business_date: str
    currency: str
    amount: str
    lines: list[PostingLineIn]
    reverses: str | None = None


class AlterRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /postings/alter`: change needs an amount, as text."""

    posting_key: str
    do: Literal["change", "remove", "double"]
    amount: str = "0"


_read = msgspec.json.Decoder(PostingIn).decode
_read_any = msgspec.json.Decoder().decode
_read_alter = msgspec.json.Decoder(AlterRequest).decode
_write_sorted = msgspec.json.Encoder(order="sorted").encode


class PostingDesk:
    """Answers every call under /postings."""

    def __init__(self, books: PostingBooks) -> None:
        self.books = books
        self.refused = 0

    def answer(
        self, method: str, path: str, query: Mapping[str, str], key: str, body: bytes, mood: Mood
    ) -> Reply:
        """Return status and answer of one call; bytes are sent as a CSV file."""
        match method, path:
            case "POST", "/postings":
                return self._post(key, body, mood)
            case "GET", "/postings":
                return 200, [one.as_report() for one in self._page(query)]
            case "GET", "/postings/report":
                return 200, self._report(query)
            case "GET", "/postings/report.csv":
                return 200, report_file(self.books.report(business_date=_day(query)))
            case "POST", "/postings/alter":
                return self._alter(body)
            case "GET", _:
                return self._look_up(path.removeprefix(f"{PATH}/"))
        return 404, {"error": "no such path"}

    def _post(self, key: str, body: bytes, mood: Mood) -> Reply:
        try:
            ready = self._checked(key, body, mood)
        except BusinessRefusal as refusal:
            self.refused += 1
            return 422, {"error": str(refusal), "problems": refusal.problems}
        status, booked = self.books.book(ready)
        reply: dict[str, Any] = {"posting_key": ready.posting_key}
        if status == 409:
            error = f"{ready.posting_key} is booked as {booked.document_number} with other content"
            return 409, {**reply, "error": error}
        repeated = {"repeated": True} if status == 200 else {}
        return status, {**reply, "reference": booked.document_number, **repeated}

    def _checked(self, key: str, body: bytes, mood: Mood) -> PostingToBook:
        if mood.mode == "reject":
            raise BusinessRefusal(["the ERP refuses everything, on purpose"])
        if not key:
            raise BusinessRefusal(["the call has no idempotency key"])
        try:
            asked = _read(body)
            plain = _write_sorted(_read_any(body))
        except msgspec.DecodeError as error:
            raise BusinessRefusal([f"not a posting: {error}"]) from None
        problems = [*_problems(asked, mood), *self._reversal_problems(asked)]
        if problems:
            raise BusinessRefusal(problems)
        return PostingToBook(
            posting_key=asked.posting_key,
            call_key=key,
            posting_type=asked.posting_type,
            reverses=asked.reverses or "",
            store=asked.store,
            business_date=asked.business_date,
            currency=asked.currency,
            minor=to_minor(asked.amount, asked.currency),
            digest=hashlib.blake2b(plain, digest_size=16).digest(),
            body=body,
        )

    def _reversal_problems(self, asked: PostingIn) -> list[str]:
        """Say why a reversal does not take back exactly what is booked, once."""
        if asked.posting_type != "reversal":
            return [f"a {asked.posting_type} takes nothing back"] if asked.reverses else []
        if not asked.reverses:
            return ["a reversal names no posting that it takes back"]
        first = self.books.body(asked.reverses)
        if not first:
            return [f"there is no posting {asked.reverses} to take back"]
        earlier = self.books.reversal_of(asked.reverses)
        if earlier is not None and earlier.posting_key != asked.posting_key:
            return [f"{asked.reverses} was taken back as {earlier.document_number} already"]
        booked, wanted = _sums(_read(first)), _sums(asked)
        if wanted != {place: -minor for place, minor in booked.items()}:
            return [f"the lines are not those of {asked.reverses} with the other sign"]
        return []

    def _look_up(self, key: str) -> Reply:
        found = self.books.find(key)
        if found is None:
            return 404, {"error": "no posting has this key"}
        return 200, {"reference": found.document_number, **found.as_report()}

    def _page(self, query: Mapping[str, str]) -> list[BookedPosting]:
        limit = min(_number(query.get("limit", ""), 100), MAX_PAGE)
        return self.books.report(_number(query.get("after", ""), 0), limit, _day(query))

    def _report(self, query: Mapping[str, str]) -> dict[str, Any]:
        found = self._page(query)
        after = str(found[-1].changed) if found else query.get("after") or None
        return {"postings": [one.as_report() for one in found], "next": after}

    def _alter(self, body: bytes) -> Reply:
        try:
            asked = _read_alter(body)
            found = self.books.find(asked.posting_key)
            if found is None:
                return 404, {"error": "no posting has this key"}
            minor = to_minor(asked.amount, found.currency)
        except (msgspec.DecodeError, ValueError) as error:
            return 400, {"error": f"no such change: {error}"}
        return 200, {"altered": self.books.alter(asked.posting_key, asked.do, minor)}


def report_file(postings: list[BookedPosting]) -> bytes:
    """Return postings as the CSV report of the ERP."""
    text = io.StringIO()
    writer = csv.DictWriter(text, REPORT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(one.as_report() for one in postings)
    return text.getvalue().encode()


def _problems(asked: PostingIn, mood: Mood) -> list[str]:
    problems = [
        f"{name} is empty"
        for name in ("posting_key", "store", "business_date", "currency", "lines")
        if not getattr(asked, name)
    ]
    for line in asked.lines:
        if line.type == "tender" and line.tender not in ACCOUNTS:
            problems.append(f'no account for tender "{line.tender}"')
        elif line.tender in mood.reject_tender_types:
            problems.append(f'tender "{line.tender}" is closed for booking')
    if asked.posting_key in mood.reject_keys:
        problems.append(f"{asked.posting_key} is refused on purpose")
    try:
        amount = to_minor(asked.amount, asked.currency)
        minors = [(line.type, to_minor(line.amount, asked.currency)) for line in asked.lines]
    except ValueError as error:
        return [*problems, str(error)]
    difference = sum(minor for _, minor in minors)
    paid = sum(minor for kind, minor in minors if kind in PAID)
    if difference:
        problems.append(f"the lines add up to {difference} and not to 0 minor units")
    if paid != amount:
        problems.append(
            f"tender and over/short lines come to {paid}, the amount is {amount} minor units"
        )
    return problems


def _sums(asked: PostingIn) -> dict[tuple[Any, ...], int]:
    """Return what a posting books on each place, in minor units."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for line in asked.lines:
        place = (line.type, line.tender, line.tax_code, line.tax_rate, line.group, line.account)
        sums[place] += to_minor(line.amount, asked.currency)
    return {place: minor for place, minor in sums.items() if minor}


def _day(query: Mapping[str, str]) -> str:
    return query.get("business_date", "")


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdigit() and len(text) < 16 else otherwise
