"""The audit rules that need a day, master data or the other side, and how they are taken here.

The rules of `model.rules` look at one message alone and are judged at intake; these join them to
the catalogue of the retail model, section 7. A project sets severity, tolerance and owner of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from tillway.errors import ConfigurationError
from tillway.model.rules import RULES, AuditRule
from tillway.project.records import RuleSetting
from tillway.reconcile.findings import Finding
from tillway.spelling import nearest

DAY_RULES: dict[str, AuditRule] = {
    rule.id: rule
    for rule in (
        AuditRule(
            "SEQ_DUPLICATE",
            "workstation-day",
            "error",
            "TW-6002",
            "one number of a register under two business dates",
        ),
        AuditRule(
            "SEQ_CONFLICT", "transaction", "error", "TW-6003", "the same key with other content"
        ),
        AuditRule(
            "STORE_DAY_NO_DATA", "store-day", "error", "TW-6005", "a trading day without data"
        ),
        AuditRule(
            "STORE_DAY_NOT_CLOSED", "store-day", "error", "TW-6006", "no close record by cut-off"
        ),
        AuditRule(
            "COUNT_MISMATCH",
            "workstation-day",
            "error",
            "TW-6007",
            "the close record counts other numbers than were received",
        ),
        AuditRule(
            "LATE_TRANSACTION",
            "transaction",
            "warn",
            "TW-6008",
            "a message that came after its day was closed or posted",
        ),
        AuditRule(
            "FUTURE_DATE", "transaction", "error", "TW-6009", "a business date in the future"
        ),
        AuditRule(
            "SEQ_OUT_OF_ORDER",
            "workstation-day",
            "warn",
            "TW-6004",
            "a number that happened before the one below it",
        ),
        AuditRule(
            "BUSINESS_DATE_STALE",
            "transaction",
            "error",
            "TW-6010",
            "a business date older than `oldest_days` when it came",
        ),
        AuditRule(
            "CLOSED_PERIOD",
            "transaction",
            "error",
            "TW-6011",
            "a business date in a period that was closed before it came",
        ),
        AuditRule(
            "UNKNOWN_STORE", "store-day", "error", "TW-6012", "a shop that stores.csv does not list"
        ),
        AuditRule(
            "UNKNOWN_WORKSTATION",
            "workstation-day",
            "error",
            "TW-6013",
            "a register that [workstations] does not list for its shop",
        ),
        AuditRule(
            "TRAINING_MODE",
            "store-day",
            "count",
            "TW-6014",
            "training transactions: their numbers count, their money does not",
        ),
        AuditRule(
            "CASH_ROUNDING_LIMIT",
            "transaction",
            "warn",
            "TW-6112",
            "rounding by more than half the smallest coin of [smallest_coin]",
        ),
        AuditRule(
            "TAX_MAPPING_INCOMPLETE",
            "transaction",
            "error",
            "TW-6202",
            "a tax rate without a row in the code tables of `tax_codes`",
        ),
        AuditRule(
            "TAX_INCLUDED_INCONSISTENT",
            "transaction",
            "error",
            "TW-6203",
            "tax inside the prices where it is added, or the other way round",
        ),
        AuditRule(
            "TAX_RECALC_MISMATCH",
            "transaction",
            "warn",
            "TW-6204",
            "a tax that is not its rate of what it was computed on",
        ),
        AuditRule(
            "TAX_EXEMPT_UNJUSTIFIED",
            "transaction",
            "warn",
            "TW-6205",
            "no tax at a rate above zero, and no reason why",
        ),
        AuditRule(
            "REASON_CODE_REQUIRED",
            "transaction",
            "warn",
            "TW-6302",
            "a return, void or price override without a reason",
            off=True,
        ),
        AuditRule(
            "NO_SALE_RATE",
            "operator-day",
            "warn",
            "TW-6501",
            "a drawer opened without a sale too often",
            off=True,
        ),
        AuditRule(
            "POST_VOID_RATE",
            "operator-day",
            "warn",
            "TW-6502",
            "receipts taken back too often",
            off=True,
        ),
        AuditRule(
            "PRICE_OVERRIDE_RATE",
            "operator-day",
            "warn",
            "TW-6503",
            "prices changed by hand too often",
            off=True,
        ),
        AuditRule(
            "RETURN_WITHOUT_RECEIPT",
            "transaction",
            "warn",
            "TW-6504",
            "a return that names no sale",
            off=True,
        ),
        AuditRule(
            "GIFT_CARD_RETURN",
            "transaction",
            "warn",
            "TW-6505",
            "a gift card taken back for money",
            off=True,
        ),
        AuditRule(
            "TAX_RATE_UNKNOWN",
            "line",
            "error",
            "TW-6201",
            "a tax rate that is not in force in the country of the shop",
        ),
        AuditRule(
            "TOTALS_MISMATCH",
            "till",
            "error",
            "TW-6402",
            "totals the shop declares differ from the receipts added up",
        ),
        AuditRule(
            "DEPOSIT_MISMATCH",
            "settlement",
            "error",
            "TW-6404",
            "the bank credits another amount than the shop deposited, or none",
        ),
        AuditRule(
            "AMOUNT_DIFF", "settlement", "error", "TW-6602", "two systems state other amounts"
        ),
        AuditRule(
            "TENDER_NO_PAYMENT", "settlement", "error", "TW-6603", "a receipt without card money"
        ),
        AuditRule(
            "PAYMENT_NO_TENDER", "settlement", "error", "TW-6604", "card money without a receipt"
        ),
        AuditRule(
            "MISSING_IN_ERP", "posting", "error", "TW-6605", "a posting the ERP does not report"
        ),
        AuditRule(
            "MISSING_IN_HUB", "posting", "error", "TW-6606", "a document nobody here asked for"
        ),
        AuditRule(
            "DUPLICATE_POSTING", "posting", "error", "TW-6607", "two documents for one posting"
        ),
        AuditRule(
            "STATEMENT_GAP",
            "settlement",
            "error",
            "TW-6608",
            "a bank statement that does not begin where the one before it ended",
        ),
        AuditRule(
            "MISSING_DECLARATION",
            "till",
            "error",
            "TW-6403",
            "a till that traded was not counted",
        ),
    )
}
DEFAULT_RATE_PERCENT = Decimal(5)
"""What the rules about operators allow in 100 receipts, where a project sets no tolerance."""
ALSO_OF_THE_DAY = ("SEQ_GAP", "OVER_SHORT", "CURRENCY_UNKNOWN")
"""Rules of the message that a day is asked about as well; gaps only show there."""
CATALOGUE: Mapping[str, AuditRule] = {**RULES, **DAY_RULES}


def unknown_rules(names: Iterable[str]) -> list[ConfigurationError]:
    """Return what is wrong with these names of rules: TW-6900 for each that nobody knows."""
    return [
        ConfigurationError(
            "TW-6900",
            f"there is no audit rule {name}",
            path=f"rules.{name}",
            advice=f"{nearest(name, CATALOGUE)}`tillway explain rules` lists them all.",
        )
        for name in names
        if name not in CATALOGUE
    ]


def known_rule(name: str) -> AuditRule:
    """Return an audit rule that somebody asks about. Raises ConfigurationError TW-6907."""
    if name not in CATALOGUE:
        raise ConfigurationError(
            "TW-6907",
            f"there is no audit rule {name}",
            path="rule",
            value=name,
            advice=f"{nearest(name, CATALOGUE)}`tillway explain rules` lists them all.",
        )
    return CATALOGUE[name]


class Judge(msgspec.Struct, frozen=True):
    """Turns breaches into findings with the severity, tolerance and owner of the project."""

    settings: Mapping[str, RuleSetting]

    def __post_init__(self) -> None:
        for error in unknown_rules(self.settings):
            raise error

    def severity(self, rule: str) -> str:
        """Return how grave a breach is here: error, warn, count or off."""
        setting = self.settings.get(rule)
        if setting and setting.severity:
            return setting.severity
        return "off" if CATALOGUE[rule].off else CATALOGUE[rule].severity

    def tolerance(self, rule: str, default: Decimal = Decimal(0)) -> Decimal:
        """Return how much two amounts may differ, in their currency."""
        found = self.set_tolerance(rule)
        return default if found is None else found

    def set_tolerance(self, rule: str) -> Decimal | None:
        """Return the tolerance the project sets, None where it sets none."""
        setting = self.settings.get(rule)
        return None if setting is None else setting.tolerance

    def finding(
        self, rule: str, store: str, business_date: str, **told: str | int
    ) -> list[Finding]:
        """Return the finding of a breach, none where the rule is off here."""
        severity = self.severity(rule)
        if severity == "off":
            return []
        setting = self.settings.get(rule)
        return [
            Finding(
                rule,
                store,
                business_date,
                severity=severity,
                owner=setting.owner if setting else "",
                **told,  # type: ignore[arg-type]
            )
        ]
