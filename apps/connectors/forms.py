from typing import Any

from django import forms

from apps.connectors.adapters.formats import FORMATS


class UploadForm(forms.Form):
    format = forms.ChoiceField(
        label="What kind of file is it?",
        choices=[(held.name, held.title) for held in FORMATS.values()],
        widget=forms.RadioSelect,
        initial=next(iter(FORMATS)),
    )
    file = forms.FileField(
        label="File", help_text="Plain, .gz, or .zip with one file in it; at most 512 MB."
    )
    command = forms.CharField(
        label="The command and arguments that made it",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Printed in evidence. Left empty, the usual command of the format stands there.",
    )
    stream = forms.CharField(
        label="Name of this list",
        required=False,
        max_length=100,
        help_text="For Countersign inventories: the next file of this name replaces this one.",
    )

    def __init__(self, *args: Any, refused: str = "", **kwargs: Any):
        self.refused = refused
        super().__init__(*args, **kwargs)
        if refused:
            self.fields["file"].error_messages["required"] = refused

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("format") and not cleaned.get("command"):
            cleaned["command"] = FORMATS[cleaned["format"]].made_by
        return cleaned
