"""Sets up the books of the Tryton peer: company, chart of accounts, fiscal years, a user, a party.

Runs in the peer's own environment, since it imports GPL programs; no code of Tillway imports it.
Arguments: the configuration file and the database.
"""

from __future__ import annotations

import datetime as dt
import sys

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear
from trytond.modules.company.tests.tools import create_company
from trytond.modules.currency.tests.tools import get_currency

YEARS = range(2015, 2036)
# Code, name, and the account of Tryton's chart that it stands beside.
RETAIL_ACCOUNTS = (
    ("1.1.5", "Card Terminals", "1.1.1"),
    ("1.1.6", "Other Tenders", "1.1.1"),
    ("2.2.5", "Gift Cards And Store Credit", "2.2.2"),
    ("2.2.6", "Deposits Taken", "2.2.2"),
    ("2.2.7", "Tips Owed To Staff", "2.2.2"),
    ("2.2.8", "Payments On Account", "2.2.2"),
    ("2.2.9", "Donations To Pass On", "2.2.2"),
)
ENDED_ACCOUNT = ("4.9.9", "Revenue Until 2016", "4.1.1")


def main(configuration: str, database: str) -> None:
    """Make everything once, in an empty database."""
    config.set_trytond(f"sqlite:///{database}", user="admin", config_file=configuration)
    create_company(currency=get_currency("USD"))
    create_chart()
    for code, name, beside in (*RETAIL_ACCOUNTS, ENDED_ACCOUNT):
        add_account(code, name, beside)
    end_account(ENDED_ACCOUNT[0])
    for year in YEARS:
        whole = (dt.date(year, 1, 1), dt.date(year, 12, 31))
        fiscal_year = create_fiscalyear(today=whole)
        fiscal_year.save()
        fiscal_year.click("create_period")
    add_party()
    add_user()


def add_account(code: str, name: str, beside: str) -> None:
    """Add an account of the same kind beside one of the chart."""
    accounts = Model.get("account.account")
    [model] = accounts.find([("code", "=", beside)])
    added = accounts(code=code, name=name, company=model.company, type=model.type)
    added.parent = model.parent
    added.save()


def end_account(code: str) -> None:
    """Let an account take lines until the end of 2016 only, so that Tryton refuses later ones."""
    [account] = Model.get("account.account").find([("code", "=", code)])
    account.start_date = dt.date(2010, 1, 1)
    account.end_date = dt.date(2016, 12, 31)
    account.save()


def add_party() -> None:
    """Add the customer that receivables are booked on."""
    Model.get("party.party")(name="House Account", code="HOUSE-1").save()


def add_user() -> None:
    """Add the user that books, who may do accounting and nothing else."""
    [company] = Model.get("company.company").find([])
    user = Model.get("res.user")(name="Tillway", login="tillway", password="tillway-books-1")
    user.companies.append(company)
    user.company = company
    [group] = Model.get("res.group").find([("name", "=", "Accounting")])
    user.groups.append(group)
    user.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
