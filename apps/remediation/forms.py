from typing import Any

from django import forms

from apps.core.forms import ReasonForm
from apps.remediation.services.by_hand import Proof


class ProofForm(forms.Form):
    """Words, a file, or both. Which of them are needed is the service's to say."""

    text = forms.CharField(
        label="What you did or saw",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Kept with the order and shown to auditors. Never paste a secret.",
    )
    file = forms.FileField(
        label="File that shows it",
        required=False,
        help_text="At most 10 MB: a screenshot, or the output of the commands.",
    )

    def proof(self) -> Proof:
        return Proof(text=self.cleaned_data["text"], file=self.cleaned_data["file"])


class ExceptionForm(forms.Form):
    reason = forms.CharField(
        label="Why the access must stand for now",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    until = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Within a year. Then the order is taken up again.",
    )


class KillForm(ReasonForm):
    """Short on purpose: it is filled in at three in the morning."""

    exposed_since = forms.DateTimeField(
        label="Exposed since, if you know",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="What it made and did since then is listed. Left empty, since it was issued.",
    )
    field_order = ["reason", "exposed_since"]


class LeakForm(forms.Form):
    """The text is never given back to a page, not even with an error."""

    pasted = forms.CharField(
        max_length=65536,
        error_messages={
            "required": "Paste the key, its id, its fingerprint, or the alert.",
            "max_length": "That is longer than 64 kB: paste the key or one alert alone.",
        },
    )


class AdoptForm(forms.Form):
    connection_id = forms.IntegerField()
    kind = forms.CharField(max_length=20)
    external_id = forms.CharField(max_length=300)


class ManyForm(ReasonForm):
    """`count` is what the person saw; a list that changed meanwhile is shown again first."""

    kind = forms.ChoiceField(
        label="What is done",
        choices=[
            ("revoke", "Revoke: disabled now, deleted after 7 days without use"),
            ("kill", "Kill now: they may be in other hands"),
        ],
        widget=forms.RadioSelect,
        initial="revoke",
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ["kind", "reason", "seen"]

    def __init__(self, *args: Any, count: int, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.count = count
        self.fields["seen"].initial = count

    def clean_seen(self) -> int:
        seen: int = self.cleaned_data["seen"]
        if seen != self.count:
            raise forms.ValidationError(
                f"You saw {seen}, and by now there are {self.count}. Look again, then decide."
            )
        return seen


class TryForm(forms.Form):
    """The secret is never given back to a page, not even with an error."""

    secret = forms.CharField(
        label="Its secret",
        max_length=20_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="One harmless call is made with it, and it is forgotten. The answer is proof.",
    )
