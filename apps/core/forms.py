"""What forms of several apps need."""

from typing import cast

from django.db.models import QuerySet
from django.forms import Form, ModelChoiceField


def offer(form: Form, name: str, rows: QuerySet) -> None:
    """Let a field choose among these rows: those the reader may see."""
    cast("ModelChoiceField", form.fields[name]).queryset = rows
