"""Which books are kept beside the store-days, in the order in which they see a message."""

from __future__ import annotations

from tillway.journal.projection import ProjectingJournal
from tillway.project.records import Reconciliation, Release
from tillway.reconcile.bank_statements import BankStatements
from tillway.reconcile.erp_side import ErpSide
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.matching import Matching
from tillway.reconcile.postings import Postings
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import SideBook
from tillway.reconcile.till_clocks import TillClocks


def side_books(
    release: Release,
    settings: Reconciliation,
    journal: ProjectingJournal,
    log: FindingLog,
    judge: Judge,
    postings: Postings | None,
) -> list[SideBook]:
    """Return the books of a project; postings and what the ERP reports only where it posts."""
    kept: list[SideBook] = [
        Matching(release, settings, journal, log, judge),
        BankStatements(journal, log, judge),
        TillClocks(journal),
    ]
    if postings is not None:
        kept += [postings, ErpSide(settings.posting, journal, log, judge)]
    return kept
