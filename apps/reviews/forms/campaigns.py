from typing import Any

from django import forms
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.core.actors import Person
from apps.core.forms import offer
from apps.grants.states import Level
from apps.inventory.models import System
from apps.inventory.states import Environment
from apps.reviews.scope import GRANT, SUBJECTS, Scope
from apps.reviews.services.campaigns import NewCampaign


class ReasonForm(forms.Form):
    """One reason; its label says for what. Whether it is needed is the service's to say."""

    reason = forms.CharField(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), min_length=10
    )

    def __init__(self, *args: Any, label: str = "Why", required: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = label
        self.fields["reason"].required = required


class HoldForm(ReasonForm):
    release = forms.TypedChoiceField(
        label="What happens to the batch",
        choices=[("yes", "Release it: the orders are planned"), ("no", "Refuse it: access stays")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    field_order = ["release", "reason"]


class AcknowledgeForm(forms.Form):
    agreed = forms.BooleanField(label="I acknowledge this in these words.")
    comment = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class CampaignForm(forms.Form):
    """A campaign by hand: what it looks at, who falls back, and until when."""

    name = forms.CharField(max_length=160)
    subjects = forms.MultipleChoiceField(
        choices=SUBJECTS, initial=[GRANT], widget=forms.CheckboxSelectMultiple, label="Review"
    )
    levels = forms.MultipleChoiceField(
        choices=Level,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        initial=[Level.WRITE, Level.ADMIN],
        help_text="None chosen takes all.",
    )
    systems = forms.ModelMultipleChoiceField(
        queryset=System.objects.none(), required=False, help_text="None chosen takes all."
    )
    teams = forms.ModelMultipleChoiceField(queryset=Team.objects.none(), required=False)
    environments = forms.MultipleChoiceField(
        choices=Environment, required=False, widget=forms.CheckboxSelectMultiple
    )
    tags = forms.CharField(
        required=False, max_length=200, help_text="Of systems, parted by commas: CDE, SOX."
    )
    fallback_reviewer = forms.ModelChoiceField(
        queryset=User.objects.none(),
        help_text="Decides where nobody else may. Never their own access.",
    )
    deadline_on = forms.DateField(
        label="Deadline", widget=forms.DateInput(attrs={"type": "date"}), help_text="End of day."
    )
    instructions = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Markdown. Shown to every reviewer.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "systems", System.objects.present().order_by("name"))
        offer(self, "teams", Team.objects.order_by("name"))
        people = User.objects.who_may_decide().order_by("display_name")
        offer(self, "fallback_reviewer", people)

    def new_campaign(self, actor: Person) -> NewCampaign:
        data = self.cleaned_data
        return NewCampaign(
            name=data["name"],
            fallback_reviewer=data["fallback_reviewer"],
            run_by=actor.user,
            deadline_on=data["deadline_on"],
            instructions=data["instructions"],
            time_zone=str(timezone.get_current_timezone()),
            scope=Scope(
                subjects=tuple(data["subjects"]),
                levels=tuple(data["levels"]),
                systems=tuple(system.pk for system in data["systems"]),
                teams=tuple(team.pk for team in data["teams"]),
                environments=tuple(data["environments"]),
                tags=tuple(tag.strip() for tag in data["tags"].split(",") if tag.strip()),
            ),
        )
