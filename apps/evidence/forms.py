from django import forms


class ExportForm(forms.Form):
    """Nothing to fill in: asking is all."""


class SampleForm(forms.Form):
    size = forms.IntegerField(
        label="How many items",
        min_value=1,
        max_value=1000,
        initial=25,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    seed = forms.CharField(
        label="Seed",
        max_length=64,
        required=False,
        help_text="Any words or digits. The same seed draws the same sample again. Left empty, "
        "one is made.",
    )
