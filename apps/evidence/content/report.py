"""The first page of a package once more as PDF, for whoever files or prints it.

A summary and nothing else: what can be checked are the other files. It is made of the page's own
HTML, so that both say the same.
"""

from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

from django.conf import settings
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from apps.evidence.content.review import FINAL, INTERIM

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
# Letters of Europe, the Caucasus, and the Near East; what it lacks, as Chinese, is drawn as boxes.
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
FONTS = settings.VENDOR_ROOT / "dejavu-fonts-ttf" / "ttf"
# Size of the letters and of a line, in points.
SIZES = {
    "h1": (16, 20),
    "h2": (12, 16),
    "p": (9, 13),
    "li": (9, 13),
    "caption": (8, 11),
    "pre": (8, 11),
}
CELL = ParagraphStyle("cell", fontName=PLAIN, fontSize=7.5, leading=10)
HEAD = ParagraphStyle("head", parent=CELL, fontName=BOLD)
# At each foot: what of, what state, which page. A longer name is cut there.
FOOT, FOOT_AT, LONGEST_NAME = 7.0, 10 * mm, 80
# A heading stays with the first lines of what it is over.
BEGINNING = 32 * mm
PADDING = 8
MARK = ParagraphStyle("mark", fontName=BOLD, fontSize=10, leading=14, textColor=colors.red)
LINES = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.HexColor("#c8ccd2")),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
    ]
)


def report_of(page: str) -> bytes:
    """The PDF of a first page; the same page gives the same bytes."""
    for name in (PLAIN, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
    reader = _Reader()
    reader.feed(page)
    reader.close()
    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=reader.title,
        invariant=1,
    )
    document.build(reader.story, canvasmaker=_foot_of(reader.title, is_interim=reader.is_interim))
    return written.getvalue()


def _foot_of(title: str, *, is_interim: bool) -> type[Canvas]:
    """Pages whose foot says what they are of, and how many there are: known once all are drawn."""
    name = title.removeprefix(f"{INTERIM}: ").removeprefix(f"{FINAL}: ")
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"

    class Footed(Canvas):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.drawn: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802  (reportlab's own name)
            self.drawn.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.drawn, 1):
                self.__dict__.update(page)
                self._foot(number, len(self.drawn))
                super().showPage()
            super().save()

        def _foot(self, number: int, of: int) -> None:
            self.setFont(PLAIN, FOOT)
            self.setFillColor(colors.HexColor("#5b6470"))
            self.drawString(MARGIN, FOOT_AT, name)
            self.drawRightString(A4[0] - MARGIN, FOOT_AT, f"Page {number} of {of}")
            if is_interim:
                self.setFont(BOLD, FOOT)
                self.setFillColor(colors.red)
                self.drawRightString(A4[0] - MARGIN - 22 * mm, FOOT_AT, INTERIM)

    return Footed


@dataclass(slots=True)
class _Row:
    cells: list[str] = field(default_factory=list)
    is_head: list[bool] = field(default_factory=list)


class _Reader(HTMLParser):
    """Reads what our own templates hold: headings, paragraphs, list items, and tables."""

    def __init__(self) -> None:
        super().__init__()
        self.story: list[Flowable] = []
        self.title = ""
        self.is_interim = False
        self._inside = ""
        self._words: list[str] = []
        self._rows: list[_Row] = []
        self._is_marked = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SIZES or tag in {"td", "th", "title", "style"}:
            self._inside, self._words = tag, []
            self._is_marked = ("class", "mark") in attrs
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append(_Row())

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._table()
        elif tag == self._inside:
            self._block(tag, " ".join("".join(self._words).split()))
            self._inside = ""

    def _block(self, tag: str, text: str) -> None:
        if tag == "title":
            self.title = text
        elif tag in {"td", "th"} and self._rows:
            self._rows[-1].cells.append(text)
            self._rows[-1].is_head.append(tag == "th")
        elif tag in SIZES and text:
            self.is_interim = self.is_interim or self._is_marked
            if tag == "h2":
                self.story.append(CondPageBreak(BEGINNING))
            self.story.append(Paragraph(escape(text), MARK if self._is_marked else _style(tag)))

    def _table(self) -> None:
        rows = [row for row in self._rows if row.cells]
        if not rows:
            return
        columns = max(len(row.cells) for row in rows)
        drawn = [_drawn(row, columns) for row in rows]
        is_headed = all(rows[0].is_head) and columns > 1
        table = LongTable(
            drawn, colWidths=_widths(rows, columns), repeatRows=int(is_headed), splitInRow=1
        )
        table.setStyle(LINES)
        self.story += [table, Spacer(1, 4 * mm)]


def _style(tag: str) -> ParagraphStyle:
    size, leading = SIZES[tag]
    return ParagraphStyle(
        tag,
        fontName=BOLD if tag.startswith("h") else PLAIN,
        fontSize=size,
        leading=leading,
        spaceBefore=3 * mm if tag == "h2" else 0,
        spaceAfter=1.5 * mm,
    )


def _drawn(row: _Row, columns: int) -> list[Paragraph | str]:
    cells: list[Paragraph | str] = [
        Paragraph(escape(text), HEAD if is_head else CELL)
        for text, is_head in zip(row.cells, row.is_head, strict=True)
    ]
    return cells + [""] * (columns - len(cells))


def _widths(rows: list[_Row], columns: int) -> list[float]:
    """By what the columns hold, none narrower than the words over it, nor than a tenth of the page
    as far as there is room."""
    longest = [
        min(60, max((len(row.cells[at]) for row in rows if at < len(row.cells)), default=1))
        for at in range(columns)
    ]
    shares = [max(length, 0.1 * sum(longest)) for length in longest]
    floors = [_floor(rows[0], at) for at in range(columns)]
    room = WIDTH - sum(floors)
    if room <= 0:
        return [WIDTH / columns] * columns
    wanted = [max(0.0, WIDTH * share / sum(shares) - floors[at]) for at, share in enumerate(shares)]
    over = sum(wanted) or 1.0
    return [floors[at] + room * more / over for at, more in enumerate(wanted)]


def _floor(head: _Row, at: int) -> float:
    """What the longest word over a column takes, and at least something."""
    words = head.cells[at].split() if at < len(head.cells) and all(head.is_head) else []
    taken = [pdfmetrics.stringWidth(one, BOLD, HEAD.fontSize) for one in words]
    return PADDING + max(taken, default=0.0)
