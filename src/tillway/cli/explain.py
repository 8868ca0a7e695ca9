"""`tillway explain TW-nnnn`: what a code means and what to do about it, offline."""

from __future__ import annotations

from difflib import get_close_matches

import msgspec
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.options import Json
from tillway.cli.output import emit, table
from tillway.errors import CodeRecord, ConfigurationError, all_codes, code_record

NEAREST = 3
RULES = "rules"
COLUMNS = ("id", "code", "level", "severity", "finds")


def explain(code: str, /, *, json: Json = False) -> int:
    """Say what an error code or an audit rule means, what Tillway did, and what to do.

    Example: tillway explain TW-1101

    Parameters
    ----------
    code
        The code, such as TW-1101 (1101 will do), an audit rule such as SEQ_GAP, or `rules` for all.
    """
    from tillway.reconcile.rules import CATALOGUE

    if code == RULES:
        rules = [
            {
                **{name: getattr(one, name) for name in COLUMNS},
                "severity": "off" if one.off else one.severity,
            }
            for one in CATALOGUE.values()
        ]
        emit("explain", {"rules": rules}, lambda console: _draw_rules(console, rules), json)
        return exit_codes.DONE
    rule = CATALOGUE.get(code.strip().upper())
    wanted = rule.code if rule else _spelled(code)
    record = code_record(wanted)
    if record is None:
        raise ConfigurationError("TW-1006", f"no code is called {wanted}", advice=_near(wanted))
    emit("explain", msgspec.to_builtins(record), lambda console: _draw(console, record), json)
    return exit_codes.DONE


def _spelled(code: str) -> str:
    digits = code.strip().upper().removeprefix("TW").removeprefix("-")
    return f"TW-{digits}"


def _near(wanted: str) -> str:
    close = get_close_matches(wanted, all_codes(), n=NEAREST, cutoff=0.5)
    if not close:
        return "Codes look like TW-1101."
    titles = "; ".join(f"{code} ({all_codes()[code].title})" for code in close)
    return f"The nearest codes: {titles}."


def _draw_rules(console: Console, rules: list[dict[str, str]]) -> None:
    drawn = table(*COLUMNS)
    for rule in rules:
        drawn.add_row(*rule.values())
    console.print(drawn)


def _draw(console: Console, record: CodeRecord) -> None:
    console.print(f"{record.code}: {record.title}")
    lines = {
        "happened": record.happened,
        "done": record.did,
        "do": record.advice,
        "runbook": record.runbook,
    }
    for label, text in lines.items():
        if text:
            console.print(f"  {label:<9}{text}", soft_wrap=True)
    if record.http_status:
        console.print(f"  answer   HTTP {record.http_status}")
