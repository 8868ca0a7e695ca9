"""The error tree; its classes say what the engine must do.

TillwayError                every error we raise: a code, a sentence, and named fields
  Transient                 try again later, not before retry_after_seconds
  Permanent                 the target will never take it: dead letter now
  InDoubt                   nobody knows whether it took effect: resolve by delivery class
  NotConnected              the other side cannot be reached: reconnect, and count for the breaker
  ContractViolation         the message breaks its contract: quarantine, every violation listed
  Refused                   not stored; the sender still holds it (401, 403, 413, 429, 503, 507)
  ConfigurationError        refuse to start
  JournalFault              a write or flush failed: acknowledge nothing more, leave the process
  EndOfInput                the source has no more: stop it

Values are masked before they enter an error, here, so that no caller can forget.
"""

from __future__ import annotations

import re
import traceback
from typing import Any

import msgspec

SHOWN_CHARACTERS = 60
_LONG_DIGITS = re.compile(r"\d(?:[ -]?\d){12,}")


def shown(value: object) -> str:
    """Return a value as it may be shown: shortened, and long digit runs cut to their last four."""
    text = value if isinstance(value, str) else repr(value)
    masked = without_long_digits(text)
    return masked if len(masked) <= SHOWN_CHARACTERS else masked[: SHOWN_CHARACTERS - 3] + "..."


def without_long_digits(text: str) -> str:
    """Return a text in which runs of 13 and more digits are cut to their last four."""
    return _LONG_DIGITS.sub(lambda run: "****" + run.group()[-4:], text)


class Violation(msgspec.Struct, frozen=True):
    """One breach of a contract: where, which rule, what was found, what would be right.

    path is dotted with indices (`lines[2].uom`); rule is a short stable word (`required`, `enum`,
    `decimal`, `type`, or an audit rule such as `TRAN_OUT_OF_BALANCE`); value is already masked.
    """

    path: str
    rule: str
    value: str = ""
    expected: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the violation as it appears in problem documents; empty fields are left out."""
        fields = {"path": self.path, "rule": self.rule}
        if self.value:
            fields["value"] = self.value
        if self.expected:
            fields["expected"] = self.expected
        return fields

    def __str__(self) -> str:
        found = f": found {self.value}" if self.value else ""
        wanted = f", expected {self.expected}" if self.expected else ""
        return f"{self.path} ({self.rule}){found}{wanted}"


class TillwayError(Exception):
    """An error with a stable code and named fields.

    detail is one sentence. path names a field, value is what was found (masked here), advice says
    what to do, and any other keyword (store, source, line, target ...) says where.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        path: str = "",
        value: object = None,
        advice: str = "",
        **where: object,
    ) -> None:
        self.code = code
        self.detail = without_long_digits(detail)
        self.path = path
        self.value = "" if value is None else shown(value)
        self.advice = advice
        self.where: dict[str, str] = {name: shown(at) for name, at in where.items() if at != ""}
        super().__init__(self.detail)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    def as_json(self) -> dict[str, Any]:
        """Return the error as plain values: code, detail, and the fields that are set."""
        body: dict[str, Any] = {"code": self.code, "detail": self.detail}
        for name in ("path", "value", "advice"):
            if getattr(self, name):
                body[name] = getattr(self, name)
        if self.where:
            body["where"] = self.where
        return body


class Transient(TillwayError):
    """The target could not take it now; the same call may succeed later."""

    def __init__(
        self, code: str, detail: str, *, retry_after_seconds: float | None = None, **fields: Any
    ) -> None:
        super().__init__(code, detail, **fields)
        self.retry_after_seconds = retry_after_seconds


class Permanent(TillwayError):
    """The target refused it for good; sending the same again cannot help."""


class InDoubt(TillwayError):
    """The call went out and no answer came back: it may or may not have taken effect."""


class NotConnected(TillwayError):
    """The other side cannot be reached."""


class ContractViolation(TillwayError):
    """The message breaks its contract; violations lists every breach, not only the first."""

    def __init__(self, code: str, detail: str, violations: list[Violation], **fields: Any) -> None:
        super().__init__(code, detail, **fields)
        self.violations = violations

    def as_json(self) -> dict[str, Any]:
        """Return the error with its list of violations under `errors`."""
        return {**super().as_json(), "errors": [breach.as_json() for breach in self.violations]}


class Refused(TillwayError):
    """Not stored: the sender still holds it. status is the HTTP answer that says so."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int,
        retry_after_seconds: float | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(code, detail, **fields)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class ConfigurationError(TillwayError):
    """The project or the machine is not fit to start."""


class JournalFault(TillwayError):
    """A journal write or flush failed; nothing after it may be acknowledged."""


class EndOfInput(TillwayError):
    """The source has nothing more to give."""


def place_of(bug: BaseException) -> str:
    """Return the file and line an exception came from, for a log.

    Its text is left out on purpose: it may quote a payload.
    """
    frames = traceback.extract_tb(bug.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"
