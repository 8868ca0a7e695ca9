"""Tillway: the road every sale takes from the till to the books."""

__version__ = "0.1.0"
