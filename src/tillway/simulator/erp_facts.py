"""What the stand-in ERP holds, for the grader: from its ledger file, running or dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tillway.simulator.erp import BOOKS_FILE
from tillway.simulator.erp_books import ErpDocument, read_documents


class ErpFile:
    """The ledger in an ERP's data folder; one that was never made holds nothing."""

    def __init__(self, data: Path) -> None:
        self._file = data / BOOKS_FILE

    def documents(self) -> Iterator[ErpDocument]:
        """Yield every document, in order of its number."""
        if self._file.exists():
            yield from read_documents(self._file)
