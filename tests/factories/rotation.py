import factory

from apps.rotation.models import Migration, Rotation
from apps.rotation.states import RotationState, RotationWay
from tests.factories.inventory import CredentialFactory


class RotationFactory(factory.django.DjangoModelFactory):
    """One that is somebody's to carry out by hand."""

    class Meta:
        model = Rotation

    credential = factory.SubFactory(CredentialFactory)
    label = factory.LazyAttribute(lambda one: f"{one.credential.identity} · {one.credential}")
    way = RotationWay.BY_HAND
    state = RotationState.BY_HAND
    reason = "It is due."
    overlap_days = 7


class MigrationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Migration

    credential = factory.SubFactory(CredentialFactory)
    label = factory.LazyAttribute(lambda one: f"{one.credential.identity} · {one.credential}")
    way = "github-app"
