"""Training: one loop, resumable, on one processor or many, with nothing tuned on held-out groups.

``config`` says what a run is, ``sides`` who learns and who is measured, ``views`` what is shown,
``loss`` what is weighed, ``checkpoint`` what survives a kill, ``loop`` runs it.
"""

from deeppcos.learning.train.config import TrainConfig
from deeppcos.learning.train.loop import train
from deeppcos.learning.train.sides import FOLDS, HELD_OUT_FOLD, SPLIT_SALT, Split, split_samples

__all__ = [
    "FOLDS",
    "HELD_OUT_FOLD",
    "SPLIT_SALT",
    "Split",
    "TrainConfig",
    "split_samples",
    "train",
]
