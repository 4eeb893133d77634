from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.core.csv import csv_lines, safe_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_a_spreadsheet_would_run_is_quoted(start):
    assert safe_cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (-3, "-3"),
        ("plain", "plain"),
        (datetime(2026, 5, 1, 12, tzinfo=UTC), "2026-05-01T12:00:00+00:00"),
        (
            datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))),
            "2026-05-01T10:00:00+00:00",
        ),
    ],
)
def test_values_are_plain_text_and_times_are_utc(value, text):
    assert safe_cell(value) == text


def test_lines_are_quoted_where_they_must_be():
    assert list(csv_lines([["a", "b,c"], ['say "x"', 1]])) == [
        'a,"b,c"\r\n',
        '"say ""x""",1\r\n',
    ]
