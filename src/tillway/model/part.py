"""The struct under every message and part of one: frozen and strict.

Its numbers are expected in the normal form of `exact.py`. `MessageType.convert` sees to that for
canonical dicts; whoever makes a part by hand takes each number through `money` and its siblings.
"""

from msgspec import Struct


class Part(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,  # parts form trees, never cycles
):
    """A record of the model.

    Defaults are only None, False, 0, () and {}: msgspec leaves a field out by identity, and only
    these are one object each, so equal messages encode to equal bytes.
    """
