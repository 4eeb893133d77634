"""The formats that need no more than the file; `generic` needs a mapping as well."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from apps.activity.formats import cloudtrail, github, kubernetes, vault
from apps.activity.formats.lines import Bad
from apps.activity.readings import Reading

FORMATS: dict[str, Callable[[BinaryIO], Iterator[Reading | Bad]]] = {
    "cloudtrail": cloudtrail.readings,
    "vault": vault.readings,
    "kubernetes": kubernetes.readings,
    "github": github.readings,
}
