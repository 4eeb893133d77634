"""What forms of several apps need."""

from typing import Any, cast

from django.db.models import QuerySet
from django.forms import CharField, Form, ModelChoiceField, Textarea


class ReasonForm(Form):
    """One reason; its label says for what."""

    reason = CharField(min_length=10, max_length=2000, widget=Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, label: str = "Why", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = label


def offer(form: Form, name: str, rows: QuerySet) -> None:
    """Let a field choose among these rows: those the reader may see."""
    cast("ModelChoiceField", form.fields[name]).queryset = rows
