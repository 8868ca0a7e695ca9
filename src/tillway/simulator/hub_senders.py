"""Builds the sender of every shop for one hub: its folders and its HTTP door."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aiohttp

from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.simulator.brands import BRANDS, MONEY_BRANDS
from tillway.simulator.plan import ChainPlan
from tillway.simulator.senders import FolderSender, HttpSender, Sender


def hub_senders(
    plan: ChainPlan,
    session: aiohttp.ClientSession,
    clock: Clock,
    *,
    doors: Mapping[str, str],
    folders: Mapping[str, Path],
    keys: Mapping[str, str],
    run: str = "",
) -> dict[str, Sender]:
    """Return a sender for each shop of the plan, and for acquirer and bank where it has them.

    doors: system -> full address of its HTTP door. folders: system -> its watched folder. keys:
    business unit -> API key as text. run: goes into file names, to tell one run from another.
    Raises ConfigurationError TW-7502 when one of them has no door, folder or key.
    """
    senders: dict[str, Sender] = {}
    for store in plan.store_plans():
        brand, number = BRANDS[store.system], store.business_unit_id
        if brand.carrier == "files" and store.system in folders:
            senders[number] = FolderSender(folders[store.system], number, brand, run)
        elif brand.carrier == "http" and store.system in doors and number in keys:
            senders[number] = HttpSender(session, doors[store.system], keys[number], brand, clock)
        else:
            missing = "watched folder" if brand.carrier == "files" else "HTTP door or API key"
            raise _homeless(f"store {number} of {store.system}", number, missing)
    for name, brand in MONEY_BRANDS.items() if plan.finance else ():
        if name not in folders:
            raise _homeless(name, name, "watched folder")
        senders[name] = FolderSender(folders[name], name, brand, run)
    return senders


def _homeless(who: str, store: str, missing: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-7502",
        f"{who} has no {missing} in this project",
        store=store,
        advice="Simulate a project made with `tillway init --template pos-erp`, "
        "and no more stores than its stores.csv lists.",
    )
