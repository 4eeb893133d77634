"""The process that takes in what agents tell: see `apps.api.ingest.door`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
django.setup()

from apps.api.ingest.door import Door  # noqa: E402 - models want the settings first

application = Door()
