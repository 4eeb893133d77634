from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.template import Context, Template

from apps.core.policies import ALLOW, deny
from apps.core.templatetags.countersign import percent, relative

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


def drawn(source, **context):
    return Template("{% load countersign %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (timedelta(seconds=3), "now"),
        (timedelta(seconds=40), "40 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=2, minutes=59), "2 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=400), "400 days ago"),
        (-timedelta(days=3), "in 3 days"),
    ],
)
def test_a_time_is_told_in_one_unit(distance, text):
    assert relative(NOW - distance, NOW) == text


def test_a_time_carries_utc_for_machines_and_on_hover():
    html = drawn("{% moment at 'exact' %}", at=NOW)

    assert 'datetime="2026-05-10T12:00:00Z"' in html
    assert 'title="10 May 2026, 12:00:00 UTC"' in html


def test_no_time_is_said_in_the_words_given():
    assert "never used" in drawn("{% moment at 'relative' 'never used' %}", at=None)


def test_an_act_that_is_refused_is_shown_with_its_reason_and_leads_nowhere():
    html = drawn("{% act may 'Revoke' '/revoke' %}", may=deny("Only a steward may."))

    assert "Only a steward may." in html
    assert 'aria-disabled="true"' in html
    assert "/revoke" not in html


def test_an_act_that_is_allowed_is_a_link_even_without_javascript():
    html = drawn("{% act may 'Revoke' '/revoke' '' '' '#dialog' %}", may=ALLOW)

    assert 'href="/revoke"' in html
    assert 'hx-get="/revoke" hx-target="#dialog"' in html


def test_a_share_is_rounded_down_so_that_100_means_all():
    assert percent(999, 1000) == 99
    assert percent(1000, 1000) == 100
    assert percent(3, 0) == 0


def test_a_form_ties_its_errors_and_hints_to_its_fields():
    class ReasonForm(forms.Form):
        reason = forms.CharField(help_text="For the auditor.")

    html = ReasonForm({}).as_div()

    assert 'aria-describedby="id_reason_helptext id_reason_error"' in html
    assert 'id="id_reason_error"' in html
    assert 'aria-invalid="true"' in html
    assert "form-control" in html


def test_names_from_outside_are_escaped_in_charts_and_graphs():
    html = drawn(
        '{% include "core/graph.html" with id="g" graph=graph only %}',
        graph={
            "nodes": [{"id": "a", "label": "<script>alert(1)</script>", "kind": "agent"}],
            "edges": [],
        },
    )

    assert "<script>alert" not in html


def test_choices_are_drawn_with_what_is_chosen_and_nothing_of_theirs_is_html():
    class ChoosingForm(forms.Form):
        one = forms.ChoiceField(choices=[("", "Any"), ("a&b", "<b>A</b>"), (3, "Three")])
        many = forms.MultipleChoiceField(
            choices=[("x", "Ex"), ("Group", [("y", "Why <i>")])],
            widget=forms.CheckboxSelectMultiple,
        )

    form = ChoosingForm({"one": "a&b", "many": ["y"]})

    one, many = str(form["one"]), str(form["many"])

    assert '<option value="a&amp;b" selected>&lt;b&gt;A&lt;/b&gt;</option>' in one
    assert '<option value="">Any</option>' in one
    assert '<option value="3">Three</option>' in one
    assert (
        '<label class="form-check" for="id_many_1_0"><input type="checkbox" name="many"'
        ' class="form-check-input" value="y" id="id_many_1_0" checked>'
        '<span class="form-check-label">Why &lt;i&gt;</span></label>'
    ) in many
    assert many.count(" checked") == 1
    assert '<div class="form-label">Group</div>' in many
