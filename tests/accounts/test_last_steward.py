"""Two stewards who demote each other at the same moment: one of them stays."""

from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from apps.accounts.models import User
from apps.accounts.services import people
from apps.core.actors import Person, Role
from tests.factories.accounts import UserFactory


@pytest.mark.django_db(transaction=True)
def test_two_stewards_who_demote_each_other_leave_one():
    first, second = UserFactory.create_batch(2, steward=True)
    together = Barrier(2)
    outcomes = []

    def demote(actor, person):
        together.wait()
        try:
            people.person_change_role(
                person_id=person.pk, role=Role.REVIEWER, reason="Race", actor=Person(actor)
            )
            outcomes.append("changed")
        except PermissionDenied as refusal:
            outcomes.append(str(refusal))
        finally:
            connection.close()

    threads = [Thread(target=demote, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert User.objects.with_role(Role.STEWARD).count() == 1
    assert sorted(outcomes)[1] == "changed"
    assert len(outcomes) == 2
