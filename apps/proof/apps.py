from django.apps import AppConfig


class ProofConfig(AppConfig):
    name = "apps.proof"
    label = "proof"
