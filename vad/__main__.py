"""`python -m vad`: the command line, where no script called `vad` is on the path."""

from vad.cli import main  # type: ignore[import-not-found]  # the folder `cli`

if __name__ == "__main__":
    main(prog_name="python -m vad")
