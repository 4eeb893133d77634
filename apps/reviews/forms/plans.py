from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.core.forms import offer
from apps.findings.rules import rule_choices
from apps.grants.states import Level
from apps.inventory.models import Agent, System
from apps.inventory.states import Environment
from apps.reviews.carrying import CHOICES, DEFAULT_DAYS, MOST_DAYS
from apps.reviews.models import Template
from apps.reviews.scope import GRANT, SUBJECTS, Scope


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


class PlanForm(forms.Form):
    """What a template and a campaign by hand both say. What is left empty limits nothing."""

    name = forms.CharField(max_length=120)
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
    no_answer = forms.ChoiceField(
        choices=Template._meta.get_field("no_answer").choices or (), label="If nobody answers"
    )
    carry_forward = forms.ChoiceField(
        choices=CHOICES,
        required=False,
        label="Carried forward without asking",
        help_text="Never write or admin access, never a credential, and at most twice running.",
    )
    carry_days = forms.IntegerField(
        min_value=1,
        max_value=MOST_DAYS,
        initial=DEFAULT_DAYS,
        required=False,
        label="So many days",
        help_text="How long an earlier decision may be carried forward.",
    )
    instructions = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Markdown. Shown to every reviewer.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "systems", System.objects.present().order_by("name"))
        offer(self, "teams", Team.objects.order_by("name"))
        offer(self, "agents", Agent.objects.standing().order_by("name"))
        offer(self, "fallback_reviewer", User.objects.who_may_decide().order_by("display_name"))

    def clean_carry_days(self) -> int:
        return self.cleaned_data["carry_days"] or DEFAULT_DAYS

    def scope(self) -> Scope:
        data = self.cleaned_data
        tags = tuple(tag.strip() for tag in data["tags"].split(",") if tag.strip())
        limits: dict[str, Any] = {
            name: tuple(getattr(one, "pk", one) for one in data[name]) for name in LIMITS
        }
        return Scope(**limits, tags=tags, include_service_linked=data["include_service_linked"])


LIMITS = ("subjects", "levels", "environments", "findings", "systems", "teams", "agents")
