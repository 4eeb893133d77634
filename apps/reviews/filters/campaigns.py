import django_filters

from apps.accounts.models import User
from apps.core.filters import FilterSet, SearchFilter
from apps.grants.states import Level
from apps.reviews.states import CampaignState, Disposition, ItemState


class CampaignFilterSet(FilterSet):
    q = SearchFilter("name", placeholder="Name")
    state = django_filters.MultipleChoiceFilter(choices=CampaignState, label="State")


class ItemFilterSet(FilterSet):
    q = SearchFilter("label", placeholder="Identity, system, or service")
    state = django_filters.MultipleChoiceFilter(choices=ItemState, label="State")
    disposition = django_filters.MultipleChoiceFilter(
        choices=[choice for choice in Disposition.choices if choice[0]], label="Ended as"
    )
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    reviewer = django_filters.ModelChoiceFilter(
        queryset=User.objects.who_may_decide().order_by("display_name"), label="Reviewer"
    )
    system = django_filters.NumberFilter(field_name="system_id", label="System number")
    agent = django_filters.NumberFilter(field_name="agent_id", label="Agent number")
