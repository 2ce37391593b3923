"""Which digits may be a telephone number."""

from __future__ import annotations

import pytest

from seekgate.stages.privacy.detect import numbering


def test_mobile_prefixes() -> None:
    assert numbering.mobile("13812345678")
    assert numbering.mobile("19912345678")
    assert not any(
        numbering.mobile(prefix + "12345678") for prefix in ("100", "123", "140", "154", "161", "194")
    )


@pytest.mark.parametrize(
    ("digits", "length"),
    [
        ("01062345678", 3),
        ("02062345678", 3),
        ("075562345678", 4),
        ("026123", 0),
        ("07012345678", 0),
        ("1062", 0),
    ],
)
def test_area_length(digits: str, length: int) -> None:
    assert numbering.area_length(digits) == length


def test_local_number() -> None:
    assert numbering.local_number("62345678", 3)
    assert numbering.local_number("6234567", 4)
    assert not numbering.local_number("6234567", 3)
    assert not numbering.local_number("12345678", 4)


def test_north_american() -> None:
    assert numbering.north_american("4155552671")
    assert not numbering.north_american("1155552671")
    assert not numbering.north_american("4151552671")
    assert not numbering.north_american("9115552671")


@pytest.mark.parametrize(
    ("digits", "fine"),
    [
        ("442079460958", True),
        ("14155552671", True),
        ("1415555267", False),
        ("4930901820", True),
        ("35312345678", True),
        ("79161234567", True),
        ("8613812345678", False),  # China's own are told apart by their numbers
        ("99912345678", False),
        ("4420794609", False),
    ],
)
def test_international(digits: str, fine: bool) -> None:
    assert numbering.international(digits) is fine
