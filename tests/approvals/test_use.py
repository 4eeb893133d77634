"""What a request shows of how that which is asked for is used."""

import pytest
from django.utils import timezone

from apps.activity.services.measuring import use_measure
from apps.grants.models import Grant
from tests.activity.use import granted, logged, used
from tests.factories.inventory import BindingFactory, IdentityFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_person(client):
    def signed_in(person):
        sign_in(client, person)
        return client

    return signed_in


def shown(client, request):
    return " ".join(client.get(request.get_absolute_url()).text.split())


def test_a_request_for_what_is_held_shows_its_own_use(company, policy, as_person):
    request = company.place()
    logged(company.identity.system)
    used(company.identity, company.write.key, 8)
    use_measure()

    page = shown(as_person(company.manager), request)

    assert "How it is used" in page
    assert "Used 8 times in 13 weeks" in page
    assert "The log is complete over the 90 days" in page


def test_a_request_for_something_new_shows_the_use_of_what_is_like_it(company, policy, as_person):
    granted(company.identity, "customers:Get", service="customers")
    used(company.identity, "customers:Get", 5)
    use_measure()
    request = company.submit()

    page = shown(as_person(company.manager), request)

    assert "How it uses what it has of this kind" in page
    assert "Used 5 times in 13 weeks" in page


def test_another_agents_use_is_not_shown(company, policy, as_person):
    stranger = IdentityFactory(system=company.identity.system)
    BindingFactory(identity=stranger)
    granted(stranger, "customers:Get", service="customers")
    used(stranger, "customers:Get", 5)
    use_measure()
    request = company.submit()

    page = shown(as_person(company.manager), request)

    assert "holds nothing of customers yet, so there is no use to look at." in page


def test_what_only_its_source_tells_is_said_to_come_from_there(company, policy, as_person):
    request = company.place()
    Grant.objects.filter(pk=request.grant_id).update(use_is_known=True)

    page = shown(as_person(company.manager), request)

    assert "as its source tells." in page
    assert "No log of the system is connected" in page


def test_an_approver_reads_what_else_covers_it_as_far_as_the_page_names_it(
    company, policy, as_person
):
    """Security judges requests of agents that are not theirs; the page names what such an agent
    holds on the system asked for."""
    request = company.place()
    other = granted(company.identity, "customers:*", level="admin", label="the other one")
    logged(company.identity.system)
    used(company.identity, company.write.key, 8)
    use_measure()

    to_security = shown(as_person(company.security), request)

    assert f"also covered by {other.label}." in to_security


def test_what_the_page_of_a_request_does_not_name_is_counted(company, policy, as_person):
    request = company.place()
    granted(company.identity, "customers:*", level="admin", label="the other one")
    used(company.identity, company.write.key, 8)
    use_measure()
    company.agent.bindings.update(ended_at=timezone.now())

    to_security = shown(as_person(company.security), request)

    assert "also covered by 1 grant you may not see." in to_security
    assert "the other one" not in to_security
