from typing import Any

from django import forms

from apps.activity.formats.generic import problems
from apps.activity.states import LogFormat
from apps.core.forms import offer
from apps.inventory.models import System

MAPPING_HELP = (
    "One line for each of our fields, as <code>field = path</code>. A path is names and places of a"
    " list joined by dots (<code>actor.ids.0</code>); <code>= word</code> is a fixed value. Needed:"
    " <code>name</code>, <code>happened_at</code>. Worth having: <code>principal</code>,"
    " <code>credential</code>, <code>request_id</code>, <code>original_id</code>."
)
FIRST_MAPPING = "name = action\nhappened_at = time\nprincipal = actor\noriginal_id = id"
LONGEST_SAMPLE = 20_000


class MappingField(forms.CharField):
    """From our fields to paths in a record, one on each line."""

    def __init__(self, **kwargs: Any):
        rows = forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"})
        super().__init__(
            **{"max_length": 4000, "widget": rows, "help_text": MAPPING_HELP, **kwargs}
        )

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{name} = {path}" for name, path in value.items())
        return value

    def clean(self, value: Any) -> dict[str, str]:
        mapped = {}
        for line in super().clean(value).splitlines():
            name, parted, path = line.partition("=")
            if line.strip() and not parted:
                raise forms.ValidationError(f"“{line.strip()[:60]}” has no =.")
            if line.strip():
                mapped[name.strip()] = path.strip()
        return mapped


class LogForm(forms.Form):
    system = forms.ModelChoiceField(queryset=System.objects.none())
    log_format = forms.ChoiceField(
        label="What kind of log is it?",
        choices=LogFormat,
        widget=forms.RadioSelect,
        initial=LogFormat.CLOUDTRAIL,
    )
    mapping = MappingField(
        label="Mapping, for JSON lines alone", required=False, initial=FIRST_MAPPING
    )
    sample = forms.CharField(
        label="A line of it, to try",
        required=False,
        max_length=LONGEST_SAMPLE,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text="Is read as the log would be, and kept nowhere.",
    )
    field_order = ("system", "log_format", "mapping", "sample")

    def __init__(self, *args: Any, systems: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "system", systems)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("log_format") == LogFormat.GENERIC and "mapping" in cleaned:
            for wrong in problems(cleaned["mapping"]):
                self.add_error("mapping", wrong)
        return cleaned


class MappingForm(forms.Form):
    mapping = MappingField()
    sample = LogForm.base_fields["sample"]

    def clean_mapping(self) -> dict[str, str]:
        mapping: dict[str, str] = self.cleaned_data["mapping"]
        if wrong := problems(mapping):
            raise forms.ValidationError(wrong)
        return mapping


class TryForm(forms.Form):
    """What is tried is read as far as it goes; what is wrong with it is said beside it."""

    log_format = forms.ChoiceField(choices=LogFormat, required=False)
    mapping = MappingField(required=False)
    sample = forms.CharField(
        max_length=LONGEST_SAMPLE, error_messages={"required": "Paste a line of the log."}
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["log_format"] = cleaned.get("log_format") or LogFormat.GENERIC
        if cleaned["log_format"] == LogFormat.GENERIC and "mapping" in cleaned:
            for wrong in problems(cleaned["mapping"]):
                self.add_error("mapping", wrong)
        return cleaned


class LogFileForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="Plain, .gz, or a .zip of many; at most 512 MB. Larger ones:"
        " <code>manage.py log_import</code>.",
    )
    is_whole = forms.BooleanField(
        label="Nothing was left out of it",
        required=False,
        help_text="Say so only of the log as its system writes it. Of an answer that was filtered"
        " (by name, by region, by service), what is not in it is not known.",
    )

    def __init__(self, *args: Any, is_too_large: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if is_too_large:
            self.fields["file"].error_messages["required"] = (
                "The file is larger than 512 MB; use manage.py log_import."
            )
