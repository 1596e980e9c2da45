"""What a blinded second reader is not told before she has finished.

Owns the refusal; who is blinded is known to ``viewer.reading``.
"""

from deeppcos.app.web.models import Study, User
from deeppcos.app.web.viewer.reading import open_blinded_reading
from deeppcos.errors import InvalidInput


def refuse_blinded(study: Study, user: User) -> None:
    """Refuse what machine or other readers say to somebody who reads blinded.

    Raises:
        InvalidInput: If her second reading of the study is open.
    """
    if open_blinded_reading(study, user) is not None:
        raise InvalidInput(
            "you have a blinded second reading of this study open",
            remedy="finish it first; then you may see what machine and others say",
        )
