"""The examples in the docstrings are true, and every code the rooms raise has its record."""

import doctest
import importlib
import pkgutil
import re
from importlib import resources

import pytest

import tillway.contracts
import tillway.mapping
from tillway.errors import code_record

ROOMS = (tillway.mapping, tillway.contracts)
MODULES = [
    f"{room.__name__}.{module.name}"
    for room in ROOMS
    for module in pkgutil.iter_modules(room.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_hold(name):
    """Each example in a docstring gives what it says."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("room", ROOMS)
def test_every_code_raised_has_a_record(room):
    """A code in the source of a room is one that `tillway explain` knows."""
    codes = {
        code
        for file in resources.files(room).iterdir()
        if file.name.endswith(".py")
        for code in re.findall(r'"(TW-\d{4})"', file.read_text("utf-8"))
    }
    assert codes
    assert all(code_record(code) for code in codes)
