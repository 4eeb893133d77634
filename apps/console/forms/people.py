from typing import Any

from django import forms

from apps.accounts.forms import ROLES, day_field, reason_field
from apps.accounts.models import User
from apps.inventory.models import System


class SuccessorForm(forms.Form):
    """Asks who takes over where there is something to take over."""

    successor = forms.ModelChoiceField(
        User.objects.none(), required=False, label="Who takes over", empty_label="choose…"
    )

    def __init__(self, *args: Any, people: Any, duties: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["successor"]
        field.queryset = people
        field.help_text = f"They get: {duties}." if duties else "They answer for nothing now."

    def values(self) -> dict[str, Any]:
        cleaned = dict(self.cleaned_data)
        successor = cleaned.pop("successor")
        return {**cleaned, "successor_id": successor.pk if successor else None}


class DeactivateForm(SuccessorForm):
    reason = reason_field()


class RoleForm(SuccessorForm):
    role = forms.ChoiceField(
        choices=[*ROLES, ("", "No role: sees one page that says so")], required=False
    )
    seat_ends_on = day_field(
        label="Seat ends on", required=False, help_text="For an auditor: their last day."
    )
    reason = reason_field()

    field_order = ["role", "seat_ends_on", "successor", "reason"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        hint = self.fields["successor"].help_text
        self.fields["successor"].help_text = f"For an auditor, or no role. {hint}"


class SeatForm(forms.Form):
    ends_on = day_field(label="Ends on", help_text="The last day. A past day ends it at once.")
    period_from = day_field(label="Reads from", required=False)
    period_until = day_field(
        label="Reads until",
        required=False,
        help_text="Bounds the record, campaigns, and packages; the inventory is as it is.",
    )
    limited_to_systems = forms.BooleanField(label="Only these systems", required=False)
    systems = forms.ModelMultipleChoiceField(System.objects.none(), required=False)
    sees_payloads = forms.BooleanField(label="May read payloads", required=False)
    reason = reason_field()

    def __init__(self, *args: Any, systems: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["systems"]
        field.queryset = systems
