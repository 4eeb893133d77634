from typing import Any

from django import forms

from apps.grants.models import Grant
from apps.grants.states import Level, Tag
from apps.inventory.models import Task


class JustifyForm(forms.Form):
    """Why a grant exists. The older reason is shown beside, never filled in."""

    reason = forms.CharField(
        label="Why it needs this",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    task_id = forms.ModelChoiceField(
        queryset=Task.objects.none(),
        label="Task of the purpose it serves",
        required=False,
        empty_label="None of its tasks",
    )
    ticket = forms.CharField(required=False, max_length=80)
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty stands until further notice.",
    )

    def __init__(self, *args: Any, grant: Grant, **kwargs: Any):
        super().__init__(*args, **kwargs)
        bound = grant.identity.bindings.live().values("agent")
        tasks = Task.objects.filter(agent__in=bound, retired_at__isnull=True)
        field: Any = self.fields["task_id"]
        field.queryset = tasks.order_by("agent__name", "position")

    def clean_task_id(self) -> int | None:
        task = self.cleaned_data["task_id"]
        return task.pk if task else None


class OverrideForm(forms.Form):
    level = forms.ChoiceField(choices=Level)
    tags = forms.MultipleChoiceField(
        choices=Tag, required=False, label="Makes possible", widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(
        label="Why this is right",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
