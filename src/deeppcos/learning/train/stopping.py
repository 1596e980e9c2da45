"""When to stop early: the validation fold has not improved for a while.

Owns the rule and its memory, which travels in the checkpoint so that a resumed run stops where
an unbroken one would. The fold is one of the training groups, never the held-out one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What is remembered between two looks at the validation fold.

    Attributes:
        best: Lowest validation loss so far; None before the first look.
        best_step: Step it was reached at.
        waited: Looks since then.
    """

    best: float | None = None
    best_step: int = 0
    waited: int = 0

    def after(self, loss: float, *, step: int) -> "Stopping":
        """The memory after another look.

        Examples:
            >>> first = Stopping().after(2.0, step=100)
            >>> first.after(2.5, step=200)
            Stopping(best=2.0, best_step=100, waited=1)
        """
        if self.best is None or loss < self.best:
            return Stopping(best=loss, best_step=step, waited=0)
        return Stopping(best=self.best, best_step=self.best_step, waited=self.waited + 1)
