"""DeepPCOS reads ovarian ultrasound and a chart, and answers published criteria with reasons.

Research use. Not a medical device.

Examples:
    >>> import deeppcos
    >>> record = deeppcos.assess_chart('{"schema": "deeppcos.chart/1"}')
    >>> record.conclusion.status
    'indeterminate'
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeppcos.app.workflow import analyze, assess_chart

__all__ = ["__version__", "analyze", "assess_chart"]


def __getattr__(name: str) -> Any:
    """Load the doors when they are first asked for, so that importing stays instant."""
    if name in ("analyze", "assess_chart"):
        from deeppcos.app import workflow

        return getattr(workflow, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("deeppcos")
    raise AttributeError(f"module 'deeppcos' has no attribute {name!r}")
