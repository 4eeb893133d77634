"""Forms of the acts on an agent's client of the API."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from apps.inventory.forms import ReasonField
from apps.inventory.models import Agent
from apps.inventory.states import (
    APPEND_TRAIL,
    ISSUE_CREDENTIALS,
    READ_REQUESTS,
    REPORT_LEAKS,
    WRITE_REQUESTS,
)

SCOPE_CHOICES = [
    (READ_REQUESTS, "Read its own access requests"),
    (WRITE_REQUESTS, "Ask for access, and cancel what it asked for"),
    (ISSUE_CREDENTIALS, "Have short-lived credentials issued, cut to its live grants"),
    (APPEND_TRAIL, "Tell what it does: deliver to the trail"),
    (REPORT_LEAKS, "Report leaks, as a scanner does"),
]


# Words for the choice that seconds are.
LIVES = [
    ("", "as long as any token (a quarter of an hour, unless set otherwise)"),
    ("3600", "an hour"),
    ("28800", "8 hours"),
    ("86400", "24 hours"),
]


class ClientForm(forms.Form):
    scopes = forms.MultipleChoiceField(
        choices=SCOPE_CHOICES,
        initial=[READ_REQUESTS, WRITE_REQUESTS],
        label="It may",
        widget=forms.CheckboxSelectMultiple,
    )
    token_seconds = forms.TypedChoiceField(
        choices=LIVES,
        coerce=int,
        empty_value=None,
        required=False,
        label="A token that may deliver to the trail, and nothing else, lives",
        help_text="Exporters that cannot renew a token by themselves need a long one.",
    )
    reason = ReasonField("Why it needs the API")


class CollectsForm(forms.Form):
    """The agents whose telemetry a client delivers."""

    agent_ids = forms.CharField(
        required=False,
        max_length=100_000,
        label="It collects for",
        help_text="Names of agents, one a line. Where telemetry claims one of them, it is that "
        "agent's, as attested by this client. What claims another is kept under “unknown agent”. "
        "Left empty, it delivers its own agent's alone.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    reason = ReasonField("Why it collects for these")

    def __init__(self, *args: Any, agents: QuerySet[Agent], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.agents = agents

    def clean_agent_ids(self) -> list[int]:
        lines = self.cleaned_data["agent_ids"].splitlines()
        names = {line.strip() for line in lines if line.strip()}
        found = dict(self.agents.filter(name__in=names).values_list("name", "pk"))
        missing = sorted(names - found.keys())
        if missing:
            raise ValidationError(f"No other agent here is called {', '.join(missing[:5])}.")
        return list(found.values())


class SecretForm(forms.Form):
    reason = ReasonField("Why it needs a new secret")


class RevokeClientForm(forms.Form):
    reason = ReasonField("Why it may no longer sign in")
