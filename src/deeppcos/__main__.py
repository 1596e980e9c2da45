"""``python -m deeppcos`` and the ``deeppcos`` command."""

import sys


def main() -> None:
    """Run the command line; the version needs no other import."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"deeppcos {version('deeppcos')}\n")
        return
    from deeppcos.app.cli import app

    app(prog_name="deeppcos")


if __name__ == "__main__":
    main()
