from django.forms import ChoiceField

from apps.activity.states import Basis
from apps.core.forms import ReasonForm


class ErasureForm(ReasonForm):
    """By what right, and why in one's own words."""

    basis = ChoiceField(label="By what right", choices=Basis)
    field_order = ("basis", "reason")
