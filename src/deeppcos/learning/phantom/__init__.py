"""Synthetic ovaries with exact truth: for tests, training and the ready example.

Not evidence of clinical accuracy: see ``docs/phantom.md``. Needs numpy and OpenCV only.
"""

from deeppcos.learning.phantom.anatomy import (
    CorpusLuteum,
    PhantomFollicle,
    PhantomOvary,
)
from deeppcos.learning.phantom.growth import Layout, random_ovary, varied_ovary
from deeppcos.learning.phantom.overlay import BurnedIn, Caliper, Ruler, burn_in, ovary_calipers
from deeppcos.learning.phantom.probe import Plane, ProbeSettings, Route, Viewport
from deeppcos.learning.phantom.scene import SceneMix, random_scene
from deeppcos.learning.phantom.section import (
    PhantomSection,
    draw_section,
    fitting_viewport,
)
from deeppcos.learning.phantom.surroundings import Organ, Structure
from deeppcos.learning.phantom.sweep import (
    PhantomSweep,
    PhantomVolume,
    SweepKind,
    draw_sweep,
    draw_volume,
)
from deeppcos.learning.phantom.truth import SectionFollicle

__all__ = [
    "BurnedIn",
    "Caliper",
    "CorpusLuteum",
    "Layout",
    "Organ",
    "PhantomFollicle",
    "PhantomOvary",
    "PhantomSection",
    "PhantomSweep",
    "PhantomVolume",
    "Plane",
    "ProbeSettings",
    "Route",
    "Ruler",
    "SceneMix",
    "SectionFollicle",
    "Structure",
    "SweepKind",
    "Viewport",
    "burn_in",
    "draw_section",
    "draw_sweep",
    "draw_volume",
    "fitting_viewport",
    "ovary_calipers",
    "random_ovary",
    "random_scene",
    "varied_ovary",
]
