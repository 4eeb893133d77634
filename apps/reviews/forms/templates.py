from typing import Any, Self
from zoneinfo import available_timezones

from django import forms

from apps.accounts.models import Team, User
from apps.core.forms import offer
from apps.findings.rules import rule_choices
from apps.grants.states import Level
from apps.inventory.models import Agent, System
from apps.inventory.states import Environment
from apps.reviews.models import Template
from apps.reviews.scope import GRANT, SUBJECTS, Scope
from apps.reviews.services.templates import TemplateContent


def _many(label: str, queryset: Any, help_text: str = "") -> forms.ModelMultipleChoiceField:
    return forms.ModelMultipleChoiceField(
        queryset=queryset, required=False, label=label, help_text=help_text
    )


def _ticks(label: str, choices: Any, help_text: str = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=choices,
        required=False,
        label=label,
        help_text=help_text,
        widget=forms.CheckboxSelectMultiple,
    )


class TemplateForm(forms.Form):
    """Everything a person may say about a template. What is left empty limits nothing."""

    name = forms.CharField(max_length=120)
    purpose = forms.CharField(
        required=False,
        max_length=1000,
        label="What it shows",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One sentence an auditor can hold the result against.",
    )
    subjects = forms.MultipleChoiceField(
        choices=SUBJECTS, initial=[GRANT], widget=forms.CheckboxSelectMultiple, label="Asks about"
    )
    levels = _ticks("Levels", Level.choices, "None ticked: all of them.")
    environments = _ticks("Environments", Environment.choices, "Of the system, or of an agent.")
    findings = _ticks(
        "Only with a finding",
        rule_choices,
        "Of the record itself, its identity, or its agent.",
    )
    tags = forms.CharField(
        required=False,
        max_length=200,
        label="Systems tagged",
        help_text="Parted by commas: CDE, SOX.",
    )
    systems = _many("Systems", System.objects.none())
    teams = _many("Teams", Team.objects.none())
    agents = _many("Agents", Agent.objects.none())
    include_service_linked = forms.BooleanField(
        required=False, label="Include service-linked identities, which the provider owns"
    )
    fallback_reviewer = forms.ModelChoiceField(
        queryset=User.objects.none(),
        help_text=(
            "The agent's owner decides read access. For write and admin the owner attests the need"
            " and the team's manager decides. Where nobody is left, this person does."
        ),
    )
    run_by = forms.ModelChoiceField(queryset=User.objects.none(), label="Run by")
    days_to_decide = forms.IntegerField(min_value=1, max_value=180, initial=14)
    time_zone = forms.ChoiceField(
        choices=[(zone, zone) for zone in sorted(available_timezones())],
        initial="UTC",
        help_text="The deadline is the end of its day there.",
    )
    no_answer = forms.ChoiceField(
        choices=Template._meta.get_field("no_answer").choices or (), label="If nobody answers"
    )
    instructions = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Markdown. Shown to every reviewer.",
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

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "systems", System.objects.present().order_by("name"))
        offer(self, "teams", Team.objects.order_by("name"))
        offer(self, "agents", Agent.objects.standing().order_by("name"))
        people = User.objects.who_may_decide().order_by("display_name")
        offer(self, "fallback_reviewer", people)
        offer(self, "run_by", people)

    @classmethod
    def of(cls, template: Template, data: Any = None) -> Self:
        """The form filled with what the template says now."""
        scope = Scope.of(template.scope)
        plain = {name: getattr(template, name) for name in _OWN}
        limits = {name: list(getattr(scope, name)) for name in _LIMITS}
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
        data = self.cleaned_data
        tags = tuple(tag.strip() for tag in data["tags"].split(",") if tag.strip())
        limits = {name: tuple(getattr(one, "pk", one) for one in data[name]) for name in _LIMITS}
        scope = Scope(**limits, tags=tags, include_service_linked=data["include_service_linked"])
        return TemplateContent(**{name: data[name] for name in _OWN}, scope=scope)


_LIMITS = ("subjects", "levels", "environments", "findings", "systems", "teams", "agents")
_OWN = (
    "name",
    "purpose",
    "fallback_reviewer",
    "run_by",
    "days_to_decide",
    "time_zone",
    "no_answer",
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
