import factory

from apps.findings.models import Finding
from apps.findings.states import Severity
from tests.factories.inventory import AgentFactory


class FindingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Finding

    rule = "agent-without-owner"
    subject_type = "inventory.agent"
    subject_id = factory.SelfAttribute("agent.pk")
    subject_label = factory.SelfAttribute("agent.name")
    agent = factory.SubFactory(AgentFactory)
    severity = Severity.HIGH
    severity_rank = 2
