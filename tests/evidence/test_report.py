"""The summary of a package as PDF."""

import re

import pytest
from reportlab.pdfbase import pdfmetrics

from apps.evidence.content.report import BOLD, PLAIN, report_of

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
