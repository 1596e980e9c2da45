"""The classification networks people expect, to compare with, under one honest evaluation.

None of them ships: a class is no measurement, and cannot be checked by the person who reads it.
``examples`` says what is told apart, ``comparators`` by what, ``folds`` on which patients,
``comparison`` runs it. What the common split hides is shown beside the grouped one.
"""

from deeppcos.learning.classify.comparators import COMPARATORS, Comparator
from deeppcos.learning.classify.comparison import Comparison, Plan, as_document, compare
from deeppcos.learning.classify.examples import Example, examples_from_folders, lesion_examples
from deeppcos.learning.classify.files import comparison_lines, write_comparison

__all__ = [
    "COMPARATORS",
    "Comparator",
    "Comparison",
    "Example",
    "Plan",
    "as_document",
    "compare",
    "comparison_lines",
    "examples_from_folders",
    "lesion_examples",
    "write_comparison",
]
