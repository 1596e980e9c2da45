"""The API put together: its routers, its guard and its OpenAPI document.

Owns nothing of what a call does. To add one: a function in its router; the document under
``docs/schemas`` is written anew by ``python -m deeppcos.app.web.api.openapi``.
"""

from ninja import NinjaAPI, Swagger

from deeppcos.app.web.api import (
    assessments,
    charts,
    files,
    looking,
    marks,
    patients,
    reports,
    studies,
    trail,
)
from deeppcos.app.web.api.bearer import PerToken, TokenBearer
from deeppcos.app.web.api.problems import answer_problems

DESCRIPTION = """\
Everything the pages do, for programs. Research use; not a medical device.

Every call but `/health` needs `Authorization: Bearer TOKEN`. A token is made by a person on the
page of her account, acts as her at one site, and has scopes. Errors always have the same shape,
`problem` with four parts. Lists come in pages: send `next` as `cursor`. See `docs/api.md`.
"""

api = NinjaAPI(
    title="DeepPCOS",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    auth=TokenBearer(),
    throttle=[PerToken()],
    docs=Swagger(settings={"persistAuthorization": False, "tryItOutEnabled": False}),
)
for part in (studies, files, charts, assessments, marks, looking, reports, patients, trail):
    api.add_router("", part.router)
answer_problems(api)
