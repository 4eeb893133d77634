"""A person ends what an agent was issued, and the agent's next call is refused."""

import pytest
from playwright.sync_api import expect

from tests.e2e.people import person
from tests.issuing.conftest import house, vault

__all__ = ["house", "vault"]

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_token_is_ended_from_the_page_of_its_agent(house, arrive):
    answer = house.ask_token()
    assert house.works(answer)
    steward = arrive(person("Issue steward", role="steward"))
    page = steward.page

    steward.open(house.agent.get_absolute_url())
    panel = page.locator("#agent-issued")
    expect(panel.get_by_text("1 may still work.")).to_be_visible()
    panel.get_by_role("link", name="token as crm").click()
    expect(page.locator("#issuance-summary")).to_contain_text("Its accessor is revoked")
    steward.look()
    steward.act("End it now…", "End it now", **{"Why it is ended": "The run is over."})

    expect(page.get_by_text("It no longer works.")).to_be_visible()
    expect(page.locator("#issuance-history")).to_contain_text("The run is over.")
    assert not house.works(answer)
    assert answer.json()["secret"]["token"] not in page.content()
