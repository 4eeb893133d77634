"""The index: one row per item with what an auditor samples from, as CSV and as a workbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self

import xlsxwriter

from apps.core.csv import safe_cell
from apps.evidence.content.files import Files, utc
from apps.evidence.content.review import INTERIM

INDEX_COLUMNS = [
    "item",
    "agent",
    "system",
    "subject",
    "level",
    "reviewer",
    "how_found",
    "disposition",
    "outcome",
    "reason",
    "kept_until",
    "decided_by",
    "decided_at",
    "order",
    "order_state",
    "verified_at",
]
MOST_ROWS = 1_048_576 - 1
CELL = 32_767
NAME = "data/index.xlsx"
# How wide a column is in letters, by what it holds; as a name is, where nothing is said.
WIDTH = 22
WIDTHS = {
    **dict.fromkeys(("leaf", "item", "order", "severity", "level", "record"), 9),
    **dict.fromkeys(("kind", "outcome", "payload", "order_state", "disposition"), 12),
    **dict.fromkeys(("kept_until", "how_found", "package_status"), 15),
    **dict.fromkeys(("at", "happened_at", "recorded_at", "decided_at", "verified_at"), 21),
    **dict.fromkeys(("trace", "told", "reason"), 36),
    "span": 18,
}
A4 = 9
STATUS = "package_status"


def index_row(item: dict[str, Any], disposition: str, order: Sequence[Any]) -> list[Any]:
    return [
        item["pk"],
        item["agent__name"],
        item["system__name"],
        item["label"],
        item["level"],
        item["reviewer__display_name"],
        item["found_by"],
        disposition,
        item["decision__outcome"],
        item["decision__reason"],
        item["decision__until"],
        item["decision__decided_by__display_name"],
        item["decision__decided_at"],
        *(order or ("", "", "")),
    ]


@dataclass(frozen=True, slots=True)
class Cover:
    """What an index is of, and what stands over each of its sheets. `stamp` dates the workbook."""

    name: str
    sheet: str
    columns: Sequence[str]
    note: str
    stamp: datetime | None


class Workbook:
    """The index as XLSX, in constant memory, split over sheets where one cannot hold it."""

    def __init__(self, files: Files, cover: Cover):
        self.files, self.cover = files, cover
        files.titles[NAME] = "Index as a workbook"
        self.book = xlsxwriter.Workbook(
            files.bag.path(NAME),
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        )
        stamp = cover.stamp
        self.book.set_properties(
            {
                "title": f"{cover.name}: index",
                "status": files.status,
                "created": stamp.replace(tzinfo=None) if stamp else datetime(1980, 1, 1),  # noqa: DTZ001
            }
        )
        self.bold = self.book.add_format({"bold": True})
        self.row = MOST_ROWS
        self.sheets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.sheets:
            self._start_sheet()
        self._end_sheet()
        self.files.tick(self.files.written, "Writing the workbook")
        self.book.close()

    def write(self, row: Sequence[Any]) -> None:
        if self.row >= MOST_ROWS:
            self._end_sheet()
            self._start_sheet()
        self.row += 1
        self._write_row([*map(_cell, row), self.files.status])

    def _start_sheet(self) -> None:
        self.sheets += 1
        self.sheet = self.book.add_worksheet(f"{self.cover.sheet} {self.sheets}")
        self.sheet.freeze_panes(1, 1)
        for at, column in enumerate([*self.cover.columns, STATUS]):
            self.sheet.set_column(at, at, WIDTHS.get(column, WIDTH))
        mark = f"{INTERIM}: {self.cover.note}" if self.files.status == INTERIM else "Final"
        # On paper: the whole width on each page, under the same head.
        self.sheet.set_landscape()
        self.sheet.set_paper(A4)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(0)
        self.sheet.set_header(f"&L{_plain(self.cover.name)}\n{_plain(mark)}")
        self.sheet.set_footer("&RPage &P of &N")
        self.row = 0
        self._write_row([*self.cover.columns, STATUS], self.bold)

    def _end_sheet(self) -> None:
        """Let each column be filtered, now that it is known how far they go."""
        if self.sheets:
            self.sheet.autofilter(0, 0, self.row, len(self.cover.columns))

    def _write_row(self, cells: Sequence[Any], style: Any = None) -> None:
        for column, cell in enumerate(cells):
            if isinstance(cell, int):
                self.sheet.write_number(self.row, column, cell, style)
            elif cell:
                self.sheet.write_string(self.row, column, cell, style)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else safe_cell(value)[:CELL]


def _plain(text: str) -> str:
    """Text for a page header, whose codes start with an ampersand and which holds 255 letters."""
    return text.replace("&", "&&")[:110]
