"""Forms of the acts on an agent's client of the API."""

from django import forms

from apps.inventory.forms import ReasonField
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


class ClientForm(forms.Form):
    scopes = forms.MultipleChoiceField(
        choices=SCOPE_CHOICES,
        initial=[READ_REQUESTS, WRITE_REQUESTS],
        label="It may",
        widget=forms.CheckboxSelectMultiple,
    )
    reason = ReasonField("Why it needs the API")


class SecretForm(forms.Form):
    reason = ReasonField("Why it needs a new secret")


class RevokeClientForm(forms.Form):
    reason = ReasonField("Why it may no longer sign in")
