"""Payloads packed many at a time are what they are one at a time."""

from __future__ import annotations

from tillway.journal.payloads import Packer, Unpacker

KINDS = ("sale", "raw/till/sale")


def test_payloads_packed_at_once_come_back_in_order() -> None:
    """Kinds take turns, short ones and those before the dictionary among them; all come back."""
    saved: list[bytes] = []

    def save(_kind: str, content: bytes) -> int:
        saved.append(content)
        return len(saved)

    payloads = [
        (
            KINDS[number % 2],
            b"short" if number % 7 == 0 else b'{"n":%d,"amount":"12.50"}' % number * 40,
        )
        for number in range(200)
    ]
    packed = Packer(save).pack_all(payloads)
    unpacker = Unpacker(lambda dictionary_id: saved[dictionary_id - 1])
    assert len(saved) == len(KINDS)
    assert [unpacker.unpack(stored) for stored in packed] == [data for _, data in payloads]
    assert {stored[0] for stored in packed} == {0, 1, 2}


def test_packing_at_once_gives_the_bytes_of_packing_one_by_one() -> None:
    """Whether a message came alone or in a burst cannot be seen in what is stored."""
    payloads = [("sale", b'{"number":%d}' % number * 60) for number in range(60)]
    together, alone = Packer(lambda _kind, _content: 1), Packer(lambda _kind, _content: 1)
    assert together.pack_all(payloads) == [alone.pack(kind, data) for kind, data in payloads]


def test_nothing_to_pack_is_nothing() -> None:
    """A commit without messages packs nothing."""
    assert Packer(lambda _kind, _content: 1).pack_all([]) == []
