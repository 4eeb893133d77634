"""Items are made here: a subject as it stands, its reviewer, its agent's fingerprints."""

from apps.reviews.services.freezing.items import (
    Freezer,
    credential_rows,
    freeze_bindings,
    freeze_credentials,
    freeze_grants,
    grant_rows,
)
from apps.reviews.services.freezing.writing import items_write

__all__ = [
    "Freezer",
    "credential_rows",
    "freeze_bindings",
    "freeze_credentials",
    "freeze_grants",
    "grant_rows",
    "items_write",
]
