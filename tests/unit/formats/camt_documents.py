"""Writes camt documents for tests: entries, statements, and the document around them."""

from __future__ import annotations

ACCOUNT = "DE89370400440532013000"


def entry(amount: str, sign: str = "CRDT", currency: str = "EUR", inside: str = "") -> str:
    """Return a booked entry; inside stands at its end."""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>"
        f"<ValDt><Dt>2026-11-21</Dt></ValDt>{inside}</Ntry>"
    )


def balance(code: str, amount: str, sign: str = "CRDT", currency: str = "EUR") -> str:
    """Return a balance."""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd></Bal>'
    )


def statement(*inside: str, number: str = "S1", name: str = "Stmt", account: str = ACCOUNT) -> str:
    """Return a statement (Stmt), report (Rpt) or notification (Ntfctn)."""
    owner = f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>" if account else ""
    return f"<{name}><Id>{number}</Id>{owner}{''.join(inside)}</{name}>"


def document(*statements: str, version: str = "053.001.08") -> bytes:
    """Return a whole document."""
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>{''.join(statements)}</BkToCstmrStmt>"
        "</Document>"
    ).encode()
