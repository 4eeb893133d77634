"""What forms of several apps need."""

from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import CharField, Form, ModelChoiceField, Textarea, TextInput

from apps.core.references import LONGEST, reference_validate


class ReasonForm(Form):
    """One reason; its label says for what."""

    reason = CharField(min_length=10, max_length=2000, widget=Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, label: str = "Why", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = label


def offer(form: Form, name: str, rows: QuerySet) -> None:
    """Let a field choose among these rows: those the reader may see."""
    cast("ModelChoiceField", form.fields[name]).queryset = rows


class ReferenceInput(TextInput):
    """Shows a reference, and nothing else that was typed: that may be the secret itself."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"})

    def format_value(self, value: Any) -> str | None:
        try:
            reference_validate(str(value or ""))
        except ValidationError:
            return None
        return str(value)


class ReferenceField(CharField):
    """Where a secret lies (`apps.core.references`), not the secret."""

    widget = ReferenceInput
    default_validators = [reference_validate]

    def __init__(self, **kwargs: Any):
        words = (
            "Not the secret itself, but where it lies: <code>env:COUNTERSIGN_SECRET_…</code>, a"
            " variable of the worker; <code>file:…</code>, a file in its directory of secrets;"
            " <code>aws-secret:…</code> or <code>azure-secret:https://…</code>, in a secret manager"
            " that the configuration names."
        )
        super().__init__(**{"max_length": LONGEST, "help_text": words, **kwargs})
