"""The operations of the screens: what the console draws, the API answers from the same models."""

from __future__ import annotations

from typing import Any

import msgspec

from tillway.api.actions import check_count, plan_letters
from tillway.api.answers import answer, parts_of
from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.described import Operation, Parameter
from tillway.api.fields import Count, Reason, Text, body_as, number_of, who_acts
from tillway.api.operations import CodeRow
from tillway.api.retry_jobs import RetryJob
from tillway.api.screen_models import Done, ScreenModels
from tillway.errors import ConfigurationError
from tillway.observe.latest import Hit
from tillway.observe.register import ContractLine, ContractPage, MappingLine, MappingPage
from tillway.observe.settings import Setting
from tillway.observe.stuck import StuckMoney, StuckProblem
from tillway.observe.tempo import Minute
from tillway.observe.traffic import TrafficMap
from tillway.reconcile import Sheet, StoreBooks, StoreDay, write_csv

__all__ = ["SCREEN_OPERATIONS", "ScreenAnswers", "ScreenModels", "stuck_as_csv"]

STUCK_COLUMNS = (
    "target", "problem", "kind", "code", "cause", "age", "age_seconds", "messages", "held_behind",
    "stores", "amount_unknown", "currency", "amount",
)  # fmt: skip


class JobRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of dlq/jobs/start and dlq/jobs/stop; agreed: the count the person saw."""

    group: Text
    who: Text = ""
    reason: Reason = ""
    agreed: Count | None = None


class CodeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of codes/add: the row, and why."""

    table: Text
    source: Text
    canonical: Text
    label: Text = ""
    who: Text = ""
    reason: Reason = ""


_STORE_PAGE = answer(
    "store",
    line=dict[str, Any],
    books=StoreBooks | None,
    country=str,
    currency=str,
    registers=int,
    days=list[StoreDay],
    latest=list[Hit],
    looked_at=int,
    problems=list[str],
)

SCREEN_OPERATIONS: tuple[Operation, ...] = (
    Operation("tempo", "GET", "status.read", "Messages a minute of the last hour.",
              answer("tempo", minutes=list[Minute]), every_store=True),
    Operation("stores/{store}", "GET", "stores.read", "One shop in full.", _STORE_PAGE),
    Operation("stuck", "GET", "messages.read", "Stuck money by target, cause and age.",
              answer("stuck", parts_of(StuckMoney, "problems"), stuck=list[StuckProblem])),
    Operation("stuck.csv", "GET", "messages.read", "Stuck money as CSV.", "text/csv"),
    Operation("traffic", "GET", "status.read", "Systems and routes with what flows between.",
              answer("traffic", parts_of(TrafficMap))),
    Operation("contracts", "GET", "messages.read", "Contracts in force.",
              answer("contracts", contracts=list[ContractLine])),
    Operation("contracts/{contract}", "GET", "messages.read", "One contract in full.",
              answer("contract", parts_of(ContractPage))),
    Operation("mappings", "GET", "messages.read", "Mappings in force.",
              answer("mappings", mappings=list[MappingLine])),
    Operation("mappings/{mapping}", "GET", "messages.read", "One mapping with a live sample.",
              answer("mapping", parts_of(MappingPage))),
    Operation("audit", "GET", "audit.read", "The audit log, newest first.",
              answer("audit", entries=list[Done]), every_store=True,
              query=(Parameter("before", "Entries before this number.", "integer"),)),
    Operation("settings", "GET", "settings.read", "Settings and where each came from.",
              answer("settings", settings=list[Setting])),
    Operation("dlq/jobs", "GET", "messages.read", "Retries of whole problems of this process.",
              answer("dlq.jobs", jobs=list[RetryJob]), every_store=True),
    Operation("dlq/jobs/start", "POST", "messages.retry", "Send a whole problem again, as a job.",
              answer("dlq.job", parts_of(RetryJob)), body=JobRequest, every_store=True),
    Operation("dlq/jobs/stop", "POST", "messages.retry", "End such a job.",
              answer("dlq.job", parts_of(RetryJob)), body=JobRequest, every_store=True),
    Operation("codes/add", "POST", "messages.retry", "Add a row to a code table.",
              answer("codes.add", table=str, source=str, canonical=str), body=CodeRequest,
              every_store=True),
)  # fmt: skip


def stuck_as_csv(found: StuckMoney) -> str:
    """Return stuck money as CSV, a line for each currency; formulas are neutralised."""
    rows: list[tuple[Any, ...]] = []
    for one in found.problems:
        start = (one.target, one.group, one.kind, one.code, one.cause, one.age, one.age_seconds)
        counts = (one.count, one.behind, one.stores, one.unknown)
        for currency, amount in one.money.items() or [("", None)]:
            rows.append((*start, *counts, currency, "" if amount is None else str(amount)))
    return write_csv(Sheet("stuck", STUCK_COLUMNS, rows))


class ScreenAnswers:
    """The handlers of SCREEN_OPERATIONS."""

    def __init__(self, models: ScreenModels) -> None:
        self._models = models
        self.handlers = {
            "GET tempo": self.tempo,
            "GET stores/{store}": self.store,
            "GET stuck": self.stuck,
            "GET stuck.csv": self.stuck_csv,
            "GET traffic": self.traffic,
            "GET contracts": self.contracts,
            "GET contracts/{contract}": self.contract,
            "GET mappings": self.mappings,
            "GET mappings/{mapping}": self.mapping,
            "GET audit": self.audit,
            "GET settings": self.settings,
            "GET dlq/jobs": self.jobs,
            "POST dlq/jobs/start": self.start,
            "POST dlq/jobs/stop": self.stop,
            "POST codes/add": self.add_code,
        }

    async def tempo(self, call: Call) -> Reply:
        """Answer the messages a minute."""
        return json_reply("tempo", {"minutes": self._models.tempo_now(call.caller)})

    async def store(self, call: Call) -> Reply:
        """Answer one shop in full."""
        found = await self._models.store(call.part, call.caller)
        return json_reply(
            "store",
            {
                "line": found.standing.line,
                "books": found.standing.books,
                "country": found.country,
                "currency": found.currency,
                "registers": found.registers,
                "days": found.days,
                "latest": found.latest,
                "looked_at": found.looked_at,
                "problems": [one.group for one in found.problems],
            },
        )

    async def stuck(self, call: Call) -> Reply:
        """Answer the stuck money."""
        return json_reply("stuck", (await self._models.stuck(call.caller)).as_json())

    async def stuck_csv(self, call: Call) -> Reply:
        """Answer the stuck money as CSV."""
        text = stuck_as_csv(await self._models.stuck(call.caller))
        headers = {"content-disposition": 'attachment; filename="stuck-money.csv"'}
        return Reply(200, text.encode(), "text/csv; charset=utf-8", headers)

    async def traffic(self, call: Call) -> Reply:
        """Answer the traffic map."""
        return json_reply(
            "traffic", msgspec.structs.asdict(await self._models.traffic(call.caller))
        )

    async def contracts(self, call: Call) -> Reply:
        """Answer the contracts in force."""
        return json_reply("contracts", {"contracts": await self._models.contracts(call.caller)})

    async def contract(self, call: Call) -> Reply:
        """Answer one contract."""
        return json_reply(
            "contract", msgspec.structs.asdict(await self._models.contract(call.part, call.caller))
        )

    async def mappings(self, _call: Call) -> Reply:
        """Answer the mappings in force."""
        return json_reply("mappings", {"mappings": self._models.mappings()})

    async def mapping(self, call: Call) -> Reply:
        """Answer one mapping with a live sample."""
        return json_reply(
            "mapping", msgspec.structs.asdict(await self._models.mapping(call.part, call.caller))
        )

    async def audit(self, call: Call) -> Reply:
        """Answer a page of the audit log."""
        before = number_of(call.query.get("before", "0"), "before")
        return json_reply("audit", {"entries": await self._models.audit(before)})

    async def settings(self, _call: Call) -> Reply:
        """Answer the settings."""
        return json_reply("settings", {"settings": self._models.settings()})

    async def jobs(self, _call: Call) -> Reply:
        """Answer the jobs of this process."""
        return json_reply("dlq.jobs", {"jobs": self._models.jobs.jobs()})

    async def start(self, call: Call) -> Reply:
        """Begin to send a whole problem again."""
        request = await body_as(call, JobRequest)
        models = self._models
        plan = await plan_letters(models.reader, models.release, request.group)
        check_count(plan.count, request.agreed)
        who = who_acts(call, request.who)
        job = await models.jobs.start(plan, who=who, reason=request.reason)
        return json_reply("dlq.job", msgspec.structs.asdict(job))

    async def stop(self, call: Call) -> Reply:
        """End such a job."""
        request = await body_as(call, JobRequest)
        who_acts(call, request.who)
        job = self._models.jobs.stop(request.group)
        if job is None:
            raise ConfigurationError("TW-7009", f"no job is under way for {request.group}")
        return json_reply("dlq.job", msgspec.structs.asdict(job))

    async def add_code(self, call: Call) -> Reply:
        """Add a row to a code table."""
        request = await body_as(call, CodeRequest)
        row = CodeRow(request.table, request.source, request.canonical, request.label)
        who = who_acts(call, request.who)
        await self._models.operations.add_code(row, who, request.reason)
        told = {"table": row.table, "source": row.source, "canonical": row.canonical}
        return json_reply("codes.add", told)
