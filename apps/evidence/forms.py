from typing import Any

from django import forms

from apps.core.actors import Actor
from apps.evidence.policies import Period, can_export_period
from apps.inventory.models import System
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
