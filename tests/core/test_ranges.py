"""The Range header, as clients write it and as nobody should."""

from __future__ import annotations

import pytest

from apps.core.ranges import Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", (0, 0)), ("bytes=0-9", (0, 9)), ("bytes=5-", (5, 9)), ("bytes=-3", (7, 9)), ("bytes=-30", (0, 9)),
        ("bytes=3-300", (3, 9)), ("Bytes = 1 - 2", (1, 2)), ("", None), ("bytes=", None), ("bytes=-", None), ("bytes=5-4", None),
        ("bytes=0-1,3-4", None), ("lines=0-1", None), ("bytes=0x1-2", None), ("bytes=1-2-3", None), ("bytes=١-٢", None),
        ("bytes=99999999999999999999999999-", None),
    ],
)  # fmt: skip
def test_ranges_of_ten_bytes(header: str, wanted: tuple[int, int] | None) -> None:
    assert read_range(header, 10) == wanted


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)])
def test_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, size)
