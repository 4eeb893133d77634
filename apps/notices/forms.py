from typing import Any

from django import forms
from django.db.models import QuerySet

from apps.core.forms import ReferenceField, offer
from apps.core.outbound import outbound_validate
from apps.notices.states import By


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 2}))


class RouteForm(forms.Form):
    """What every route needs. `people` are those a page may go to by mail."""

    name = forms.CharField(max_length=100, help_text="As people see it: “PagerDuty of Security”.")

    def __init__(self, *args: Any, people: QuerySet, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if "person" in self.fields:
            offer(self, "person", people)


class MailRouteForm(RouteForm):
    person: forms.ModelChoiceField = forms.ModelChoiceField(queryset=None)


class ChatRouteForm(RouteForm):
    secret = ReferenceField(label="Where the address of its incoming webhook lies")


class PagerDutyRouteForm(RouteForm):
    secret = ReferenceField(label="Where the routing key lies")


class WebhookRouteForm(RouteForm):
    url = forms.CharField(
        label="Address",
        max_length=500,
        validators=[outbound_validate],
        widget=forms.TextInput(attrs={"placeholder": "https://", "class": "mono"}),
        help_text="Hosts inside the house are refused unless the configuration names them.",
    )
    secret = ReferenceField(label="Where the secret that signs lies")


ROUTE_FORMS: dict[str, type[RouteForm]] = {
    By.MAIL: MailRouteForm,
    By.CHAT: ChatRouteForm,
    By.PAGERDUTY: PagerDutyRouteForm,
    By.WEBHOOK: WebhookRouteForm,
}
