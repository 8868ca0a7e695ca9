"""How payloads are stored: zstd with a dictionary that each kind of payload grows by itself.

The first payloads of a kind become its dictionary, in the transaction that stores them; retail
messages of one kind are so alike that the rest then shrink several times further. The first byte
of a stored payload says how: 0 as it is, 1 zstd, 2 zstd with a dictionary (4 bytes of id follow).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import zstandard

LEVEL = -1
DICTIONARY_BYTES = 32 * 1024
WORTH_COMPRESSING_BYTES = 128
MAX_PAYLOAD_BYTES = 64 * 1024 * 1024


class Packer:
    """Compresses payloads; lives in the writer thread.

    save(kind, content) stores a new dictionary and returns its id.
    """

    def __init__(self, save: Callable[[str, bytes], int]) -> None:
        self._save = save
        self._plain = zstandard.ZstdCompressor(level=LEVEL)
        self._trained: dict[str, tuple[bytes, zstandard.ZstdCompressor]] = {}
        self._samples: dict[str, list[bytes]] = {}

    def know(self, dictionary_id: int, kind: str, content: bytes) -> None:
        """Use a dictionary that is already stored."""
        shared = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        shared.precompute_compress(level=LEVEL)
        head = b"\x02" + dictionary_id.to_bytes(4, "big")
        compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=shared)
        self._trained[kind] = (head, compressor)

    def pack(self, kind: str, data: bytes) -> bytes:
        """Return data as it is stored."""
        if len(data) < WORTH_COMPRESSING_BYTES:
            return b"\x00" + data
        trained = self._trained.get(kind)
        if trained is not None:
            head, compressor = trained
            return head + compressor.compress(data)
        self._learn(kind, data)
        return b"\x01" + self._plain.compress(data)

    def pack_all(self, payloads: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """Return (kind, data) payloads as they are stored, in order; what is of one kind, at once.

        Each call gives up the interpreter and must win it back, so one call serves many payloads.
        """
        packed: dict[int, bytes] = {}
        at_once: dict[str, list[int]] = {}
        for index, (kind, data) in enumerate(payloads):
            if kind in self._trained and len(data) >= WORTH_COMPRESSING_BYTES:
                at_once.setdefault(kind, []).append(index)
            else:
                packed[index] = self.pack(kind, data)
        for kind, places in at_once.items():
            head, compressor = self._trained[kind]
            frames = compressor.multi_compress_to_buffer([payloads[place][1] for place in places])
            for number, place in enumerate(places):
                packed[place] = head + frames[number].tobytes()
        return [packed[index] for index in range(len(payloads))]

    def _learn(self, kind: str, data: bytes) -> None:
        samples = self._samples.setdefault(kind, [])
        samples.append(data)
        if sum(map(len, samples)) >= DICTIONARY_BYTES:
            content = b"".join(samples)[:DICTIONARY_BYTES]
            del self._samples[kind]
            self.know(self._save(kind, content), kind, content)

    def forget_unsaved(self, known: set[str]) -> None:
        """Drop dictionaries whose transaction was rolled back; known are those still stored."""
        for kind in set(self._trained) - known:
            del self._trained[kind]


class Unpacker:
    """Decompresses payloads; load(dictionary_id) fetches a dictionary when first met."""

    def __init__(self, load: Callable[[int], bytes]) -> None:
        self._load = load
        self._plain = zstandard.ZstdDecompressor()
        self._trained: dict[bytes, zstandard.ZstdDecompressor] = {}

    def unpack(self, stored: bytes) -> bytes:
        """Return the payload as it was given."""
        form = stored[:1]
        if form == b"\x00":
            return stored[1:]
        if form == b"\x01":
            plain: bytes = self._plain.decompress(stored[1:], max_output_size=MAX_PAYLOAD_BYTES)
            return plain
        head = stored[1:5]
        decompressor = self._trained.get(head)
        if decompressor is None:
            content = self._load(int.from_bytes(head, "big"))
            shared = zstandard.ZstdCompressionDict(
                content, dict_type=zstandard.DICT_TYPE_RAWCONTENT
            )
            decompressor = zstandard.ZstdDecompressor(dict_data=shared)
            self._trained[head] = decompressor
        data: bytes = decompressor.decompress(stored[5:], max_output_size=MAX_PAYLOAD_BYTES)
        return data
