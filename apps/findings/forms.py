from django import forms


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the record and printed in evidence.",
    )


class AcceptForm(ReasonForm):
    until = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Within a year. Then it opens again by itself.",
    )


class SnoozeForm(ReasonForm):
    until = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Within 30 days. For longer, a steward must accept the risk.",
    )
