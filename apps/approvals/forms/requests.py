from typing import Any

from django import forms

from apps.approvals.models import AccessRequest
from apps.approvals.services.requests import Ask, longest_days
from apps.approvals.services.votes import Terms
from apps.core.forms import offer
from apps.grants.states import WRITING
from apps.inventory.models import Agent, Task

MOST_DAYS = 365


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class ScopeForm(forms.Form):
    """Which permissions, on which resources."""

    actions = forms.MultipleChoiceField(
        label="Permissions",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one permission."},
    )
    resources = forms.CharField(
        label="On which resources",
        max_length=10_000,
        initial="*",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One on each line. * means all of them.",
    )

    def clean_resources(self) -> list[str]:
        return _lines(self.cleaned_data["resources"])


class AskForm(ScopeForm):
    """What is asked for, why, and for how long. The level follows from the permissions."""

    task = forms.ModelChoiceField(
        queryset=Task.objects.none(),
        required=False,
        label="Which task it serves",
        help_text="A task of the agent's purpose.",
    )
    reason = forms.CharField(
        label="Why it is needed",
        min_length=10,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Whoever approves reads this first, and auditors read it later.",
    )
    days = forms.IntegerField(
        label="For how many days",
        min_value=1,
        max_value=MOST_DAYS,
        required=False,
        help_text="Counted from when it is in place.",
    )
    ticket = forms.CharField(label="Ticket", max_length=80, required=False)
    field_order = ["actions", "resources", "task", "reason", "days", "ticket"]

    def __init__(self, *args: Any, agent: Agent, level: str, keys: list[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        if level in WRITING:
            longest = longest_days(level)
            self.fields["task"].required = self.fields["days"].required = True
            help_text = f"At most {longest}, counted from when it is in place."
            self.fields["days"].help_text = help_text
        self.fields["actions"].choices = [(key, key) for key in keys]  # type: ignore[attr-defined]
        offer(self, "task", Task.objects.filter(agent=agent, retired_at__isnull=True))

    def ask(self, *, agent_id: int, identity_id: int, service: str, **of: Any) -> Ask:
        """What was filled in, as plain values; `of` says what it renews, if it does."""
        data = self.cleaned_data
        return Ask(
            agent_id=agent_id,
            identity_id=identity_id,
            service=service,
            actions=data["actions"],
            resources=data["resources"],
            task_id=data["task"].pk if data["task"] else None,
            reason=data["reason"],
            days=data["days"],
            ticket=data["ticket"],
            **of,
        )


class ApproveForm(ScopeForm):
    """An approval of what is on the table, or of less. `seen` is what the page showed."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    days = forms.IntegerField(label="For how many days", min_value=1, required=False)
    reason = forms.CharField(
        label="Why you approve it",
        min_length=10,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order = ["seen", "reason", "days", "actions", "resources"]

    def __init__(self, *args: Any, request: AccessRequest, **kwargs: Any):
        initial = {
            "seen": request.digest,
            "actions": request.actions,
            "resources": "\n".join(request.resources),
            "days": request.days,
        }
        super().__init__(*args, **{"initial": initial, **kwargs})
        choices = [(key, key) for key in request.actions]
        self.fields["actions"].choices = choices  # type: ignore[attr-defined]
        self.fields["days"].required = request.level in WRITING
        self.fields["days"].help_text = "Fewer shortens it. It cannot be made longer."
        self.fields["actions"].help_text = "Take away what it does not need."

    def terms(self) -> Terms:
        data = self.cleaned_data
        return Terms(actions=data["actions"], resources=data["resources"], days=data["days"])


class DenyForm(forms.Form):
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label="Why you deny it",
        min_length=10,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Whoever asked reads this.",
    )


class WordsForm(forms.Form):
    text = forms.CharField(
        label="In your own words", max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why", min_length=10, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ProvisionForm(forms.Form):
    """Words, a file, or both; the service says that one of them is needed."""

    proof = forms.CharField(
        label="What you did",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Kept with the request and shown to auditors. Never paste a secret.",
    )
    file = forms.FileField(label="File that shows it", required=False, help_text="At most 10 MB.")
