"""The summary of a package as PDF."""

import re

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from apps.evidence.content.report import (
    BOLD,
    PLAIN,
    WIDTH,
    _Reader,
    _Row,
    _widths,
    report_of,
)

PAGE = """<html><head><title>INTERIM: Access of Q3</title><style>p {{ color: red }}</style></head>
<body><p class="mark">INTERIM. Not signed.</p>
<h1>Access &amp; more</h1><p>What it <code>holds</code>.</p>
<table><caption>Figures</caption><thead><tr><th>What</th><th>Count</th></tr></thead><tbody>{rows}
</tbody></table><h2>How</h2><ul><li>One</li></ul><pre>python3 verify.py</pre></body></html>"""
ROW = "<tr><td>&lt;b&gt; {0} and words that are longer than others</td><td>{0}</td></tr>"


def pages(pdf):
    return len(re.findall(rb"/Type /Page\b", pdf))


def test_a_summary_is_a_titled_pdf_and_the_same_each_time():
    page = PAGE.format(rows=ROW.format(1))

    first, again = report_of(page), report_of(page)

    assert first.startswith(b"%PDF-")
    assert b"INTERIM: Access of Q3" in first
    assert first == again
    assert first != report_of(PAGE.format(rows=ROW.format(2)))


def test_a_long_table_goes_on_over_pages():
    long = report_of(PAGE.format(rows="".join(map(ROW.format, range(200)))))

    assert pages(report_of(PAGE.format(rows=ROW.format(1)))) == 1
    assert pages(long) > 3


@pytest.fixture
def drawn(monkeypatch):
    """Every text that is written at a place of its own, which on these pages is their foot."""
    said = []
    for name in ("drawString", "drawRightString"):
        draw = getattr(Canvas, name)

        def told(self, x, y, text, *rest, _draw=draw):
            said.append(text)
            return _draw(self, x, y, text, *rest)

        monkeypatch.setattr(Canvas, name, told)
    return said


def test_the_foot_of_each_page_says_what_it_is_of_and_that_it_is_interim(drawn):
    count = pages(report_of(PAGE.format(rows="".join(map(ROW.format, range(60))))))

    assert count > 1
    assert drawn.count("Access of Q3") == drawn.count("INTERIM") == count
    assert [one for one in drawn if one.startswith("Page ")] == [
        f"Page {at} of {count}" for at in range(1, count + 1)
    ]


def test_a_final_package_is_not_marked_at_its_foot(drawn):
    page = PAGE.format(rows=ROW.format(1)).replace('<p class="mark">INTERIM. Not signed.</p>', "")

    report_of(page.replace("INTERIM: Access", "FINAL: Access"))

    assert drawn == ["Access of Q3", "Page 1 of 1"]


def test_no_word_over_a_column_is_broken():
    head = "".join(f"<th>{word}</th>" for word in ("Order", "Decided", "Executed", "Confirmed"))
    rows = [_Row(["18", "x" * 300, "", ""], [False] * 4)]
    report_of(PAGE.format(rows=""))  # which makes the fonts known
    reader = _Reader()
    reader.feed(f"<table><thead><tr>{head}</tr></thead></table>")

    widths = _widths([reader._rows[0], *rows], 4)

    assert round(sum(widths)) == round(WIDTH)
    for width, word in zip(widths, ("Order", "Decided", "Executed", "Confirmed"), strict=True):
        assert width > pdfmetrics.stringWidth(word, BOLD, 7.5) + 6


def test_what_no_table_has_and_words_without_end_are_taken():
    assert pages(report_of(PAGE.format(rows=""))) == 1
    assert pages(report_of(PAGE.format(rows=ROW.format("x" * 5000)))) >= 1


@pytest.mark.parametrize("font", [PLAIN, BOLD])
@pytest.mark.parametrize(
    "name", ["Łukasz Żółć", "Έλεγχος", "Проверка", "Գործակալ", "აგენტი", "סוכן", "وكيل", "€ “”"]
)
def test_names_of_many_scripts_are_drawn(name, font):
    report_of(PAGE.format(rows=ROW.format(name)))

    drawn = pdfmetrics.getFont(font).face.charToGlyph
    assert {letter for letter in name if not drawn.get(ord(letter))} == set()
