from typing import Any

from django import forms
from django.utils import timezone

from apps.core.actors import Person
from apps.reviews.forms.items import reason_field
from apps.reviews.forms.plans import PlanForm
from apps.reviews.services.campaigns import NewCampaign


class ReasonForm(forms.Form):
    """One reason; its label says for what."""

    reason = reason_field()

    def __init__(self, *args: Any, label: str = "Why", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = label


class AskForm(forms.Form):
    """Asks for one reason, called `asks`, only where there is something to explain: `about`."""

    def __init__(self, *args: Any, asks: str, about: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if about:
            self.fields[asks] = reason_field(about)


class LaunchForm(AskForm):
    """The deadline, which may be moved; and why so much ends at the fallback, where it does."""

    new_deadline = forms.DateField(
        label="Deadline", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, time_zone: str, **kwargs: Any):
        super().__init__(*args, asks="fallback_reason", **kwargs)
        self.fields["new_deadline"].help_text = f"The end of that day in {time_zone}."


class RemindForm(forms.Form):
    words = forms.CharField(
        label="A word of yours in the mail",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


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


class CampaignForm(PlanForm):
    """A campaign by hand: what it looks at, who falls back, and until when."""

    deadline_on = forms.DateField(
        label="Deadline", widget=forms.DateInput(attrs={"type": "date"}), help_text="End of day."
    )

    def new_campaign(self, actor: Person) -> NewCampaign:
        data = self.cleaned_data
        return NewCampaign(
            name=data["name"],
            fallback_reviewer=data["fallback_reviewer"],
            run_by=actor.user,
            deadline_on=data["deadline_on"],
            instructions=data["instructions"],
            no_answer=data["no_answer"],
            carry_forward=data["carry_forward"],
            carry_days=data["carry_days"],
            time_zone=str(timezone.get_current_timezone()),
            scope=self.scope(),
        )
