"""Every page of the trail as everybody can read it: in both themes, at a desk and on a phone.

What agents and systems say there is hostile: markup in names, words, and addresses.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from apps.activity.headers import Whose
from apps.activity.models import Erasure, Event, Invocation, Stream
from apps.activity.selectors.archived import subject_of
from apps.activity.services.erasing import erasure_approve, erasure_ask
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from apps.core.actors import Person
from apps.grants.models import GrantStatement
from apps.proof.services.signing import logs_sign
from tests.activity.logs import bring
from tests.activity.runs import NOW, TRACE, api, keep, run, said, shifted
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory, CredentialFactory
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("trail"),
]
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SCREENS = {
    "desk, dark": DESK | {"color_scheme": "dark"},
    "phone, light": PHONE | {"color_scheme": "light"},
}
EVIL = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def binding():
    return BindingFactory(agent__active=True, agent__name="refunds", identity__system__kind="aws")


@pytest.fixture
def credential(binding):
    return CredentialFactory(identity=binding.identity)


@pytest.fixture
def told(binding, credential, key, memory):  # noqa: F811
    """A run with sub-agents, and every way in which a call may stand to it."""
    grant = GrantFactory(identity=binding.identity, service="s3", level="read")
    GrantStatement.objects.create(
        grant=grant, position=0, actions=["s3:GetObject"], resources=["arn:aws:s3:::other/*"]
    )
    spans = shifted(run(), NOW)
    spans[2].severity, spans[2].target, spans[2].body = 2, EVIL, {"did": EVIL, "result": "x" * 9000}
    deep = [
        said(
            "step", f"sub-agent {n} {EVIL}", NOW + 3, span_id=f"{n:016x}", parent_id=f"{n - 1:016x}"
        )
        for n in range(1, 12)
    ]
    deep[0].parent_id, deep[3].body = "a" * 16, {"told": "gone by tomorrow"}
    keep(*spans, *deep, whose=Whose(agent_id=binding.agent_id, agent=binding.agent.name))
    identity = binding.identity
    keep(
        api(at=NOW + 2, request_id="REQ1", target=f"bucket/{EVIL}", level="read", outcome="ok"),
        api("iam:CreateUser", NOW + 3, carried_by="header", correlation=TRACE, outcome="denied"),
        api(f"s3:{EVIL}", NOW + 4, address="203.0.113.9", outcome="ok"),
        whose=Whose(
            identity_id=identity.pk,
            identity=identity.name,
            system_id=identity.system_id,
            system=identity.system.name,
            credential_id=credential.pk,
        ),
    )
    other = BindingFactory(identity__system=identity.system).identity
    contested = Whose(identity_id=other.pk, identity=other.name, system_id=other.system_id)
    keep(api("s3:DeleteBucket", NOW + 5, request_id="REQ1", outcome="ok"), whose=contested)
    log = Stream.objects.create(
        system=identity.system,
        log_format="cloudtrail",
        complete_from=timezone.now() - timedelta(days=60),
        complete_until=timezone.now(),
    )
    bring(log, b'{"Records": [{}, "' + EVIL.encode().replace(b'"', b"'") + b'"]}')
    hours_count()
    use_measure()
    logs_sign(key=key, memory=memory, now=timezone.now())
    return Invocation.objects.get()


@pytest.fixture
def erased(told, steward):
    event = Event.objects.get(name__startswith="sub-agent 4")
    subject = subject_of(event.log_id, event.leaf_index)
    erasure = erasure_ask(
        subject=subject, basis="person", reason="They asked for it.", actor=Person(steward)
    )
    other = Person(UserFactory(steward=True))
    erasure_approve(erasure_id=erasure.pk, reason="Checked.", actor=other)
    return event.leaf_index


@pytest.fixture
def addresses(told, binding, credential, erased):
    agent, call = binding.agent_id, Event.objects.filter(kind="api").earliest("leaf_index")
    action = Event.objects.get(kind="action")

    def at(name, *args, **query):
        return reverse(name if ":" in name else f"activity:{name}", args=args, query=query)

    return [
        told.get_absolute_url(),
        f"{told.get_absolute_url()}?view=waterfall",
        at("console:invocation_access", told.pk),
        at("console:around", "activity.invocation", told.pk),
        at("record_detail", action.leaf_index),
        at("record_detail", call.leaf_index),
        at("record_detail", erased),
        at("invocation_list"),
        at("invocation_list", conversation="of nobody"),
        at("agent_activity", agent),
        at("agent_activity", BindingFactory().agent_id),
        at("agent_explained", agent),
        at("agent_standing", agent),
        at("reconstruction_list"),
        at("reconstruction_detail", agent),
        at("search"),
        at("search", q="agent:nobody"),
        at("search", q="colour:red"),
        at("search", live="1"),
        at("call_list"),
        at("call_list", agent=agent),
        at("deed_list", agent=agent),
        at("credential_use", credential.pk),
        at("credential_use", credential.pk, since="never"),
        at("credential_breaks", credential.pk),
        at("log_list"),
        at("log_new"),
        at("log_detail", Stream.objects.get().pk),
        at("log_upload", Stream.objects.get().pk),
        at("log_import_detail", Stream.objects.get().imports.get().pk),
        at("kept"),
        at("erasure_list"),
        at("erasure_detail", Erasure.objects.get().pk),
        at("erasure_new", action.leaf_index),
        at("console:proof"),
        at("console:record_list"),
    ]


@pytest.fixture(params=SCREENS)
def reader(request, browsers, client, steward):
    client.force_login(steward)
    return browsers(**SCREENS[request.param]).remember(client.cookies["sessionid"].value)


def test_every_page_of_the_trail_can_be_read_by_everybody(reader, addresses, told):
    page = reader.page

    for address in addresses:
        page.goto(reader.address + address)
        expect(page.locator(".panel-waits")).to_have_count(0)
        reader.look()
        assert page.title() != "taken", address
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address

    page.goto(reader.address + told.get_absolute_url())
    page.get_by_role("button", name="All its words").click()
    expect(page.get_by_text("These words were erased")).to_be_visible()
    expect(page.get_by_text(EVIL).first).to_be_visible()
    reader.look()
    assert page.title() != "taken"


@pytest.mark.usefixtures("silent_console")
def test_no_view_of_a_run_complains(told, steward, signed_in, live_server):
    """What allowed its records comes later, and has a place for each; near calls have none."""
    assert told.links.count() > told.proven
    other = BindingFactory(identity__system__kind="aws")
    keep(
        said("call", "s3:Put", NOW + 6, parent_id="a" * 16, request_id="REQ9"),
        whose=Whose(agent_id=other.agent_id, agent=other.agent.name),
    )
    keep(
        api("s3:Put", NOW + 6, request_id="REQ9"),
        whose=Whose(identity_id=other.identity_id, system_id=other.identity.system_id),
    )
    page = signed_in(steward)

    for view in ("", "?view=waterfall"):
        page.goto(f"{live_server.url}{told.get_absolute_url()}{view}")
        expect(page.locator(".story-access").first).to_contain_text("No grant covers it")
        page.wait_for_load_state("networkidle")
