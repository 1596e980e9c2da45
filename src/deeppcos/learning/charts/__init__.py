"""Pictures of what was measured, drawn from the plain numbers of a manifest and nothing else.

One file a kind of picture, one shared style. ``draw_all`` draws what the numbers allow.
"""

from deeppcos.learning.charts.gallery import CHARTS, Chart, draw_all, drawable

__all__ = ["CHARTS", "Chart", "draw_all", "drawable"]
