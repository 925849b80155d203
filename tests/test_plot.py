"""`vad plot`: pictures show what is found, at any length, and say in one line what they cannot show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from conftest import DOUBLE, RATE, Write, bursts, invoke
from vad import Detector, Segment
from vad.audio.decode import from_array, open_sound
from vad.cli.command import command
from vad.extras import install_command
from vad.plotting.downsample import Overview, ViewContent, load_views
from vad.plotting.drawing import PlotSettings, draw, tick
from vad.plotting.style import DETECTED, FALSE_ALARM, MISSED, REFERENCE, save, style


def plot(*arguments: object, status: int | None = 0, stdin: bytes = b"") -> Result:
    """`vad plot` with the model double."""
    return invoke("plot", *DOUBLE, *arguments, status=status, stdin=stdin)


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with style():
        yield


def drawn(detector: Detector, samples: np.ndarray, channel: Any = "mix", **look: Any) -> Figure:
    views = load_views(
        detector, from_array(samples, RATE), detector.settings(), channel, ViewContent(look.get("span", (0, 1e9)))
    )
    return draw(views, PlotSettings("a.wav", detector.settings(), detector.description.features, **look))


def bars(axes: Axes) -> list[tuple[float, float]]:
    """Start and end of the bars in a track."""
    extents = [path.get_extents() for path in axes.collections[0].get_paths()]
    return [(round(box.x0, 3), round(box.x1, 3)) for box in extents]


def tracks(figure: Figure) -> dict[str, tuple[str, list[tuple[float, float]]]]:
    """The colour and bars of each named track."""
    named = [(a.get_yticklabels()[0].get_text(), a) for a in figure.axes if len(a.get_yticks()) == 1]
    return {name: (to_hex(a.collections[0].get_facecolor()[0]).upper(), bars(a)) for name, a in named}


class TestOverview:
    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 30), st.integers(0, 120))
    def test_bins_are_the_largest_of_their_items_however_they_arrive(
        self, sizes: list[int], first: int, length: int
    ) -> None:
        items = np.random.default_rng(0).normal(size=(sum(sizes), 2)).astype(np.float32)
        overview = Overview(8, 2, 1.0, (first, first + length))
        for piece in np.split(items, np.cumsum(sizes)):
            overview.push(piece)
        shown = items[first : first + length]
        assert overview.factor == 1 or len(shown) / overview.factor > 4
        edges, bins = overview.between(0, len(items) + 1)
        assert len(bins) <= 8
        for start, end, best in zip(edges[:-1], edges[1:], bins, strict=True):
            np.testing.assert_array_equal(items[int(start) : min(int(end), first + length)].max(0), best)
        assert len(bins) * overview.factor >= len(shown)

    def test_memory_does_not_grow_with_the_recording(self, energy: Detector) -> None:
        sound = from_array(np.tile(bursts((1, 2), seconds=3), 40), RATE)
        (one,) = load_views(energy, sound, energy.settings(), content=ViewContent(spectrum=True))
        assert one.sound.factor > 16
        assert len(one.sound.between(0, 120)[1]) <= 1 << 16
        assert one.spectrum and one.spectrum.between(0, 120)[1].shape == (12_000, 64)


class TestDrawing:
    def test_segments_reference_and_errors_are_bars_in_their_colours(self, energy: Detector) -> None:
        figure = drawn(energy, bursts((1, 2), (3, 4), seconds=5), references=[[Segment(1.5, 2.5)]])
        assert tracks(figure) == {
            "detected": (DETECTED, [(0.99, 2.01), (2.99, 4.01)]),
            "reference": (REFERENCE, [(1.5, 2.5)]),
            "missed": (MISSED, [(2.01, 2.5)]),
            "false alarm": (FALSE_ALARM, [(0.99, 1.5), (2.99, 4.01)]),
        }

    def test_without_a_reference_there_is_what_was_found_alone(self, energy: Detector) -> None:
        assert list(tracks(drawn(energy, bursts((1, 2), seconds=3)))) == ["detected"]

    def test_the_lines_are_sound_and_scores_at_their_times(self, energy: Detector) -> None:
        samples = bursts((0.01, 0.02), seconds=0.05)
        sound, _, scores = drawn(energy, samples).axes
        np.testing.assert_allclose(sound.lines[0].get_ydata(), samples, atol=1e-6)
        np.testing.assert_allclose(sound.lines[0].get_xdata(), (np.arange(800) + 0.5) / RATE, atol=1e-6)
        np.testing.assert_allclose(scores.lines[0].get_xdata(), [0.005, 0.015, 0.025, 0.035, 0.045], atol=1e-6)
        assert list(scores.lines[0].get_ydata()) == list(energy.scores(samples, sample_rate=RATE))
        assert [line.get_ydata()[0] for line in scores.lines[1:]] == [
            energy.settings().onset,
            energy.settings().offset,
        ]

    def test_a_long_recording_has_rows_of_round_times(self, energy: Detector) -> None:
        figure = drawn(energy, np.zeros(RATE * 150, np.float32))
        assert [a.get_xlim() for a in figure.axes[2::3]] == [(0, 60), (60, 120), (120, 180)]
        assert {"1:05", "1:10"} < {t.get_text() for t in figure.axes[5].get_xticklabels()}

    def test_a_span_shows_the_scores_of_the_whole_recording(self, energy: Detector) -> None:
        samples = bursts((1, 2), seconds=3)
        scores = drawn(energy, samples, span=(1.5, 2.5)).axes[2]
        assert scores.get_xlim() == (1.5, 2.5)
        assert list(scores.lines[0].get_ydata()) == list(energy.scores(samples, sample_rate=RATE)[150:250])

    def test_nothing_is_drawn_after_the_end_of_the_span(self, energy: Detector) -> None:
        samples = bursts((0.2, 1.9), seconds=2)
        figure = drawn(energy, samples, span=(0, 1.5), row=1.0, references=[[Segment(1.2, 1.8)]])
        lower = figure.axes[6:]
        assert lower[-1].lines[0].get_xdata()[-1] < 1.5
        assert {end for axes in lower[1:5] for _, end in bars(axes)} <= {1.2, 1.5}

    @pytest.mark.parametrize("span", [(0.5001, 0.50012), (0.5, 0.503), (0.999, 5)])
    def test_the_shortest_span_shows_something(self, energy: Detector, span: tuple[float, float]) -> None:
        views = load_views(
            energy, from_array(bursts((0, 1), seconds=1), RATE), energy.settings(), content=ViewContent(span, True)
        )
        look = PlotSettings("$x$", energy.settings(), energy.description.features, span)
        assert draw(views, look).axes[0].collections[0].get_array().size >= 64
        assert len(views[0].sound.between(*span)[1]) >= 1

    def test_channels_stand_one_under_the_other(self, energy: Detector) -> None:
        both = np.stack([bursts((0.5, 1), seconds=3), bursts((2, 2.5), seconds=3)], 1)
        axes = drawn(energy, both, "each").axes
        assert [bars(a) for a in axes[1::3]] == [[(0.49, 1.01)], [(1.99, 2.51)]]
        assert [a.get_title(loc="left") for a in axes[::3]] == ["channel 1", "channel 2"]

    def test_silence_and_hardly_any_sound_are_drawn(self, energy: Detector) -> None:
        for samples in (np.zeros(RATE, np.float32), np.zeros(40, np.float32)):
            assert len(drawn(energy, samples).axes) == 3

    def test_a_spectrum_shows_a_tone_at_its_frequency(self, energy: Detector) -> None:
        views = load_views(
            energy, from_array(bursts((0, 1), seconds=1), RATE), energy.settings(), content=ViewContent(spectrum=True)
        )
        axes = draw(views, PlotSettings("", energy.settings(), energy.description.features)).axes[0]
        mesh = axes.collections[0]
        loudest = np.asarray(mesh.get_array()).reshape(64, -1)[:, 50].argmax()
        low, high = mesh.get_coordinates()[loudest : loudest + 2, 0, 1]
        assert low < 1000 < high

    @pytest.mark.parametrize(
        ("seconds", "last", "shown"),
        [(0.25, 1, "0.25 s"), (75, 90, "1:15"), (75, 4000, "0:01:15"), (3725.5, 4000, "1:02:05.5"), (60, 90, "1:00")],
    )
    def test_times_are_as_short_as_the_recording_allows(self, seconds: float, last: float, shown: str) -> None:
        assert tick(seconds, last) == shown

    @pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
    def test_the_same_picture_is_the_same_bytes(self, energy: Detector, tmp_path: Path, kind: str) -> None:
        for name in ("a", "b"):
            save(drawn(energy, bursts((1, 2), seconds=3)), tmp_path / f"{name}.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


class TestCommand:
    @pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
    def test_the_extension_says_the_kind_of_picture(
        self, write_bursts: Write, tmp_path: Path, name: str, magic: bytes
    ) -> None:
        result = plot(write_bursts("a.wav", (1, 2)), "-o", tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)
        assert result.stdout == result.stderr == ""

    def test_a_pipe_in_and_a_pipe_out(self, write_bursts: Write, talk: Path) -> None:
        sound = write_bursts("a.wav", (1, 2))
        assert plot("-", "-o", "-", stdin=sound.read_bytes()).stdout_bytes.startswith(b"\x89PNG")

    def test_labels_are_found_in_a_folder_and_by_channel(self, tmp_path: Path) -> None:
        both = np.stack([bursts((0.5, 1), seconds=3), bursts((2, 2.5), seconds=3)], 1)
        soundfile.write(tmp_path / "call.wav", both, RATE)
        lines = "channel,start,end\n1,0.5,1.0\n2,2.0,2.5\n"
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels" / "call.csv").write_text(lines)
        plot(tmp_path / "call.wav", "--labels", tmp_path / "labels", "--channel", "each", "-o", tmp_path / "a.svg")
        colours = (tmp_path / "a.svg").read_text().lower()
        assert MISSED.lower() not in colours
        assert REFERENCE.lower() in colours

    def test_labels_past_the_end_are_named(self, write_bursts: Write, tmp_path: Path) -> None:
        (tmp_path / "other.csv").write_text("start,end\n0.5,1.0\n60,61\n")
        sound = write_bursts("a.wav", (1, 2))
        said = plot(sound, "--labels", tmp_path / "other.csv", "-o", tmp_path / "a.svg").stderr
        assert "a.wav: labels reach to 61.00 s, past the end" in said

    def test_a_part_by_the_clock(self, write_bursts: Write, tmp_path: Path) -> None:
        plot(write_bursts("a.wav", seconds=70), "--from", "1:05.5", "--to", "68", "-o", tmp_path / "a.svg")
        assert "<!-- 1:06 -->" in (tmp_path / "a.svg").read_text()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["-o", "a.gif"], "a.gif: pictures are written as .png, .svg, .pdf"),
            (["--from", "4"], "lasts 3 s, less than the start at 4 s"),
            (["--from", "2", "--to", "1"], "--to must come after --from"),
            (["--from", "soon"], "'soon' is not a time"),
            (["--row", "0.01"], "a picture of 300 panels"),
            (["--labels", "nowhere"], "nowhere: does not exist"),
            (["--channel", "3"], "no channel 3"),
            (["--onset", "2"], "scores go from 0 to 1"),
        ],
    )
    def test_what_cannot_be_drawn_is_said_and_nothing_is_written(
        self, write_bursts: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = plot(write_bursts("a.wav"), "-o", "a.png", *arguments, status=None)
        assert result.exit_code in (1, 2)
        assert said in result.stderr
        assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]

    def test_an_empty_recording_is_a_failed_input(self, write_bursts: Write, tmp_path: Path) -> None:
        path = write_bursts("none.wav", seconds=0)
        assert plot(path, "-o", tmp_path / "a.png", status=1).stderr == f"Error: {path}: holds no sound\n"

    def test_without_a_screen_there_is_no_window(self, write_bursts: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MPLBACKEND", "agg")
        assert (
            "no window can be opened here (matplotlib's backend agg has none); name a picture"
            in plot(write_bursts("a.wav"), status=1).stderr
        )

    def test_without_an_output_there_is_a_window(self, write_bursts: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        figure, shown = Figure(), []
        monkeypatch.setattr("vad.plotting.style.window", lambda: figure)
        monkeypatch.setattr("vad.plotting.style.show", lambda: shown.append(len(figure.axes)))
        plot(write_bursts("a.wav", (1, 2)))
        assert shown == [3]

    def test_the_picture_is_opened_where_asked(
        self, write_bursts: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr("click.launch", lambda path: opened.append(path) or 0)
        sound = write_bursts("a.wav", (1, 2))
        plot(sound, "-o", tmp_path / "a.png", "--open")
        assert opened == [str(tmp_path / "a.png")]
        assert "without -o there is a window" in plot(sound, "--open", status=2).stderr

    def test_without_the_extra_one_line_says_how_to_get_it(self, write_bursts: Write) -> None:
        code = (
            "import sys; sys.modules['matplotlib'] = None\n"
            f"from vad.cli import main\nmain(['plot', {str(write_bursts('a.wav'))!r}, '-o', 'a.png'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == f"Error: needs matplotlib; {install_command('plot')}\n"

    def test_a_package_that_cannot_be_loaded_says_why(self) -> None:
        @command(extra="plot")
        def broken() -> None:
            raise ImportError("libfreetype.so.6:\n no such file")

        done = CliRunner().invoke(broken)
        assert done.exit_code == 1
        assert done.stderr == f"Error: libfreetype.so.6: no such file; {install_command('plot')}\n"

    def test_ctrl_c_while_packages_are_loaded_is_no_missing_package(self) -> None:
        @command(extra="plot")
        def interrupted() -> None:
            raise ImportError("core failed to load") from KeyboardInterrupt()

        with pytest.raises(click.Abort):
            CliRunner().invoke(interrupted, standalone_mode=False, catch_exceptions=False)

    def test_real_speech_is_drawn_with_its_labels(self, talk: Path, tmp_path: Path) -> None:
        detector = Detector()
        (one,) = load_views(detector, open_sound(talk), detector.settings())
        assert one.detection.segments == detector.detect(talk)
        invoke("plot", talk, "--labels", talk.parent, "-o", tmp_path / "a.png")
        assert (tmp_path / "a.png").stat().st_size > 20_000
