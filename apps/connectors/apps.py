from collections.abc import Collection

from django.apps import AppConfig

from apps.activity.named import actions_register
from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND, catalogue


class ConnectorsConfig(AppConfig):
    name = "apps.connectors"
    label = "connectors"

    def ready(self) -> None:
        actions_register(SYSTEM_KIND, _aws_actions)


def _aws_actions() -> Collection[str]:
    return catalogue().names
