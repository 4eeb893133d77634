from datetime import timedelta

from django.utils import timezone

from apps.rotation.states import RotationState
from tests.architecture.url_matrix import EVERYBODY, RECORD, Row
from tests.factories.inventory import CredentialFactory
from tests.factories.rotation import MigrationFactory, RotationFactory

# What an auditor may read, and not do.
ACT = {"auditor": 403}


def _credential():
    return [CredentialFactory().pk]


def _rotation():
    return [RotationFactory().pk]


def _failed():
    return [RotationFactory(state=RotationState.FAILED).pk]


def _switched():
    later = timezone.now() + timedelta(days=7)
    return [RotationFactory(state=RotationState.SWITCHED, retire_at=later, wake_at=later).pk]


def _migration():
    return [MigrationFactory().pk]


ROWS = {
    "rotation:due_list": Row(EVERYBODY),
    "rotation:due_calendar": Row(EVERYBODY),
    "rotation:rotation_list": Row(EVERYBODY),
    "rotation:rotation_detail": Row(RECORD, _rotation),
    "rotation:rotation_done": Row(RECORD, _rotation, overrides=ACT),
    "rotation:rotation_try_again": Row(RECORD, _failed, overrides=ACT),
    "rotation:rotation_take_over": Row(RECORD, _failed, overrides=ACT),
    "rotation:rotation_drop": Row(RECORD, _rotation, overrides=ACT),
    "rotation:rotation_hurry": Row(RECORD, _switched, overrides=ACT),
    "rotation:credential_panel": Row(RECORD, _credential),
    "rotation:rotation_new": Row(RECORD, _credential, overrides=ACT),
    "rotation:migration_list": Row(EVERYBODY),
    "rotation:migration_detail": Row(RECORD, _migration),
    "rotation:migration_new": Row(RECORD, _credential, overrides=ACT),
    "rotation:migration_change": Row(RECORD, _migration, overrides=ACT),
    "rotation:migration_agree": Row(RECORD, _migration, overrides=ACT),
    "rotation:migration_begin": Row(RECORD, _migration, overrides=ACT),
    "rotation:migration_finish": Row(RECORD, _migration, overrides=ACT),
    "rotation:migration_drop": Row(RECORD, _migration, overrides=ACT),
}
