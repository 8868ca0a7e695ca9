"""A Tryton in memory, written from what the real one was seen to answer, that can be told to fail.

It stands in for the HTTP client. `script` holds, for the last word of a method (`create`, `post`,
`login` ...), what the next calls meet instead of an answer: a reply, an error, or a function.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from tillway.connect.http_client import HttpReply
from tillway.connectors.tryton.wire import decoded, encoded

Step = HttpReply | Exception | Callable[[], HttpReply]
JSON = {"content-type": "application/json"}
PAGE = b"<!doctype html><title>504 Gateway Timeout</title><h1>The gateway gave up</h1>"
FIRST_WRITTEN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ACCOUNTS = {
    "1.1.1": {"id": 35, "type": 20, "party_required": False},
    "1.2.1": {"id": 40, "type": 22, "party_required": True},
    "4.0.0": {"id": 98, "type": None, "party_required": False},
    "4.1.1": {"id": 99, "type": 37, "party_required": False},
}
_MONTHS = [(date(2026, 11, 1), date(2026, 11, 30)), (date(2026, 12, 1), date(2026, 12, 31))]


def user_error(text: str) -> HttpReply:
    """Return a business error as Tryton gives it: HTTP 200, with a domain behind the text."""
    return answer(error=["UserError", [text, "", [[["state", "=", "open"]], {"state": {}}]]])


def answer(**body: Any) -> HttpReply:
    """Return an answer; a long one carries the header that is not true, as the real one does."""
    content = encoded({"id": 1, **body})
    headers = {**JSON, "content-encoding": "gzip"} if len(content) > 1400 else JSON
    return HttpReply(200, headers, content)


class ScriptedTryton:
    """An HTTP client whose other side is a ledger in memory."""

    def __init__(self) -> None:
        self.script: dict[str, list[Step]] = {}
        self.calls: list[str] = []
        self.sessions = 0
        self.valid_session = 0
        self.moves: dict[int, dict[str, Any]] = {}
        self.accounts = dict(ACCOUNTS)
        self.rights = {"read": 1, "write": 1, "create": 1, "delete": 1}
        self.closed = 0
        self._next_number = 1

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Answer one call."""
        assert (method, url) == ("POST", "http://tryton.test/books/rpc/")
        call = msgspec.json.decode(body or b"")
        assert set(call) == {"id", "method", "params"}
        word = call["method"].rpartition(".")[2]
        self.calls.append(word)
        if self.script.get(word):
            step = self.script[word].pop(0)
            if isinstance(step, Exception):
                raise step
            return step() if callable(step) else step
        if word == "login":
            self.sessions += 1
            self.valid_session = self.sessions
            return answer(result=[1, f"session{self.sessions}", None])
        wanted = b64encode(f"tillway:1:session{self.valid_session}".encode()).decode()
        if not self.valid_session or headers["authorization"] != f"Session {wanted}":
            return HttpReply(401, {}, b"")
        model = call["method"].removeprefix("model.").rpartition(".")[0]
        return self.carry_out(model, word, decoded(encoded(call["params"])))

    async def close(self) -> None:
        """Count it."""
        self.closed += 1

    def carry_out(self, model: str, word: str, parameters: list[Any]) -> HttpReply:
        """Do what a call asks for and answer."""
        context = parameters[-1]
        assert context == {"company": 1, "language": "en"}
        if model == "ir.model.access":
            return answer(result=dict.fromkeys(parameters[0], self.rights))
        if model != "account.move":
            return answer(result=self._master_data(model, parameters[0]))
        found: Any = getattr(self, f"_{word}")(*parameters[:-1])
        return found if isinstance(found, HttpReply) else answer(result=found)

    def posted(self) -> list[str]:
        """Return the descriptions of what is posted, in order of posting."""
        done = [move for move in self.moves.values() if move["state"] == "posted"]
        return [move["description"] for move in sorted(done, key=lambda one: int(one["number"]))]

    def drafts(self) -> list[str]:
        """Return the descriptions of what is not posted."""
        return [one["description"] for one in self.moves.values() if one["state"] == "draft"]

    def _master_data(self, model: str, domain: list[Any]) -> list[dict[str, Any]]:
        wanted = domain[0][2]
        if model == "company.company":
            found = {"id": 1, "currency.": {"code": "USD", "digits": 2, "id": 1}}
            return [found] if wanted == 1 else []
        if model == "account.account":
            known = [code for code in wanted if code in self.accounts]
            return [{"code": code, **self.accounts[code]} for code in known]
        if model == "account.journal":
            return [{"code": "REV", "id": 1}] if "REV" in wanted else []
        if model == "party.party":
            return [{"code": "HOUSE-1", "id": 7}] if "HOUSE-1" in wanted else []
        assert model == "account.period"
        return [
            {"id": 11 + at, "start_date": first, "end_date": last}
            for at, (first, last) in enumerate(_MONTHS)
        ]

    def _create(self, many: list[dict[str, Any]]) -> list[int]:
        made = []
        for values in many:
            id_ = len(self.moves) + 1
            made.append(id_)
            lines = values["lines"][0][1]
            self.moves[id_] = {
                **values,
                "id": id_,
                "number": None,
                "state": "draft",
                "origin": values.get("origin"),
                "lines.": [{"party": None, **line} for line in lines],
                "create_date": FIRST_WRITTEN + timedelta(seconds=id_),
                "write_date": None,
                "post_date": None,
                "journal.": {"code": "REV"},
                "company.": {"currency.": {"code": "USD"}},
            }
        return made

    def _post(self, ids: list[int]) -> HttpReply | None:
        for id_ in ids:
            if self.moves[id_]["state"] == "posted":
                return user_error(f'You can not call "post" on "{id_}" of "Account Move".')
        for id_ in ids:
            written = FIRST_WRITTEN + timedelta(seconds=self._next_number)
            self.moves[id_].update(
                state="posted", number=str(self._next_number), write_date=written
            )
            self._next_number += 1
        return None

    def _delete(self, ids: list[int]) -> None:
        for id_ in ids:
            # A deleted id is never given again.
            self.moves[id_] = {**self.moves[id_], "state": "deleted", "description": ""}

    def _search_read(
        self, domain: list[Any], offset: int, limit: int | None, order: Any, names: list[str]
    ) -> list[dict[str, Any]]:
        alive = [one for one in self.moves.values() if one["state"] != "deleted"]
        found = [one for one in alive if _holds(domain, one)]
        if order[0][0] == "write_date":
            found.sort(key=lambda one: (one["write_date"], one["id"]))
        return [_with_codes(one, self.accounts) for one in found[offset:][:limit]]


def _holds(clause: list[Any], move: Mapping[str, Any]) -> bool:
    """Say whether a move is meant by a domain; only what the connector asks is known here."""
    if clause and clause[0] == "OR":
        return any(_holds(part, move) for part in clause[1:])
    if not clause or isinstance(clause[0], list):
        return all(_holds(part, move) for part in clause)
    name, operator, wanted = clause
    value = move[name]
    if operator == "like":
        return _is_like(str(value), wanted)
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: value == wanted,
        "!=": lambda: value != wanted,
        "in": lambda: value in wanted,
        ">": lambda: value > wanted,
        ">=": lambda: value >= wanted,
    }
    return tests[operator]()


def _is_like(value: str, pattern: str) -> bool:
    """Match as SQL does: % for any text, _ for one sign, a backslash before either for itself."""
    signs = re.findall(r"\\.|.", pattern, re.DOTALL)
    plain = {"%": ".*", "_": "."}
    expression = "".join(plain.get(sign, re.escape(sign.removeprefix("\\"))) for sign in signs)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _with_codes(move: Mapping[str, Any], accounts: Mapping[str, Any]) -> dict[str, Any]:
    codes = {account["id"]: code for code, account in accounts.items()}
    lines = [{**line, "account.": {"code": codes[line["account"]]}} for line in move["lines."]]
    return {**move, "lines.": lines, "lines": None}
