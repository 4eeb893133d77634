from typing import Any

from django import forms

from apps.connectors.adapters.formats import FORMATS
from apps.connectors.adapters.live import Setting
from apps.connectors.adapters.registry import adapter_class
from apps.connectors.models import Connection
from apps.core.forms import ReferenceField


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


class ConnectionForm(forms.Form):
    """What a connection of one kind is told; its fields are the adapter's own settings."""

    name = forms.CharField(max_length=80, help_text="As people call it: “AWS production”.")

    def __init__(self, *args: Any, kind: str, connection: Connection | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.connection = connection
        self.own = adapter_class(kind).settings
        for setting in self.own:
            self.fields[setting.key] = _field(setting)
        self.fields["every_minutes"] = forms.IntegerField(
            label="Reads every",
            initial=360,
            min_value=15,
            max_value=10080,
            help_text="Minutes, from 15 to 10,080 (a week). It can also be read at any time.",
        )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        others = Connection.objects.named(name)
        if self.connection is not None:
            others = others.exclude(pk=self.connection.pk)
        if others.exists():
            raise forms.ValidationError("Another connection has this name.")
        return name

    def told(self) -> dict[str, Any]:
        """What was filled in of the adapter's settings."""
        given = {setting.key: self.cleaned_data[setting.key] for setting in self.own}
        return {key: value for key, value in given.items() if value}

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "name": given["name"],
            "told": self.told(),
            "every_minutes": given["every_minutes"],
        }


class ConnectionChangeForm(ConnectionForm):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["calls_per_second"] = forms.IntegerField(
            label="Calls a second, at most",
            min_value=1,
            max_value=1000,
            help_text="When many orders are carried out at once. One order alone never waits.",
        )
        self.fields["may_issue"] = forms.BooleanField(
            label="It may issue short-lived credentials to agents", required=False
        )

    def values(self) -> dict[str, Any]:
        extra = {key: self.cleaned_data[key] for key in ("may_issue", "calls_per_second")}
        return {**super().values(), **extra}


class Lines(forms.CharField):
    """Several values, one on each line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = str(super().clean(value)).splitlines()
        return [line.strip() for line in lines if line.strip()]


def _field(setting: Setting) -> forms.Field:
    said: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "required": setting.required,
    }
    if setting.choices:
        return forms.ChoiceField(choices=setting.choices, **said)
    if setting.several:
        return Lines(**said)
    if setting.address:
        return forms.URLField(assume_scheme="https", **said)
    if setting.reference:
        return ReferenceField(label=setting.label, required=setting.required)
    return forms.CharField(max_length=200, **said)


class LogSourceForm(forms.Form):
    connection = forms.ChoiceField(help_text="Those that speak for this system's account.")
    since = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="At most 90 days back, which is how long AWS keeps its history.",
    )

    def __init__(self, *args: Any, connections: list[Connection], **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["connection"]
        field.choices = [(str(one.pk), str(one)) for one in connections]
