from typing import Any

from django import forms

from apps.core.actors import Actor
from apps.core.policies import Verdict
from apps.evidence.policies import (
    Period,
    can_export_agent,
    can_export_everything,
    can_export_period,
    can_export_words,
)
from apps.inventory.models import Agent, System
from apps.inventory.querysets.scope import is_limited_auditor


class ExportForm(forms.Form):
    """Nothing to fill in: asking is all."""


class PeriodForm(forms.Form):
    """Whole days, in UTC. A seat that is limited to systems must name one of them."""

    since = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Requests asked for on this day or later, UTC.",
    )
    until = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))
    system = forms.ModelChoiceField(
        queryset=System.objects.none(), label="System", required=False, empty_label="All systems"
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.actor = actor
        field: Any = self.fields["system"]
        field.queryset = System.objects.visible_to(actor).order_by("name", "pk")
        if is_limited_auditor(actor):
            field.required, field.empty_label = True, None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", "The period ends before it begins.")
        elif since and until and not self.errors:
            verdict = can_export_period(self.actor, self.period())
            if not verdict:
                self.add_error(None, verdict.reason)
        return cleaned

    def period(self) -> Period:
        system = self.cleaned_data["system"]
        return Period(self.cleaned_data["since"], self.cleaned_data["until"], system and system.pk)


class WordsForm(forms.Form):
    """Whether the words go with the records: only who may read them is asked."""

    words = forms.BooleanField(
        label="With the words",
        required=False,
        help_text="What was told, decided, and answered. Left out unless you ask for it; "
        "that you did is recorded.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.actor = actor
        verdict = can_export_words(actor)
        if not verdict:
            field = self.fields["words"]
            field.disabled, field.help_text = True, f"Left out. {verdict.reason}"

    @property
    def with_payloads(self) -> bool:
        return bool(self.cleaned_data["words"])


class InvocationForm(WordsForm):
    """An invocation claims no period: asking is all."""


class DaysForm(WordsForm):
    """Whole days, in UTC, by the time at which records arrived."""

    since = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Records that arrived on this day or later, UTC.",
    )
    until = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))

    field_order = ("since", "until", "words")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", "The period ends before it begins.")
        elif since and until and not self.errors:
            verdict = self.verdict()
            if not verdict:
                self.add_error(None, verdict.reason)
        return cleaned

    def period(self) -> Period:
        return Period(self.cleaned_data["since"], self.cleaned_data["until"])

    def verdict(self) -> Verdict:
        raise NotImplementedError


class AgentForm(DaysForm):
    def __init__(self, *args: Any, agent: Agent, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.agent = agent

    def verdict(self) -> Verdict:
        return can_export_agent(self.actor, self.agent, self.period())


class EverythingForm(DaysForm):
    def verdict(self) -> Verdict:
        return can_export_everything(self.actor, self.period())


class SampleForm(forms.Form):
    size = forms.IntegerField(
        label="How many items",
        min_value=1,
        max_value=1000,
        initial=25,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    seed = forms.CharField(
        label="Seed",
        max_length=64,
        required=False,
        help_text="Any words or digits. The same seed draws the same sample again. Left empty, "
        "one is made.",
    )
