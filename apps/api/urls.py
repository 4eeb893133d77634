"""The API, its description, and the two addresses of allauth's provider that machines need.

The provider's others (authorization, device, user info, registration, discovery, keys, logout)
have no address here: nobody signs in to something else with Countersign.
"""

from collections.abc import Iterator

from django.urls import URLPattern, path

from apps.api.document import PREFIX
from apps.api.doors import door
from apps.api.views import docs, tokens
from apps.api.views.operations import api


def _operations() -> Iterator[URLPattern]:
    """One pattern for each address, with what stands before its operations."""
    for router in api._get_bound_routers():
        for route, view in router.path_operations.items():
            names = {operation.url_name for operation in view.operations}
            (name,) = names
            address = route.lstrip("/").replace("{request_id}", "<str:request_id>")
            yield path(f"{PREFIX}/{address}", door(view.operations, view.get_view()), name=name)


app_name = "api"
urlpatterns = [
    path("api/docs", docs.docs, name="docs"),
    path("api/openapi.json", docs.openapi, name="openapi"),
    path("identity/o/api/token", tokens.token, name="token"),
    path("identity/o/api/revoke", tokens.revoke, name="revoke"),
    *_operations(),
]
