"""The package: exported by its page, checked and tampered with outside Countersign."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.visitor import PATIENCE

OUTSIDE = Path(__file__).resolve().parents[2] / "apps/evidence/verify/verify.py"


def export(visitor, folder):
    """Ask for the package on the campaign's page; take it and the keys away once it is built."""
    page = visitor.page
    page.get_by_role("button", name="Export evidence").click()
    download = page.get_by_role("button", name="Download")
    expect(download).to_be_visible(timeout=PATIENCE)
    visitor.look()
    return (
        _saved(page, download, folder),
        _saved(page, page.get_by_role("link", name="The keys"), folder),
    )


def _saved(page, link, folder):
    with page.expect_download() as coming:
        link.click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def check(package, keys, verifier=OUTSIDE):
    """Run a verifier as an auditor does: plain Python, and nothing of Countersign in reach."""
    done = subprocess.run(
        [sys.executable, "-I", str(verifier), str(package), "--key", str(keys)],
        cwd=package.parent,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def tampered(package, name, changes):
    """Pack the package anew with these members changed."""
    out = package.with_name(name)
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            target.writestr(info.filename, changes.get(info.filename, content))
    return out


def member(package, name):
    with zipfile.ZipFile(package) as source:
        return source.read(name)


def listing(package, manifest, changes):
    """A manifest that names the digests of the changed members."""
    lines = member(package, manifest).decode().splitlines()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in changes.items()}
    named = [line.partition("  ") for line in lines]
    return "".join(f"{digests.get(name, old)}  {name}\n" for old, _, name in named).encode()
