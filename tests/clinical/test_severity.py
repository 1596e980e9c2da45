from deeppcos.clinical.severity import SEVERITY_NOTICE, Axis, Severity, axis, not_graded


def graded(letter: str, grade: int, **more: object) -> Axis:
    reaches = more.get("reaches")
    return axis(
        letter,
        bound=grade,
        coverage=float(str(more.get("coverage", 1.0))),
        drivers=[],
        missing=[],
        reaches=reaches if isinstance(reaches, tuple) else None,
    )


def test_under_half_of_the_inputs_there_is_a_bound_and_no_grade() -> None:
    assert graded("B", 1, coverage=0.49).grade is None
    assert graded("B", 1, coverage=0.49).lower_bound == 1
    assert graded("B", 1, coverage=0.5).grade == 1
    assert graded("B", 1, coverage=0.51).grade == 1


def test_nothing_known_has_no_bound_either() -> None:
    empty = axis("B", bound=None, coverage=0, drivers=[], missing=["x"])
    assert (empty.grade, empty.lower_bound, empty.confidence) == (None, None, "none")


def test_an_interval_across_a_boundary_prints_both_grades() -> None:
    between = graded("M", 1, reaches=(0, 2))
    assert between.borderline == (0, 1, 2)
    assert between.lower_bound == 0
    assert between.confidence == "borderline"
    assert "grades 0 to 2" in between.drivers[-1]
    assert graded("M", 1, reaches=(1, 1)).borderline == ()


def test_the_profile_shows_four_axes_and_never_a_total() -> None:
    severity = Severity(
        reproductive=graded("R", 2),
        morphology=graded("M", 1, reaches=(1, 2)),
        androgen=graded("H", 1),
        metabolic=graded("B", 1, coverage=0.75),
    )
    assert severity.profile("A") == "A · R2 M1-2 H1 B≥1"
    assert severity.highest == "highest axis = moderate (R)"
    assert severity.notice == SEVERITY_NOTICE
    assert "not outcome-validated" in SEVERITY_NOTICE


def test_an_axis_that_does_not_apply_says_why() -> None:
    closed = not_graded("M", "pregnant")
    assert closed.label == "M?"
    assert closed.not_graded_because == "pregnant"
