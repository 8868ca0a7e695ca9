"""The table of verbs: where each one lives. A verb's module is imported only when it is asked for.

A verb is a function that returns an exit code, or an `App` named like the verb when it has verbs
of its own (`dlq list`).
"""

from __future__ import annotations

import msgspec


class Verb(msgspec.Struct, frozen=True):
    """One verb: `module:name` of its function or App, one line for the list, and its group."""

    target: str
    summary: str
    group: str


WRITE = "Write a project"
RUN = "Run it"
LOOK = "See what happened"
MEND = "Mend and send again"
HELP = "Help"
GROUPS = (WRITE, RUN, LOOK, MEND, HELP)
"""The groups in the order `tillway --help` shows them."""

VERBS: dict[str, Verb] = {
    "init": Verb("tillway.cli.init:init", "Copy a commented project into a new folder.", WRITE),
    "validate": Verb("tillway.cli.validate:validate", "Check the whole project, offline.", WRITE),
    "test": Verb("tillway.cli.samples:samples", "Run the golden samples of the project.", WRITE),
    "dev": Verb("tillway.cli.dev:dev", "Hub, simulated stores and a stand-in ERP at once.", RUN),
    "run": Verb("tillway.cli.run:run", "Run the hub.", RUN),
    "ingest": Verb("tillway.cli.ingest:ingest", "Take in one file like its source would.", RUN),
    "simulate": Verb("tillway.cli.simulate:simulate", "Play a chain of stores, or grade.", RUN),
    "status": Verb("tillway.cli.status:status", "Stores, routes and open problems.", LOOK),
    "stores": Verb("tillway.cli.stores:stores", "Stores: unsent sales, age, money, days.", LOOK),
    "find": Verb("tillway.cli.find:find", "Find a sale by any number it has.", LOOK),
    "trace": Verb("tillway.cli.trace:trace", "The life of one message.", LOOK),
    "verify": Verb("tillway.cli.verify:verify", "Check that the books balance.", LOOK),
    "recon": Verb("tillway.cli.recon:recon", "What does not agree, from till to bank.", LOOK),
    "storeday": Verb(
        "tillway.cli.storeday:storeday", "Store-days: list, show, approve, reopen.", LOOK
    ),
    "alerts": Verb("tillway.cli.alerts:alerts", "What is wrong: list, ack, mute, test.", LOOK),
    "dlq": Verb("tillway.cli.dlq:dlq", "What could not be delivered: list, show, retry.", MEND),
    "replay": Verb("tillway.cli.replay:replay", "Deliver a stretch of history again.", MEND),
    "codes": Verb("tillway.cli.codes:codes", "Code tables: list, add a missing row.", MEND),
    "access": Verb("tillway.cli.access:access", "People, keys, login links.", MEND),
    "approve": Verb("tillway.cli.approvals:approve", "Approve as the second person.", MEND),
    "reject": Verb("tillway.cli.approvals:reject", "Reject as the second person.", MEND),
    "backup": Verb("tillway.cli.backup:backup", "Copy the journal while the hub runs.", MEND),
    "restore": Verb("tillway.cli.restore:restore", "Put a journal back from a backup.", MEND),
    "export": Verb("tillway.cli.export:export", "Documents in other systems' standards.", HELP),
    "doctor": Verb("tillway.cli.doctor:doctor", "Look at the machine and the settings.", HELP),
    "explain": Verb("tillway.cli.explain:explain", "What an error code means.", HELP),
    "completion": Verb("tillway.cli.completion:completion", "Completion for your shell.", HELP),
    "version": Verb("tillway.cli.version:version", "Versions of everything in use.", HELP),
}
