from typing import Any

from django import forms

from apps.approvals.forms.requests import ScopeForm
from apps.approvals.services.break_glass import Emergency
from apps.approvals.states import BreakGlassVerdict
from apps.core.preferences import preference


class TakeForm(ScopeForm):
    """What is taken, for how few hours, and why it cannot wait for approval."""

    reason = forms.CharField(
        label="Why it cannot wait",
        min_length=10,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It is mailed at once to whoever is on call, and reviewed afterwards.",
    )
    hours = forms.IntegerField(label="For how many hours", min_value=1, initial=1)
    ticket = forms.CharField(label="Ticket or incident", max_length=80, required=False)
    field_order = ["reason", "hours", "ticket", "actions", "resources"]

    def __init__(self, *args: Any, keys: list[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["actions"].choices = [(key, key) for key in keys]  # type: ignore[attr-defined]
        longest = preference("break_glass_hours")
        self.fields["hours"].help_text = f"At most {longest}. It ends by itself, or earlier by you."

    def emergency(self, *, agent_id: int, identity_id: int, service: str) -> Emergency:
        data = self.cleaned_data
        return Emergency(
            agent_id=agent_id,
            identity_id=identity_id,
            service=service,
            actions=data["actions"],
            resources=data["resources"],
            reason=data["reason"],
            hours=data["hours"],
            ticket=data["ticket"],
        )


class ReviewForm(forms.Form):
    verdict = forms.ChoiceField(
        choices=BreakGlassVerdict.choices, widget=forms.RadioSelect, label="Was it warranted?"
    )
    review = forms.CharField(
        label="What you looked at, and why you judge it so",
        min_length=10,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Was it an emergency? Was it the least that helped? Was it ended in time?",
    )
