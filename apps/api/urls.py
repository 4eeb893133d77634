"""The API, its description, and the two addresses of allauth's provider that machines need.

The provider's others (authorization, device, user info, registration, discovery, keys, logout)
have no address here: nobody signs in to something else with Countersign.
"""

import re
from collections.abc import Iterator

from django.urls import URLPattern, path

from apps.api.base import api
from apps.api.document import PREFIX
from apps.api.doors import door
from apps.api.views import docs, tokens


def _operations() -> Iterator[URLPattern]:
    """One pattern for each address, with what stands before its operations."""
    for router in api._get_bound_routers():
        for route, view in router.path_operations.items():
            names = {operation.url_name for operation in view.operations}
            (name,) = names
            address = re.sub(r"{(\w+)}", r"<str:\1>", route.lstrip("/"))
            yield path(f"{PREFIX}/{address}", door(view.operations, view.get_view()), name=name)


app_name = "api"
urlpatterns = [
    path("api/docs", docs.docs, name="docs"),
    path("api/openapi.json", docs.openapi, name="openapi"),
    path("identity/o/api/token", tokens.token, name="token"),
    path("identity/o/api/revoke", tokens.revoke, name="revoke"),
    *_operations(),
]
