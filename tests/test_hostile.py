"""Malicious input: a test for each kind that fuzzing and review have found; `tests/fuzz` looks for more."""

from __future__ import annotations

import http.server
import io
import json
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile

from conftest import DOUBLE, ENERGY, RATE, SEGMENT_OF_SOUND, SOUND, bursts, invoke, run, write_causal
from vad import AudioError, Detector, ModelError, SettingError
from vad.audio.decode import AudioWarning, open_sound
from vad.batch.inputs import Input
from vad.batch.naming import name_output
from vad.live.recorder import UtteranceRecorder
from vad.model.onnxfile import check_graph, with_metadata
from vad.segments import Segment
from vad.settings import Raw


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server on this machine: its address, and the paths that were requested."""
    requested: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requested
        server.shutdown()


class TestSound:
    @pytest.mark.parametrize("name", ["list.m3u8", "list.wav"])
    def test_a_playlist_sends_no_request(self, tmp_path: Path, server: tuple[str, list[str]], name: str) -> None:
        address, requested = server
        path = tmp_path / name
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}/a.ts\n#EXT-X-ENDLIST\n")
        with pytest.raises(AudioError, match=name):
            open_sound(path)
        assert not requested

    @pytest.mark.parametrize("pipe", [False, True])
    def test_a_playlist_opens_no_other_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipe: bool) -> None:
        monkeypatch.chdir(tmp_path)
        soundfile.write("secret.wav", SOUND, RATE)
        content = b"ffconcat version 1.0\nfile secret.wav\n"
        Path("list.wav").write_bytes(content)
        with pytest.raises(AudioError):
            open_sound(io.BytesIO(content) if pipe else Path("list.wav"))

    def test_a_session_description_opens_no_port(self, tmp_path: Path) -> None:
        path = tmp_path / "a.sdp"
        path.write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n")
        with pytest.raises(AudioError, match="not a sound file"):
            open_sound(path)

    def test_many_channels_come_from_a_pipe(self) -> None:
        """In a process of its own: where the channels lay in planes, the ninth crashed it."""
        sound = np.tile(SOUND[:, None], 24)
        content = io.BytesIO()
        soundfile.write(content, sound, RATE, format="WAV")
        done = run("detect", *DOUBLE, "-", input=content.getvalue(), text=False)
        assert (done.stdout.decode(), done.stderr) == (SEGMENT_OF_SOUND, b"")

    def test_a_codec_that_does_not_know_its_samples_is_an_error_like_any_other(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, SOUND, RATE)
        content = bytearray(path.read_bytes())
        content[20:24] = b"\1\x20\2\0"
        path.write_bytes(content)
        with pytest.raises(AudioError):
            list(open_sound(path).native_blocks())

    @pytest.mark.parametrize("channels", [1, 2])
    @pytest.mark.parametrize("level", [1e13, 3e38, np.inf, np.nan])
    def test_samples_far_out_of_range_are_silenced(self, energy: Detector, level: float, channels: int) -> None:
        sound = np.tile(bursts((0.2, 0.5), seconds=1)[:, None], channels)
        sound[14_000:15_000] = level
        with pytest.warns(AudioWarning):
            segments = energy.detect(sound, sample_rate=RATE)
        assert segments == [Segment(0.19, 0.51)]

    def test_a_file_of_a_thousand_channels_is_read_in_small_pieces(self, tmp_path: Path) -> None:
        path = tmp_path / "wide.wav"
        soundfile.write(path, np.zeros((2000, 1024)), RATE)
        blocks = list(open_sound(path).native_blocks())
        assert sum(map(len, blocks)) == 2000
        assert max(block.nbytes for block in blocks) < 1 << 23

    def test_raw_samples_have_no_more_channels_than_a_file(self) -> None:
        with pytest.raises(AudioError, match="channels"):
            open_sound(io.BytesIO(b""), Raw(channels=1 << 30))

    def test_mp3_by_another_name_gives_our_warning_alone(self, tmp_path: Path) -> None:
        content = io.BytesIO()
        soundfile.write(content, np.tile(SOUND, 4), RATE, format="MP3")
        path = tmp_path / "a.wav"
        path.write_bytes(content.getvalue()[:3000] + bytes(500) + content.getvalue()[3000:6000])
        done = run("detect", *DOUBLE, path, status=None)
        assert done.returncode in (0, 1)
        assert all(line.startswith((f"Warning: {path}", f"Error: {path}")) for line in done.stderr.splitlines())

    @pytest.mark.parametrize(
        ("extension", "level"),
        [*(("mp3", level) for level in (np.nan, np.inf, 1e10, 1e5)), ("flac", np.nan), ("ogg", np.inf), ("wav", 1e10)],
    )
    def test_no_encoder_gets_samples_that_it_cannot_hold(self, tmp_path: Path, extension: str, level: float) -> None:
        """In a process of its own: the MP3 encoder does not fail, it aborts."""
        sound = np.tile(SOUND, 2).astype("<f4")
        sound[5000] = level
        options = ["-", "--raw", "--dtype", "float32", "-q", "-f", "text"]
        options += ["--save", tmp_path / f"{{number}}.{extension}", "--save-all", tmp_path / f"all.{extension}"]
        done = run("stream", *DOUBLE, *options, input=sound.tobytes(), text=False)
        assert done.stderr == b""
        assert len(done.stdout.splitlines()) == 2
        assert soundfile.info(tmp_path / f"all.{extension}").duration == pytest.approx(2, abs=0.1)
        second = soundfile.info(tmp_path / f"2.{extension}")
        assert second.duration == pytest.approx(1.02, abs=0.1)  # 0.4 s of it before the speech


def field(number: int, content: bytes | int) -> bytes:
    """A field of a Protocol Buffer, with fewer than 128 bytes or below 128."""
    if isinstance(content, int):
        return bytes([number << 3 & 0xFF, content]) if number < 16 else bytes([number << 3 & 0x7F | 0x80, 1, content])
    head = bytes([number << 3 | 2]) if number < 16 else bytes([(number << 3 | 2) & 0x7F | 0x80, number >> 4])
    return head + bytes([len(content)]) + content


def network(*parts: bytes) -> bytes:
    """An ONNX file with these parts in its graph."""
    return field(7, b"".join(parts))


RELU = field(1, field(4, b"Relu"))
LOOP = field(1, field(4, b"Loop"))


def scan(*parts: bytes) -> bytes:
    """A node that does these parts for each piece of its input."""
    return field(1, field(4, b"Scan") + field(5, field(6, b"".join(parts))))


MODELS = {
    "a loop": (network(LOOP), "Loop"),
    "a loop for each piece": (network(scan(LOOP)), "Loop"),
    "a scan in a scan": (network(scan(scan(RELU))), "within"),
    "a scan that hides its name": (
        network(field(1, field(4, b"Scan") + field(4, b"LSTM") + field(5, field(6, LOOP)))),
        "within",
    ),
    "much out of little": (network(field(1, field(4, b"ConstantOfShape"))), "ConstantOfShape"),
    "a custom operator": (network(field(1, field(4, b"Relu") + field(7, b"evil.so"))), "custom"),
    "a graph in a graph": (network(field(1, field(4, b"Relu") + field(5, field(6, b"")))), "within"),
    "another file": (network(RELU, field(5, field(13, field(1, b"location")))), "another file"),
    "another file, by its kind": (network(RELU, field(5, field(14, 1))), "another file"),
    "another file, in a node": (network(field(1, field(5, field(5, field(14, 1))))), "another file"),
    "functions": (network(RELU) + field(25, b""), "more than a network"),
    "a name that is no text": (network(field(1, field(4, b"\xff\xfe"))), "damaged"),
    "an attribute that is no text": (network(field(1, field(4, b"LSTM") + field(5, field(4, b"\xff")))), "damaged"),
    "metadata that is no text": (network(RELU) + field(14, field(1, b"\xff")), "damaged"),
    "a number without end": (b"\xff" * 20, "damaged"),
    "a field that is longer than the file": (b"\x3a\x7f", "damaged"),
    "no graph": (field(1, 8), "damaged"),
}


class TestModels:
    @pytest.mark.parametrize("what", MODELS)
    def test_a_file_of_more_than_weights_never_reaches_the_runtime(self, tmp_path: Path, what: str) -> None:
        content, message = MODELS[what]
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=f"model.onnx: .*{message}"):
            Detector(path)

    @pytest.mark.parametrize(
        "path", [ENERGY, ENERGY.with_name("small.onnx"), Detector().path], ids=lambda path: path.stem
    )
    def test_models_of_the_package_are_accepted(self, path: Path) -> None:
        check_graph(path.read_bytes())

    def test_nothing_about_a_damaged_model_goes_to_standard_output(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(ENERGY.read_bytes().replace(b"energy", b"\xff\xff\xff\xff\xff\xff"))
        done = run("info", path, status=1)
        assert done.stdout == ""
        assert done.stderr == f"Error: {path}: damaged, or not an ONNX file; get the weights again\n"

    @pytest.mark.parametrize(
        "change",
        [
            {"recipe": 5},
            {"recipe": {"network": 5}},
            {"recipe": {"network": {"stride": 0}}},
            {"training": "x"},
            {"training": {"data": [{"hours": 1}]}},
            {"training": {"results": 3}},
        ],
    )
    def test_damaged_metadata_is_one_line(self, tmp_path: Path, change: dict[str, object]) -> None:
        about = json.loads(Detector(ENERGY).description.to_metadata()["vad"]) | change
        path = tmp_path / "model.onnx"
        path.write_bytes(with_metadata(ENERGY.read_bytes(), {"vad": json.dumps(about)}))
        result = invoke("info", path, status=1)
        assert result.stdout == ""
        assert result.stderr.startswith(f"Error: {path}: ") and result.stderr.count("\n") == 1

    @pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000])
    def test_brackets_without_end_are_one_line(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(with_metadata(ENERGY.read_bytes(), {"vad": text}))
        result = invoke("info", path, status=1)
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
        assert "(its metadata is nested too deeply)" in result.stderr

    def test_a_state_of_unknown_size_is_refused(self, tmp_path: Path) -> None:
        path = write_causal(tmp_path / "causal.onnx", delays=3)
        model = onnx.load(path)
        model.graph.input[1].type.tensor_type.shape.dim[1].dim_param = "any"
        onnx.save(model, path)
        with pytest.raises(ModelError, match=r"causal\.onnx: its network does not say how large its state is$"):
            Detector(path)

    def test_the_name_of_a_model_cannot_harm_a_terminal(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(ENERGY.read_bytes().replace(b'"energy"', rb'"\u009b"'))  # begins a sequence, for some of them
        with pytest.raises(ModelError, match="control characters"):
            Detector(path)


class TestNames:
    @pytest.mark.parametrize("name", ["...wav", "{stem}.wav", "{dir}.wav", "-rf.wav", "a\\..\\b.wav", "\x1b[2J.wav"])
    @pytest.mark.parametrize("target", ["out", "out/{stem}.txt", "out/{name}.txt"])
    def test_no_name_leads_out_of_the_folder(self, name: str, target: str) -> None:
        path = name_output(target, Input(f"in/{name}", Path(name)), None, ".txt")
        assert path.parent == Path("out")
        assert path.name not in (".", "..")

    @pytest.mark.parametrize("template", ["{number.__class__}.wav", "{number:{start}}.wav", "{number:>9999999999}.wav"])
    def test_a_template_gives_names_and_runs_nothing(self, template: str) -> None:
        with pytest.raises(SettingError, match="the fields are"):
            UtteranceRecorder(template, RATE)

    def test_no_word_of_a_command_becomes_two(self, tmp_path: Path) -> None:
        """The name of the file has blanks, quotes and what a shell would run."""
        folder = tmp_path / "a b'; touch harmed; '$(touch harmed)"
        script = "import sys; sys.stderr.write(repr(sys.argv[1:]))"
        command = f"{sys.executable} -c '{script}' {{file}} --end={{end}}"
        samples = (SOUND * 32767).astype("<i2").tobytes()
        options = ["-", "--raw", "-q", "--save", folder, "--exec", command]
        done = run("stream", *DOUBLE, *options, input=samples, text=False, cwd=tmp_path)
        assert done.stderr.decode() == repr([str(next(folder.glob("*.wav"))), "--end=0.810"])
        assert not (tmp_path / "harmed").exists()


def test_a_packed_file_of_labels_is_not_unpacked_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vad import FormatError
    from vad.formats import encoding, read_labels

    monkeypatch.setattr(encoding, "LIMIT", 1 << 16)
    packer = zlib.compressobj(wbits=31)
    path = tmp_path / "a.rttm.gz"
    path.write_bytes(packer.compress(bytes(1 << 20)) + packer.flush())
    with pytest.raises(FormatError, match="longer"):
        read_labels(path)
