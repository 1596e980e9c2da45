"""Kinds of values that calls send: bounded, so that no data base is asked for what it cannot hold.

Owns nothing else.
"""

from typing import Annotated

from pydantic import Field

LARGEST_NUMBER = 2**31 - 1

Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
"""A number of an assessment or a report."""

Count = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
"""A version, or a frame numbered from 0."""

NO_NUL = r"^[^\x00]*$"

Line = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
"""A line of text."""

Remark = Annotated[str, Field(max_length=4000, pattern=NO_NUL)]
"""Text somebody wrote."""
