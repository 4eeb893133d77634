from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.core.forms import ReasonForm, offer
from apps.rotation.places import SHAPES, place_named
from apps.rotation.ways_out import WayOut


class RotateForm(ReasonForm):
    """Where the new secret goes and how long both work. `parts` are what it is made of."""

    place = forms.CharField(
        label="Where its secret is kept",
        required=False,
        max_length=200,
        help_text=f"{SHAPES} Its whole value is replaced by the new one. Left empty, where the"
        " credential says.",
    )
    names = forms.CharField(
        label="What its parts are called there",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
    )
    overlap_days = forms.IntegerField(
        label="The old one works on for (days)", min_value=1, max_value=90
    )
    field_order = ["reason", "place", "names", "overlap_days"]

    def __init__(self, *args: Any, parts: tuple[str, ...], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.parts = parts
        if parts:
            named = ", ".join(parts)
            self.fields["names"].help_text = f"One a line, as {parts[-1]} = name. It has: {named}."
        else:
            del self.fields["names"]

    def clean_place(self) -> str:
        place: str = self.cleaned_data["place"].strip()
        if place and place_named(place) is None:
            raise ValidationError(SHAPES)
        return place

    def clean_names(self) -> dict[str, str]:
        """By part: what it is called there."""
        named: dict[str, str] = {}
        for line in self.cleaned_data["names"].splitlines():
            part, equals, name = (one.strip() for one in line.partition("="))
            if not line.strip():
                continue
            if not equals or not name or part not in self.parts:
                raise ValidationError(f"One a line: {' or '.join(self.parts)}, =, and its name.")
            named[part] = name
        if len(set(named.values())) < len(named):
            raise ValidationError("Two parts cannot have one name.")
        return named

    def asked(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        given["fields"] = given.pop("names", {})
        return given


class DoneForm(forms.Form):
    told = forms.CharField(
        label="What you did",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the rotation and shown to auditors. Never paste a secret.",
    )
    new_id = forms.CharField(
        label="Id of the new one",
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
        help_text="Its id, never its secret. Leave it empty where the id stayed and the old secret"
        " does not work any more.",
    )


class ProposeForm(forms.Form):
    way = forms.ChoiceField(
        label="Way out", widget=forms.RadioSelect, help_text="The first fits best."
    )
    target_on = forms.DateField(
        label="By", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    note = forms.CharField(
        label="What is to be kept in mind",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, ways: Sequence[WayOut], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["way"].choices = [(one.key, one.title) for one in ways]  # type: ignore[attr-defined]


class ChangeWayForm(ReasonForm):
    way = forms.ChoiceField(label="Way out")
    owner_id = forms.ModelChoiceField(queryset=User.objects.none(), required=False, label="Owner")
    target_on = forms.DateField(
        label="By", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    field_order = ["way", "owner_id", "target_on", "reason"]

    def __init__(self, *args: Any, ways: Sequence[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["way"].choices = ways  # type: ignore[attr-defined]
        offer(self, "owner_id", User.objects.who_may_decide().order_by("display_name"))

    def clean_owner_id(self) -> int | None:
        owner = self.cleaned_data["owner_id"]
        return owner.pk if owner else None


class AgreeForm(ReasonForm):
    target_on = forms.DateField(label="By", widget=forms.DateInput(attrs={"type": "date"}))
    field_order = ["target_on", "reason"]


class FinishForm(forms.Form):
    """The reason is asked for where the old secret still works; the service says so."""

    reason = forms.CharField(
        label="Why it is done, if the old secret still works",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
