"""What would break, before an agent is stopped or many credentials are ended."""

from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.activity.models import Invocation
from apps.activity.selectors import breaking
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from apps.core.actors import Person
from apps.grants.states import Level
from apps.inventory.models import Credential
from apps.remediation.selectors.batches import choice_of, tree_of
from apps.remediation.services.batches import credentials_end_many
from apps.remediation.states import OrderKind
from tests.activity.test_breaking import called, ran
from tests.activity.use import granted, logged
from tests.factories.accounts import UserFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)

pytestmark = pytest.mark.django_db

TRACES = [f"{number:032x}" for number in range(1, 9)]


def shown(response):
    return " ".join(response.content.decode().split())


@pytest.fixture
def agent():
    return AgentFactory(active=True, name="refunder")


def key_of(agent, **system):
    credential = CredentialFactory(identity=IdentityFactory(system=SystemFactory(**system)))
    BindingFactory(agent=agent, identity=credential.identity)
    return credential


def test_stopping_an_agent_says_what_would_break_by_system_by_key_and_by_agent(as_steward, agent):
    other = AgentFactory(name="reporter")
    crm, mail = key_of(agent, name="CRM"), key_of(agent, name="Mail")
    BindingFactory(agent=other, identity=crm.identity)
    logged(crm.identity.system)
    ran(agent, TRACES[0])
    called(crm, "customers:Read", TRACES[0])
    called(crm, "customers:Update", TRACES[0])
    ran(other, TRACES[1], "the monthly report")
    called(crm, "customers:Read", TRACES[1])
    called(crm, "customers:Read")

    page = shown(as_steward.get(reverse("remediation:agent_stop", args=[agent.pk])))

    assert "Would break there: 4 calls in 90 days, of 2 runs; no run accounts for 1 of them" in page
    assert "whether it is used is not known: no log of the system is connected" in page
    assert "2 runs would have failed without them, and 1 call that no run accounts for." in page
    assert "More may: on 1 of 2 systems the log does not tell all." in page
    assert "the monthly report" in page
    assert "not used in 90 days" not in page
    assert f"credential={crm.pk}&amp;allowed=true" in page
    assert f"credential={mail.pk}&amp;" not in page


def test_the_link_beside_a_key_leads_to_exactly_the_calls_it_counts(as_steward, steward, agent):
    key = key_of(agent)
    called(key, "customers:Read")
    called(key, "customers:Update", outcome="failed")
    called(key, "customers:Delete", outcome="denied")
    called(key, "customers:Read", ago=120)

    ((_, (told,)),) = tree_of(agent, Person(steward)).branches[0].held

    assert told.calls == 2
    page = as_steward.get(told.href).content.decode()
    assert page.count("customers:") == 2
    assert "customers:Delete" not in page


def test_without_a_credential_the_grants_that_are_denied_break_what_only_they_allowed(
    steward, agent
):
    identity = IdentityFactory(system=SystemFactory(kind="aws"))
    BindingFactory(agent=agent, identity=identity)
    granted(identity, "s3:Put*", "s3:GetObject", level=Level.WRITE)
    granted(identity, "s3:Delete*", "s3:PutObject", level=Level.ADMIN, service="s3")
    granted(identity, "s3:Get*")
    for trace, name in zip(
        TRACES, ("s3:PutObject", "s3:DeleteObject", "s3:GetObject"), strict=False
    ):
        ran(agent, trace)
        called_by(identity, name, trace)
    hours_count()
    use_measure()

    (branch,) = tree_of(agent, Person(steward)).branches

    assert (branch.breaks.calls, len(branch.breaks.runs)) == (2, 2)


def test_a_call_that_is_lost_by_credential_and_by_grant_counts_once(steward, agent):
    key = key_of(agent, kind="aws")
    grant = granted(key.identity, "s3:Put*", level=Level.WRITE)
    ran(agent, TRACES[0])
    called(key, "s3:PutObject", TRACES[0])
    called_by(key.identity, "s3:PutObject", TRACES[0])
    hours_count()
    use_measure()
    system = key.identity.system_id

    breaks = breaking.breaks_without([key.pk], [grant.pk], [system], Person(steward))

    assert (breaks.systems[system].calls, breaks.runs) == (2, 1)


def test_a_grant_on_another_system_than_its_identitys_breaks_there(as_steward, steward, agent):
    identity = IdentityFactory(system=SystemFactory(kind="aws", name="Here"))
    there = SystemFactory(kind="aws", name="There")
    BindingFactory(agent=agent, identity=identity)
    granted(identity, "s3:Put*", level=Level.WRITE, system=there)
    ran(agent, TRACES[0])
    called_by(identity, "s3:PutObject", TRACES[0], there)
    hours_count()
    use_measure()

    breaks = tree_of(agent, Person(steward)).breaks

    assert (breaks.systems[there.pk].calls, breaks.runs) == (1, 1)
    page = shown(as_steward.get(reverse("remediation:agent_stop", args=[agent.pk])))
    assert "1 run would have failed without them" in page


def called_by(identity, name, trace, system=None):
    on = SimpleNamespace(system_id=system.pk if system else identity.system_id)
    called(SimpleNamespace(identity_id=identity.pk, identity=on, pk=None), name, trace)


def test_ending_many_says_what_would_break_and_links_what_it_counts(as_steward, agent):
    crm, mail = SystemFactory(name="CRM"), SystemFactory(name="Mail")
    logged(crm)
    logged(mail)
    chosen = CredentialFactory.create_batch(3, identity=IdentityFactory(system=crm), kind="token")
    kept = CredentialFactory(identity=chosen[0].identity, kind="api-key")
    CredentialFactory(identity=IdentityFactory(system=mail), kind="token")
    ran(agent, TRACES[0])
    called(chosen[0], "customers:Read", TRACES[0])
    called(chosen[1], "customers:Update")
    called(kept, "customers:Delete")

    response = as_steward.get(f"{reverse('remediation:credentials_end')}?kind=token")

    page = shown(response)
    assert "2 calls</a> in 90 days, of 1 run; no run accounts for 1 of them" in page
    assert "Would break there: not used in 90 days" in page
    assert "1 run would have failed without them, and 1 call that no run accounts for." in page
    assert Invocation.objects.get().get_absolute_url() in page
    listed = as_steward.get(response.context["chosen"].places[0].href).content.decode()
    assert "customers:Read" in listed
    assert "customers:Update" in listed
    assert "customers:Delete" not in listed


def test_the_list_of_calls_says_of_which_credentials_and_shows_none_of_a_filter_it_cannot_read(
    as_steward,
):
    credential = CredentialFactory(kind="token")
    called(credential, "customers:Read", ago=0)

    def asked(listed):
        of = {"listed": listed, "system": credential.identity.system_id}
        return as_steward.get(reverse("activity:call_list", query=of))

    of_all, of_some, unread = asked("standing=true"), asked("kind=token"), asked("kind=tokn")

    assert "those that still work" in shown(of_all)
    assert "those of a filtered list" in shown(of_some)
    assert "those that still work" not in shown(of_some)
    assert "customers:Read" in shown(of_some)
    assert "customers:Read" not in shown(unread)
    ending = as_steward.get(f"{reverse('remediation:credentials_end')}?kind=tokn")
    assert ending.context["chosen"].count == 0


def test_nothing_is_only_said_where_every_log_is_complete(as_steward):
    credential = CredentialFactory()
    url = reverse("remediation:credentials_end")

    assert "What would break there is not known: the log there does not tell all." in shown(
        as_steward.get(url)
    )

    logged(credential.identity.system)

    assert "Nothing seen in 90 days would have failed without them." in shown(as_steward.get(url))


def test_past_so_many_calls_of_a_system_it_says_more_than(as_steward, monkeypatch):
    monkeypatch.setattr(breaking, "MOST_OF_MANY", 3)
    one = CredentialFactory()
    for number in range(5):
        called(one, f"customers:Read{number}")

    page = shown(as_steward.get(reverse("remediation:credentials_end")))

    assert "more than 3 calls</a> in 90 days" in page


def test_it_asks_as_much_for_one_as_for_many(steward, agent):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            tree_of(agent, Person(steward))
            choice_of(Credential.objects.standing(), Person(steward), "")
        return len(queries)

    def used(trace, *, beside=0):
        key = key_of(agent)
        CredentialFactory.create_batch(beside, identity=key.identity)
        ran(AgentFactory(), trace)
        called(key, "customers:Read", trace)

    used(TRACES[0])
    for_one = asked()
    for trace in TRACES[1:]:
        used(trace, beside=20)

    assert asked() == for_one


def test_who_lets_a_held_batch_go_sees_what_would_break(as_steward, agent):
    """Not who asked for it, but the second steward decides."""
    key = key_of(agent)
    CredentialFactory.create_batch(3, identity=key.identity)
    ran(agent, TRACES[0])
    called(key, "customers:Read", TRACES[0])
    batch = credentials_end_many(
        credential_ids=list(Credential.objects.values_list("pk", flat=True)),
        kind=OrderKind.REVOKE,
        reason="Left behind by the old platform.",
        actor=Person(UserFactory(steward=True)),
    )
    assert batch.state == "held"

    page = shown(as_steward.get(batch.get_absolute_url()))

    assert (
        "1 run would have failed without them. More may: there the log does not tell all." in page
    )
    assert Invocation.objects.get().get_absolute_url() in page
