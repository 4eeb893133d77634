from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from apps.accounts.models import User
from apps.reviews.choices import HITS, KEEP_DAYS, SHORTEST_REASON, Asked, Chosen
from apps.reviews.models import ReviewItem
from apps.reviews.states import Outcome

ACTIONS = "actions"
OTHER_DATE = "date"


class ChoiceForm(forms.Form):
    """One item's choice as it is typed, whole or not. What it lacks is said, not refused."""

    outcome = forms.ChoiceField(choices=Outcome)
    days = forms.ChoiceField(required=False)
    until = forms.DateField(required=False)
    narrow_to = forms.CharField(required=False)
    actions = forms.MultipleChoiceField(required=False)
    hits = forms.ChoiceField(choices=[("", ""), *HITS.items()], required=False)
    reason = forms.CharField(required=False, max_length=4000)
    version = forms.IntegerField(min_value=0, required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, asked: Asked):
        super().__init__(data)
        days = [("", ""), (OTHER_DATE, ""), *((str(n), str(n)) for n in KEEP_DAYS)]
        _offer(self, "days", days)
        _offer(self, "actions", [(one, one) for one in asked.actions])

    def chosen(self) -> Chosen:
        data = self.cleaned_data
        return Chosen(
            outcome=data["outcome"],
            until=self._until(data),
            target=self._target(data),
            hits=data["hits"],
            reason=data["reason"],
        )

    @staticmethod
    def _until(data: Mapping[str, Any]) -> date | None:
        if data["days"] in {"", OTHER_DATE}:
            until: date | None = data["until"]
            return until
        return timezone.localdate() + timedelta(days=int(data["days"]))

    @staticmethod
    def _target(data: Mapping[str, Any]) -> dict[str, Any]:
        if data["narrow_to"] in {"", ACTIONS}:
            return {"actions": sorted(data["actions"])} if data["actions"] else {}
        return {"level": data["narrow_to"]}


def _offer(form: forms.Form, name: str, choices: Sequence[tuple[Any, str]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = choices


class UndoForm(forms.Form):
    version = forms.IntegerField(min_value=0)


class PersonField(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any):
        super().__init__(queryset=User.objects.who_may_decide(), empty_label="Choose …", **kwargs)


def reason_field(label: str = "Why") -> forms.CharField:
    return forms.CharField(
        label=label,
        min_length=SHORTEST_REASON,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReassignForm(forms.Form):
    person = PersonField(label="Who decides instead")
    reason = reason_field()


class NotMineForm(forms.Form):
    person = PersonField(label="Who should decide", required=False)
    text = reason_field("Why it is not yours")


class WordsForm(forms.Form):
    text = forms.CharField(
        label="What you write", max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )


class AttestForm(forms.Form):
    text = reason_field("Why the agent needs this, in your own words")


class RevokeSeveralForm(forms.Form):
    items = forms.TypedMultipleChoiceField(
        label="Revoke", coerce=int, widget=forms.CheckboxSelectMultiple
    )
    hits = forms.ChoiceField(
        label="Where several agents share an identity",
        choices=[("", "Choose …"), *HITS.items()],
        required=False,
    )
    reason = reason_field("One reason for all of them")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        items: Sequence[ReviewItem],
        shared: bool,
    ):
        super().__init__(data)
        _offer(self, "items", [(item.pk, item.label) for item in items])
        if shared:
            self.fields["hits"].required = True
        else:
            del self.fields["hits"]
