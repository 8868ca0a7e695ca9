"""Writes the statements of the bank as camt.053 of version 8: an entry for each credit.

Opening balance and entries make the closing balance, as on every statement of a bank.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from tillway.simulator.facts import amount_text
from tillway.simulator.finance_facts import BankStatement, StatementLine

_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
    b"<GrpHdr><MsgId>HARBOURBANK</MsgId><CreDtTm>2026-01-01T00:00:00</CreDtTm></GrpHdr>\n"
)
_TAIL = b"</BkToCstmrStmt></Document>\n"


def render(statement: BankStatement) -> bytes:
    """Return one statement as one Stmt element and a line end."""
    day, made = statement.day.isoformat(), _moment(statement.end)
    currency = statement.store.currency
    account = statement.account
    number = f"<IBAN>{account}</IBAN>" if currency == "EUR" else _other(account)
    entries = "".join(
        _entry(statement, place, line) for place, line in enumerate(statement.lines, 1)
    )
    return (
        f"<Stmt><Id>{statement.statement_id}</Id><CreDtTm>{made}</CreDtTm>"
        f"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{made}</ToDtTm></FrToDt>"
        f"<Acct><Id>{number}</Id><Ccy>{currency}</Ccy></Acct>"
        f"{_balance('OPBD', statement.opening, currency, day)}"
        f"{_balance('CLBD', statement.closing, currency, day)}{entries}</Stmt>\n"
    ).encode()


def pack(documents: Sequence[bytes]) -> bytes:
    """Return statements as one file."""
    return b"".join((_HEAD, *documents, _TAIL))


def _other(account: str) -> str:
    return f"<Othr><Id>{account}</Id></Othr>"


def _balance(code: str, minor: int, currency: str, day: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(minor, currency)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _amount(minor: int, currency: str) -> str:
    """Return an unsigned amount and the word for its side."""
    side = "DBIT" if minor < 0 else "CRDT"
    amount = f'<Amt Ccy="{currency}">{amount_text(abs(minor))}</Amt>'
    return f"{amount}<CdtDbtInd>{side}</CdtDbtInd>"


def _entry(statement: BankStatement, place: int, line: StatementLine) -> str:
    day, currency = statement.day.isoformat(), statement.store.currency
    party = "Cdtr" if line.amount < 0 else "Dbtr"
    return (
        f"<Ntry><NtryRef>{place}</NtryRef>{_amount(line.amount, currency)}"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{statement.statement_id}-{place}</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
        "</BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{line.reference}</EndToEndId></Refs>"
        f"<RltdPties><{party}><Pty><Nm>{escape(line.payer)}</Nm></Pty></{party}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
