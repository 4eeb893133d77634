from typing import Any, Self
from zoneinfo import available_timezones

from django import forms

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.forms import offer
from apps.reviews.forms.plans import LIMITS, PlanForm
from apps.reviews.models import Template
from apps.reviews.recurrence import rule_checked
from apps.reviews.scope import Scope
from apps.reviews.services.templates import TemplateContent


class TemplateForm(PlanForm):
    """Everything a person may say about a template."""

    purpose = forms.CharField(
        required=False,
        max_length=1000,
        label="What it shows",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One sentence an auditor can hold the result against.",
    )
    run_by = forms.ModelChoiceField(queryset=User.objects.none(), label="Run by")
    days_to_decide = forms.IntegerField(min_value=1, max_value=180, initial=14)
    time_zone = forms.ChoiceField(
        choices=[(zone, zone) for zone in sorted(available_timezones())],
        initial="UTC",
        help_text="The deadline is the end of its day there.",
    )
    recurrence = forms.CharField(
        required=False,
        max_length=200,
        label="Comes round",
        help_text="An RFC 5545 rule, such as FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1. Empty: by hand.",
    )
    starts_on = forms.DateField(
        required=False, label="Counting from", widget=forms.DateInput(attrs={"type": "date"})
    )
    frequency_reason = forms.CharField(
        required=False,
        max_length=2000,
        label="Why this often",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="PCI DSS v4.0.1, 7.2.5.1 asks for a targeted risk analysis.",
    )
    stages_itself = forms.BooleanField(required=False, label="Stage it when it comes round")
    launches_itself = forms.BooleanField(
        required=False,
        label="Launch it as well",
        help_text="Not where the fallback's share or a stale source asks for a person's reason.",
    )
    field_order = (
        "name",
        "purpose",
        *LIMITS[:4],
        "tags",
        *LIMITS[4:],
        "include_service_linked",
        "fallback_reviewer",
        "run_by",
        "days_to_decide",
        "time_zone",
        "no_answer",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "run_by", User.objects.who_may_decide().order_by("display_name"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("recurrence") and data.get("starts_on"):
            try:
                rule_checked(data["recurrence"], data["starts_on"])
            except DomainError as error:
                self.add_error("recurrence", str(error))
        return data

    @classmethod
    def of(cls, template: Template, data: Any = None) -> Self:
        """The form filled with what the template says now."""
        scope = Scope.of(template.scope)
        plain = {name: getattr(template, name) for name in _OWN}
        limits = {name: list(getattr(scope, name)) for name in LIMITS}
        return cls(
            data,
            initial={
                **plain,
                **limits,
                "tags": ", ".join(scope.tags),
                "include_service_linked": scope.include_service_linked,
            },
        )

    def content(self) -> TemplateContent:
        own = {name: self.cleaned_data[name] for name in _OWN}
        return TemplateContent(**own, scope=self.scope())


_OWN = (
    "name",
    "purpose",
    "fallback_reviewer",
    "run_by",
    "days_to_decide",
    "time_zone",
    "no_answer",
    "carry_forward",
    "carry_days",
    "instructions",
    "recurrence",
    "starts_on",
    "frequency_reason",
    "stages_itself",
    "launches_itself",
)


class StartForm(forms.Form):
    """The name of a campaign made from a template."""

    name = forms.CharField(
        required=False, max_length=140, help_text="Empty: the template's name and the day."
    )
