"""Which files of npm packages are served, and how static files get their hashed names."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class VendorFinder(BaseFinder):
    """Serve exactly the files of `settings.VENDOR_FILES` out of node_modules.

    Whole dist folders hold hundreds of files that no page asks for; hashing and compressing
    them would make up most of a start.
    """

    def __init__(self, app_names: object = None, *args: Any, **kwargs: Any):
        self.storage = FileSystemStorage(location=settings.VENDOR_ROOT)
        super().__init__(*args, **kwargs)

    def check(self, **kwargs: Any) -> list:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        source = settings.VENDOR_FILES.get(path.replace("\\", "/"))
        found = [str(Path(settings.VENDOR_ROOT) / source)] if source else []
        found = [name for name in found if Path(name).is_file()]
        if find_all:
            return found
        return found[0] if found else None

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        for path, source in settings.VENDOR_FILES.items():
            yield path, _OneFile(self.storage, path, source)


class _OneFile:
    """A storage that knows one file of node_modules by the name it is served under."""

    prefix = ""

    def __init__(self, storage: FileSystemStorage, path: str, source: str):
        self._storage, self._names = storage, {path: source}

    def open(self, name: str) -> Any:
        return self._storage.open(self._names[name])

    def path(self, name: str) -> str:
        return self._storage.path(self._names[name])

    def get_modified_time(self, name: str) -> Any:
        return self._storage.get_modified_time(self._names[name])


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names; source maps are not shipped, so references to them stay as they are."""

    patterns = (
        (
            "*.css",
            (
                r"""(?P<matched>url\(['"]{0,1}\s*(?P<url>.*?)["']{0,1}\))""",
                (
                    r"""(?P<matched>@import\s*["']\s*(?P<url>.*?)["'])""",
                    """@import url("%(url)s")""",
                ),
            ),
        ),
        # A module that imports another of ours: `import { act } from "./act-keys.js"`.
        ("*.js", ((r"""(?P<matched>from "(?P<url>\./[\w-]+\.js)")""", 'from "%(url)s"'),)),
    )
