"""Every row of the proof table, in the order of the table.

Surprising: a row whose module is not there, or cannot be imported, is no row left out: it is a row
that fails and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from prove.proof import Job, Outcome, Proof

AGREED = (
    "kills",
    "power_cuts",
    "flush_errors",
    "disk_full",
    "simulation",
    "network",
    "stores_return",
    "erp_down_virtual",
    "erp_down_real",
    "poison",
    "clock_steps",
    "fuzz",
    "api_fuzz",
    "audit_chain",
    "planted_secrets",
)


def rows(names: Sequence[str] = ()) -> dict[str, Proof]:
    """Return the proofs of these rows, all of them without names; ValueError for an unknown one."""
    unknown = sorted(set(names) - set(AGREED))
    if unknown:
        raise ValueError(f"no row {', '.join(unknown)}; there are {', '.join(AGREED)}")
    return {name: proof_of(name) for name in AGREED if not names or name in names}


def proof_of(name: str, package: str = "prove") -> Proof:
    """Return the proof of the module `row_<name>`, or one that fails with what is wrong with it."""
    module = f"{package}.row_{name}"
    try:
        found = import_module(module).PROOF
    except ModuleNotFoundError as error:
        return _failing(name, "not there" if error.name == module else f"cannot run: {error}")
    except Exception as error:  # noqa: BLE001 - a broken row must not take the others with it
        return _failing(name, f"cannot run: {error}")
    return found if isinstance(found, Proof) else _failing(name, "PROOF is no Proof")


def _failing(name: str, why: str) -> Proof:
    def prove(_job: Job) -> Outcome:
        return Outcome(why, ok=False, seeds="")

    return Proof(name.replace("_", " "), "a proof that can be run", prove)
