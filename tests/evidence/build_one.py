"""Build the package of one job in a process of its own, which a test may kill."""

import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    from django.conf import settings

    from apps.evidence import tasks

    settings.DATA_DIR = sys.argv[2]
    tasks.build_package(int(sys.argv[1]))
