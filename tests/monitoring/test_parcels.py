"""Parcels as people write them, in any unit, and what is said of one that cannot be read."""

from __future__ import annotations

import re

import pytest

from monitoring.parcels import EXAMPLE, parcels, summed_up


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2", [{"weight_kg": "1.2"}]),
        ("1,2 kg", [{"weight_kg": "1.2"}]),
        ("500 g", [{"weight_kg": "0.5"}]),
        ("2.5lb", [{"weight_kg": "1.134"}]),
        ("2 LBS", [{"weight_kg": "0.907"}]),
        ("8 oz", [{"weight_kg": "0.227"}]),
        (EXAMPLE, [{"weight_kg": "1.2", "length_cm": "30", "width_cm": "20", "height_cm": "10"}]),
        ("1 kg 300x200x100 mm", [{"weight_kg": "1", "length_cm": "30", "width_cm": "20", "height_cm": "10"}]),
        ("1 kg, 12 × 8 × 4 in", [{"weight_kg": "1", "length_cm": "30.48", "width_cm": "20.32", "height_cm": "10.16"}]),
        ("2 x 100 g\n\n3 kg", [{"weight_kg": "0.1"}, {"weight_kg": "0.1"}, {"weight_kg": "3"}]),
    ],
)
def test_what_people_write_becomes_kilograms_and_centimetres(text: str, expected: list[dict[str, str]]) -> None:
    assert parcels(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Give at least one parcel, such as 1.2 kg 30x20x10 cm."),
        ("heavy", "Line 1: “heavy” is no parcel; write it as 1.2 kg 30x20x10 cm, or 3 x 1.2 kg 30x20x10 cm."),
        ("1 kg\n1 stone", "Line 2: “1 stone” is no parcel"),
        ("1 kg 30x20", "Line 1: “1 kg 30x20” is no parcel"),
        ("30x20x10", "Line 1: “30x20x10” is no parcel"),
        ("1 kg\n0.2 g", "Line 2: a parcel weighs more than nothing, a gram at least."),
        ("0", "Line 1: a parcel weighs more than nothing"),
        ("51 x 1 kg", "That are more than 50 parcels; a shipment has at most 50."),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        parcels(text)

    assert str(refused.value).startswith(sentence)  # and nothing stands before it


def test_the_sum_tells_how_many_and_how_heavy() -> None:
    assert summed_up(parcels("2 x 800 g\n1.2 kg")) == "3 parcels, 2.8\u202fkg"
    assert summed_up(parcels("10 kg")) == "1 parcel, 10\u202fkg"
