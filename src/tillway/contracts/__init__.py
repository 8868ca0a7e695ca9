"""Data contracts: what a message must hold, who answers for it, how strictly its sums are taken.

A contract is a document of the Open Data Contract Standard; the JSON Schema comes from it.
"""

from tillway.contracts.contract import ArithmeticRule, Contract, Owner, SequenceExpectation
from tillway.contracts.demands import Demand
from tillway.contracts.reading import load_contract
from tillway.contracts.shape import shape_violations

__all__ = [
    "ArithmeticRule",
    "Contract",
    "Demand",
    "Owner",
    "SequenceExpectation",
    "load_contract",
    "shape_violations",
]
