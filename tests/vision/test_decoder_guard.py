import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from deeppcos.errors import InvalidInput, NotAssessable
from deeppcos.vision.decoder_guard import guarded, guarded_items


def test_any_exception_becomes_one_line_that_names_the_file() -> None:
    with (
        pytest.raises(InvalidInput) as refusal,
        guarded("scan.png", problem="cannot be decoded", remedy="export it again"),
    ):
        raise RecursionError("deep\n  inside")
    assert str(refusal.value) == "scan.png: cannot be decoded; got deep inside; export it again"


def test_our_own_errors_pass_unchanged() -> None:
    ours = NotAssessable("a black frame")
    with pytest.raises(NotAssessable) as passed, guarded("a.png", problem="x", remedy="y"):
        raise ours
    assert passed.value is ours


def test_warnings_stay_inside() -> None:
    with guarded("a.png", problem="x", remedy="y"):
        warnings.warn("decoder chatter", stacklevel=1)
    with pytest.warns(UserWarning, match="outside"):
        warnings.warn("outside", stacklevel=1)


def test_what_c_code_writes_is_dropped_and_our_own_text_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    os.write(2, b"before ")
    with guarded("a.png", problem="x", remedy="y"):
        os.write(2, b"chatter ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_the_terminal_comes_back_after_overlapping_decoders(
    capfd: pytest.CaptureFixture[str],
) -> None:
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with guarded("a.png", problem="x", remedy="y"):
            first_in.set()
            second_in.wait(10)
        first_out.set()

    def second() -> None:
        first_in.wait(10)
        with guarded("b.png", problem="x", remedy="y"):
            second_in.set()
            first_out.wait(10)
            os.write(2, b"chatter")

    threads = [threading.Thread(target=task) for task in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_a_closed_error_stream_is_no_obstacle() -> None:
    program = (
        "import os; os.close(2)\n"
        "from deeppcos.vision.decoder_guard import guarded\n"
        "with guarded('a', problem='b', remedy='c'): pass\n"
        "print('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, encoding="utf-8"
    )
    assert done.stdout == "done\n"


def test_items_are_guarded_one_by_one_and_the_terminal_is_free_between_them(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def decoder() -> Iterator[int]:
        os.write(2, b"chatter")
        yield 1
        raise ValueError("broken")

    items = guarded_items(decoder(), "a.avi", problem="cannot be decoded", remedy="again")
    assert next(items) == 1
    os.write(2, b"free")
    with pytest.raises(InvalidInput, match=r"a\.avi: cannot be decoded; got broken; again"):
        next(items)
    assert capfd.readouterr().err == "free"
