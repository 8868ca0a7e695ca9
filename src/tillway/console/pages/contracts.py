"""The register of contracts: what is in force, who answers for it, what breaks it."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View


async def show(view: View) -> Reply:
    """List the contracts in force."""
    return view.html(
        "contracts.html", {"contracts": await view.console.models.contracts(view.caller)}
    )


async def one(view: View, contract: str) -> Reply:
    """Show one contract with its fields and rules."""
    found = await view.console.models.contract(contract, view.caller)
    return view.html("contract.html", {"found": found, "line": found.line})
