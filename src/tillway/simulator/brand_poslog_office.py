"""The back-office half of the northgate POSLog: cash moved, tills settled, days begun and ended.

Every one of these uses up a number of its register, as POSLog has it.
"""

from __future__ import annotations

from tillway.simulator.facts import (
    CashMove,
    DayClose,
    DayOpen,
    DaySums,
    Fact,
    TenderLedger,
    TillSettle,
    amount_text,
)

MOVEMENTS = {
    "float_in": "TenderLoan",
    "paid_out": "PaidOut",
    "pickup": "TenderPickup",
    "bank_deposit": "Deposit",
}
LEDGER_TENDERS = {
    "cash": "Cash",
    "credit": "Credit",
    "debit": "Debit",
    "voucher": "Voucher",
    "gift_card": "GiftCard",
    "unknown": "acs:MoonCoin",
}


def office_body(fact: Fact, moment: str) -> str:
    """Return the body of a cash, till or day record; moment is its local time."""
    match fact:
        case CashMove():
            name = MOVEMENTS[fact.kind]
            envelope = f"<EnvelopeID>{fact.envelope}</EnvelopeID>" if fact.envelope else ""
            envelope += f"<SafeID>{fact.safe}</SafeID>" if fact.safe else ""
            return _cash_office(
                f'<{name}><Tender TenderType="Cash"><Amount>{amount_text(abs(fact.amount))}'
                f"</Amount></Tender>{envelope}</{name}>"
            )
        case TillSettle():
            return _cash_office(_settle(fact, moment))
        case DayOpen():
            return _control(f"<BusinessSOD>{_times(moment)}</BusinessSOD>")
        case DayClose():
            registers = "".join(
                f"<WorkstationSummary><WorkstationID>{one.till}</WorkstationID>"
                f"{_numbers(one.first, one.last, one.count)}</WorkstationSummary>"
                for one in fact.workstations
            )
            ends = f"<BusinessEOD>{_times(moment)}{registers}</BusinessEOD>"
            return _control(f"{ends}{_totals(fact.sums)}")
    raise AssertionError(f"no transaction for {type(fact).__name__}")


def _totals(sums: DaySums) -> str:
    """Return what the day came to, as an addition of the vendor; POSLog has no place for it."""
    amounts = (
        ("Gross", sums.gross),
        ("Discount", sums.discount),
        ("Net", sums.gross - sums.discount),
        ("Tax", sums.tax),
        ("Grand", sums.grand),
    )
    fields = "".join(f"<{name}>{amount_text(amount)}</{name}>" for name, amount in amounts)
    fields += "".join(
        f"<TenderTotal><TenderType>{kind}</TenderType><Count>{count}</Count>"
        f"<Amount>{amount_text(amount)}</Amount></TenderTotal>"
        for kind, (count, amount) in sorted(sums.tenders.items())
    )
    return f"<acs:DayTotals>{fields}</acs:DayTotals>"


def _settle(settle: TillSettle, moment: str) -> str:
    lines, voids = settle.line_voids, settle.post_voids
    return (
        f"<TillSettle><SessionID>{settle.session}</SessionID>"
        f"<EndDateTimestamp>{moment}</EndDateTimestamp>"
        f"{_numbers(settle.first, settle.last, settle.used)}"
        f"{_count('LineItemVoids', *lines)}{_count('PostTransactionVoids', *voids)}"
        f"<TransactionVoids><Count>{settle.cancelled}</Count></TransactionVoids>"
        f"{''.join(map(_ledger, settle.ledgers))}</TillSettle>"
    )


def _ledger(ledger: TenderLedger) -> str:
    amounts = (
        ("Sales", ledger.sales),
        ("Returns", ledger.returns),
        ("PaidOut", ledger.paid_out),
        ("Loan", ledger.loans),
        ("Pickup", ledger.pickups),
        ("Ending", ledger.counted),
        ("Over", max(ledger.over, 0)),
        ("Short", max(-ledger.over, 0)),
    )
    fields = "".join(f"<{name}>{amount_text(amount)}</{name}>" for name, amount in amounts)
    tender = LEDGER_TENDERS[ledger.kind]
    return f'<TenderSummary><Ledger TenderType="{tender}">{fields}</Ledger></TenderSummary>'


def _count(name: str, number: int, amount: int) -> str:
    return f"<{name}><Count>{number}</Count><Amount>{amount_text(amount)}</Amount></{name}>"


def _numbers(first: int, last: int, used: int) -> str:
    return (
        f"<OpenTransactionSequenceNumber>{first}</OpenTransactionSequenceNumber>"
        f"<LastTransactionSequenceNumber>{last}</LastTransactionSequenceNumber>"
        f"<TransactionCount>{used}</TransactionCount>"
    )


def _times(moment: str) -> str:
    return (
        f"<StartDateTimestamp>{moment}</StartDateTimestamp>"
        f"<EndDateTimestamp>{moment}</EndDateTimestamp>"
    )


def _cash_office(body: str) -> str:
    return f'<TenderControlTransaction Version="2.1">{body}</TenderControlTransaction>'


def _control(body: str) -> str:
    return f'<ControlTransaction Version="2.1">{body}</ControlTransaction>'
