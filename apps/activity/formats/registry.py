"""The formats that need no more than the file; `generic` needs a mapping as well."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from apps.activity.formats import cloudtrail, generic, github, kubernetes, vault
from apps.activity.formats.lines import Bad
from apps.activity.readings import Reading
from apps.activity.states import LogFormat

FORMATS: dict[str, Callable[[BinaryIO], Iterator[Reading | Bad]]] = {
    "cloudtrail": cloudtrail.readings,
    "vault": vault.readings,
    "kubernetes": kubernetes.readings,
    "github": github.readings,
}


def readings_of(
    log_format: str, file: BinaryIO, mapping: Mapping[str, str]
) -> Iterator[Reading | Bad]:
    """What a file of a format holds, record by record."""
    if log_format == LogFormat.GENERIC:
        return generic.readings(file, mapping)
    return FORMATS[log_format](file)
