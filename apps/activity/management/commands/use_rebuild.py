from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.activity.services.drifting import drift_measure
from apps.activity.services.measuring import use_rebuild, use_tell


class Command(BaseCommand):
    help = "Measure the use of every grant anew, from the calls counted by the hour."

    def handle(self, **options: Any) -> None:
        measured = use_rebuild()
        use_tell(timezone.now())
        drifted = drift_measure(moment=timezone.now())
        self.stdout.write(f"{measured} identities measured, {drifted} calls outside a purpose.")
