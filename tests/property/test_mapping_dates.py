"""A time that is written as we would write it is handed on as it is, and no other."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.mapping.dates import timestamp
from tillway.mapping.faults import RowFault

TWO = st.integers(0, 99).map("{:02}".format)
SPELLED = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}:{}".format,
    st.integers(0, 9999).map("{:04}".format) | st.just("²026") | st.just("٢026"),
    st.integers(0, 13).map("{:02}".format) | st.just("W4"),
    st.integers(0, 32).map("{:02}".format),
    st.sampled_from("T t"),
    TWO,
    TWO,
    TWO,
    st.sampled_from(["+", "-", ".5+", "Z"]),
    st.integers(0, 24).map("{:02}".format),
    TWO,
)


@settings(max_examples=2_000, deadline=None)
@given(
    moment=st.datetimes(timezones=st.timezones()), text=SPELLED, spaces=st.sampled_from(["", " "])
)
def test_a_time_is_read_alike_however_it_is_spelled(
    moment: dt.datetime, text: str, spaces: str
) -> None:
    """The way past reading and writing gives what reading and writing gives."""
    for spelled in (moment.isoformat(), text, text[:-3], f"{text}{spaces}"):
        try:
            read = dt.datetime.fromisoformat(spelled.strip())
        except ValueError:
            with pytest.raises(RowFault):
                timestamp(spelled, "Europe/Berlin")
        else:
            if read.tzinfo is not None:
                assert timestamp(spelled, "Europe/Berlin") == read.isoformat()
