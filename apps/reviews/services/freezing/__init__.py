"""Items are made here: a subject as it stands, its reviewer, its agent's fingerprints."""

from apps.reviews.services.freezing.items import (
    Freezer,
    freeze_bindings,
    freeze_credentials,
    freeze_grants,
)

__all__ = ["Freezer", "freeze_bindings", "freeze_credentials", "freeze_grants"]
