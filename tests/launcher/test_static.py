import re

from django.contrib.staticfiles import finders

from tests.launcher.conftest import ROOT

NAMED = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")


def test_every_static_file_a_template_names_is_served():
    pages = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("apps/**/*.html")]
    named = {name for page in pages for name in NAMED.findall(page.read_text())}

    assert len(named) > 5
    assert sorted(name for name in named if finders.find(name) is None) == []


def test_every_vendor_file_is_installed(settings):
    missing = [
        source
        for source in settings.VENDOR_FILES.values()
        if not (settings.VENDOR_ROOT / source).is_file()
    ]

    assert missing == []
