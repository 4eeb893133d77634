from typing import Any

from django import forms

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.inventory.models import Agent, Identity
from apps.inventory.states import Environment, StoredIn

REASON_HELP = "Kept in the record."


class ReasonField(forms.CharField):
    def __init__(self, label: str = "Why", **kwargs: Any):
        options = {
            "min_length": 10,
            "max_length": 2000,
            "help_text": REASON_HELP,
            "widget": forms.Textarea(attrs={"rows": 3}),
            **kwargs,
        }
        super().__init__(label=label, **options)


class BindForm(forms.Form):
    agent_id = forms.ModelChoiceField(queryset=Agent.objects.none(), label="Agent")
    reason = ReasonField(required=False)

    def __init__(self, *args: Any, actor: Actor, identity: Identity, **kwargs: Any):
        super().__init__(*args, **kwargs)
        bound = identity.bindings.live().values("agent")
        choices = Agent.objects.visible_to(actor).standing().exclude(pk__in=bound)
        field: Any = self.fields["agent_id"]
        field.queryset = choices.order_by("name")

    def clean_agent_id(self) -> int:
        return int(self.cleaned_data["agent_id"].pk)


class UnbindForm(forms.Form):
    reason = ReasonField("Why the agent no longer acts as it")


class AccountableForm(forms.Form):
    agent_id = forms.ModelChoiceField(
        queryset=Agent.objects.none(), label="Agent", required=False, empty_label="None chosen"
    )
    reason = ReasonField()

    def __init__(self, *args: Any, identity: Identity, **kwargs: Any):
        super().__init__(*args, **kwargs)
        bound = identity.bindings.live().values("agent")
        field: Any = self.fields["agent_id"]
        field.queryset = Agent.objects.filter(pk__in=bound).order_by("name")

    def clean_agent_id(self) -> int | None:
        agent = self.cleaned_data["agent_id"]
        return agent.pk if agent else None


class StorageForm(forms.Form):
    """Where a credential's secret is kept, and how often it rotates. Never the secret."""

    stored_in = forms.ChoiceField(choices=StoredIn, label="Secret stored in")
    stored_at = forms.CharField(
        label="Where exactly",
        required=False,
        max_length=200,
        help_text="Secret manager and path, file, or variable. Never the secret.",
    )
    rotation_days = forms.IntegerField(
        label="Rotates every (days)", required=False, min_value=1, max_value=3650
    )
    reason = ReasonField(required=False)


class SystemForm(forms.Form):
    description = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    environment = forms.ChoiceField(choices=Environment)
    owner_id = forms.ModelChoiceField(queryset=User.objects.none(), required=False, label="Owner")
    tags = forms.CharField(
        required=False, max_length=400, help_text="Parted by commas: CDE, SOX, personal data."
    )
    reason = ReasonField(required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner_id"]
        field.queryset = User.objects.who_may_decide().order_by("display_name")

    def clean_owner_id(self) -> int | None:
        owner = self.cleaned_data["owner_id"]
        return owner.pk if owner else None

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]


class NewSystemForm(SystemForm):
    name = forms.CharField(max_length=120)
    kind = forms.CharField(
        max_length=40, help_text="One word for its sort: crm, mail, aws. Permissions go by it."
    )
    field_order = ["name", "kind"]
