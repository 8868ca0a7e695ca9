"""A day of POSLog goes from the file to the books: once, again whole, with one amount altered.

The same story is told with the real NCR sample, where it is at hand, and with a file of our own
that holds the same traps and never skips.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from flows.world import Running, World
from tillway.observe import gaps

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
SAMPLE = SAMPLES / "pos" / "poslog" / "ncr_acs_poslog_2.1_day_store9.scrubbed.xml"
OWN = ROOT / "tests" / "data" / "poslog" / "ncr_traps.xml"
CASH = re.compile(rb'<Tender TenderType="Cash".*?<Amount>([0-9.]+)</Amount>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Story:
    """A file and the figures it must have at the end of the road."""

    file: Path
    store: str
    receipts: int
    controls: int
    workstations: int
    grand: str
    tax: str
    cash: str
    card: str


NCR = Story(SAMPLE, "9", 42, 9, 7, "2643.72", "57.15", "66.46", "2577.26")
TRAPS = Story(OWN, "41", 8, 4, 2, "83.55", "4.57", "-11.92", "95.47")


@pytest.fixture(params=[TRAPS, NCR], ids=["own", "ncr"])
def story(request: pytest.FixtureRequest) -> Story:
    """Give each story; the sample's is skipped where the sample is not at hand."""
    found: Story = request.param
    if not found.file.exists():
        if "samples" in os.environ.get("TILLWAY_REQUIRE", ""):
            pytest.fail("TILLWAY_REQUIRE asks for the samples, and the NCR file is not there")
        pytest.skip("the NCR sample is not at hand; set TILLWAY_SAMPLES")
    return found


def with_one_amount_altered(content: bytes) -> bytes:
    """Return the file with a cent more in the first amount of cash, and nothing else changed."""
    found = CASH.search(content)
    assert found is not None
    begin, end = found.span(1)
    altered = str(Decimal(found.group(1).decode()) + Decimal("0.01")).encode()
    return content[:begin] + altered + content[end:]


async def money_of(running: Running) -> dict[str, Decimal]:
    """Return grand total, tax, cash and card of everything accepted, read from the journal."""
    sums = dict.fromkeys(("grand", "tax", "cash", "card"), Decimal(0))
    for stored in await running.hub.journal.read(0, 1000):
        message = msgspec.json.decode(stored.canonical)
        if "totals" not in message:
            continue
        sums["grand"] += Decimal(message["totals"]["grand"])
        sums["tax"] += Decimal(message["totals"]["tax"])
        for tender in message["tenders"]:
            kind = "cash" if tender["tender_type"] == "cash" else "card"
            sums[kind] += Decimal(tender["amount"])
    return sums


async def test_a_poslog_day_reaches_the_books_once(world: World, story: Story) -> None:
    """Sent whole, sent again, and sent with one amount altered: each receipt is booked once."""
    world.add_store(story.store, "northgate")
    everything = story.receipts + story.controls
    content = story.file.read_bytes()
    booked = {"USD": Decimal(story.grand)}
    async with world.running() as running:
        journal = running.hub.journal

        assert (await running.take("northgate", "day.xml", content)).parent.name == "done"
        await running.settled()
        assert await running.outcomes() == {"accepted": everything}
        assert await running.fates() == {"delivered": story.receipts, "filtered": story.controls}
        figures = (story.grand, story.tax, story.cash, story.card)
        assert list((await money_of(running)).values()) == [Decimal(one) for one in figures]
        assert len({one.workstation for one in await journal.sequences()}) == story.workstations
        assert await gaps(journal) == []
        first = world.documents()
        assert (len(first), len(set(first))) == (story.receipts, story.receipts)
        assert world.booked() == booked

        assert (await running.take("northgate", "again.xml", content)).parent.name == "done"
        await running.settled()
        assert await running.outcomes() == {"accepted": everything, "duplicate": everything}
        assert (world.documents(), world.booked()) == (first, booked)

        altered = with_one_amount_altered(content)
        await running.take("northgate", "altered.xml", altered)
        await running.settled()
        assert await running.outcomes() == {
            "accepted": everything,
            "duplicate": 2 * everything - 1,
            "conflict": 1,
        }
        assert (world.documents(), world.booked()) == (first, booked)
        await assert_first_version_stands(running)


async def assert_first_version_stands(running: Running) -> None:
    """Assert that the conflicting copy is kept beside the first version, which is as it was."""
    [conflict] = await running.hub.journal.invalid(outcome="conflict")
    first = await running.hub.journal.record(conflict.first_position)
    assert first is not None
    assert first.message.envelope.natural_key == conflict.natural_key
    assert with_one_amount_altered(first.raw) == conflict.raw


async def test_a_transaction_cut_out_of_the_file_is_a_gap(world: World) -> None:
    """The positive control: the check for gaps finds the number that is not there."""
    world.add_store(TRAPS.store, "northgate")
    parts = TRAPS.file.read_bytes().split(b"<Transaction>")
    assert b"<SequenceNumber>504<" in parts[4]
    async with world.running() as running:
        await running.take("northgate", "day.xml", b"<Transaction>".join(parts[:4] + parts[5:]))
        await running.settled()
        [gap] = await gaps(running.hub.journal)
    assert (gap.workstation, gap.first, gap.last) == ("1", 504, 504)
