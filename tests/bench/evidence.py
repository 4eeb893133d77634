"""Build one campaign's evidence and print the peak memory of doing so, in MB."""

import os
import resource
import sys

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    call_command("evidence_build", sys.argv[1], sys.argv[2], stdout=sys.stderr)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{peak:.0f} MB at most\n")
