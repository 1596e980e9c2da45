"""``python -m deeppcos.app.web.api.openapi FILE`` writes the published OpenAPI document.

Owns how it is written down; what stands in it comes from the calls.
"""

import json
import sys
from pathlib import Path


def openapi_text() -> str:
    """The OpenAPI document as it is published."""
    from deeppcos.app.web.api.service import api

    document = api.get_openapi_schema(path_prefix="/api/v1/")
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


if __name__ == "__main__":
    from deeppcos.app.web.preparing import set_up_django

    set_up_django()
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
