"""What two bodies are said to differ in, when both are kept and when one of them is not."""

from __future__ import annotations

import pytest

from monitoring.pages.replay_compare import difference
from tests.monitoring.drawn import text_of


@pytest.mark.parametrize(("old", "new", "gone"), [(None, '{"id": 7}', "earlier"), ('{"id": 7}', None, "newer")])
def test_a_body_that_is_not_kept_is_said_to_be_gone_and_no_line_counts_as_changed(
    old: str | None, new: str | None, gone: str
) -> None:
    drawn = text_of(difference(old, new))

    assert f"The {gone} body is not kept" in drawn
    assert '\\"id\\": 7' in drawn
    assert "q-diff" not in drawn


@pytest.mark.parametrize(("old", "new", "mark"), [("", '{"id": 7}', "q-diff-new"), ('{"id": 7}', "", "q-diff-old")])
def test_where_no_answer_came_all_of_the_other_is_marked(old: str, new: str, mark: str) -> None:
    drawn = text_of(difference(old, new))

    assert drawn.count(mark) == drawn.count("q-diff") == 3
    assert "not kept" not in drawn


def test_what_differs_is_marked_and_what_is_the_same_is_not() -> None:
    drawn = text_of(difference('{"id": 7, "state": "new"}', '{"id": 7, "state": "paid"}'))

    assert (drawn.count("q-diff-old"), drawn.count("q-diff-new")) == (1, 1)
