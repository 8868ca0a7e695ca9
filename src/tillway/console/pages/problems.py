"""Problems by cause: the list, and one with its fix, its ladder and its messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tillway.api.asgi import Reply
from tillway.console.breaches import Breach, breaches_of
from tillway.console.view import View
from tillway.errors import ConfigurationError
from tillway.observe import Problem
from tillway.project.code_rows import code_tables

REFRESH_SECONDS = 2
_TABLE = re.compile(r"codes/([\w.-]+)\.csv")


async def show(view: View) -> Reply:
    """List every open problem; kind, store, target, route or source system narrow the list."""
    listed = await view.console.models.problems(view.caller)
    asked = {name: view.query(name) for name in ("kind", "store", "target", "route", "system")}
    chosen = {name: text for name, text in asked.items() if text}
    shown = [one for one in listed if _fits(one, chosen)]
    return view.html("problems.html", {"problems": shown, "of": len(listed), "chosen": chosen})


async def one(view: View, group: str) -> Reply:
    """Show one problem, what is wrong, how to mend it, and the steps of its retry."""
    models = view.console.models
    shops = view.caller.stores
    job = models.jobs.job(group, shops)
    try:
        found = await models.problem(group, view.caller)
    except ConfigurationError:
        # Solved while somebody looked at it: that is good news, not an error.
        gone = {"name_of_group": group, "job": job}
        return view.html("problem_gone.html", gone, status=404)
    breaches = await breaches_of(view.reader, found.invalid_ids)
    ladder = await models.jobs.ladder(found.group, found.route, shops)
    # A code table is one for all shops, so who looks after some of them adds nothing to it.
    tables = code_tables(view.release) if shops is None else {}
    values = {
        "problem": found,
        "breaches": breaches,
        "ladder": ladder,
        "job": job,
        "tables": tables,
        "unknown_codes": _unknown_codes(found, breaches),
        "may_retry": view.may("messages.retry"),
        "refresh_seconds": REFRESH_SECONDS if _moves(ladder.last, job) else 0,
    }
    return view.html("problem.html", values)


def _fits(problem: Problem, chosen: Mapping[str, str]) -> bool:
    """Say whether a problem is one of those that were asked for."""
    # What never got past its door stands under the name of its source.
    own = {"kind": problem.kind, "route": problem.route, "target": problem.target}
    own["system"] = problem.target
    return all(
        text in problem.stores_counted if name == "store" else own[name] == text
        for name, text in chosen.items()
    )


def _unknown_codes(problem: Problem, breaches: Iterable[Breach]) -> list[tuple[str, str]]:
    """Return (table, code) of what no code table lists, as far as the problem tells."""
    found = [
        (table[1], one.value)
        for one in breaches
        if one.rule == "code" and one.value and (table := _TABLE.search(one.expected))
    ]
    if not found and (table := _TABLE.search(f"{problem.text} {_details(problem)}")):
        found = [(table[1], "")]
    return list(dict.fromkeys(found))


def _details(problem: Problem) -> str:
    return " ".join(member.detail for member in problem.sample[:3])


def _moves(rung: object, job: object) -> bool:
    """Say whether something on the page will change by itself soon."""
    rung_open = getattr(rung, "open", 0)
    return bool(rung_open) or (job is not None and not getattr(job, "is_over", True))
