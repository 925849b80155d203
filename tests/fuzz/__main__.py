"""Run targets for long: `python tests/fuzz [TARGET]... --count 100000`.

A target runs in a process of its own, with little memory and little time for each input. What
brings that down, or is answered in any other way than well or by a `VadError`, is kept as a file
and named; the run goes on after it. With `--guided` libFuzzer chooses inputs by the lines of
Python that they reach (`pip install atheris`).
"""

from __future__ import annotations

import argparse
import faulthandler
import mmap
import resource
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from fuzz.damage import damaged  # noqa: E402

SECONDS = 20  # for one input
MEMORY = 3 << 30  # bytes that a target may take beside what it begins with


def main() -> None:
    parser = argparse.ArgumentParser("fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="their names, or how they begin; all by default")
    parser.add_argument("--count", type=int, default=1000, help="inputs for each target [%(default)s]")
    parser.add_argument("--seed", default="0", help="what decides the damage [%(default)s]")
    parser.add_argument("--keep", type=Path, default=Path("findings"), help="folder for what was found [%(default)s]")
    parser.add_argument("--guided", action="store_true", help="let atheris choose the inputs")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run(given.targets[0], given.seed, int(given.child[1]), given.count, Path(given.child[0]))
        return
    if given.guided:
        guided(given.targets[0], given.count)
        return
    from fuzz.targets import chosen

    found = [name for name in chosen(given.targets) if watch(name, given.seed, given.count, given.keep)]
    raise SystemExit(f"findings in {', '.join(found)}: see {given.keep}" if found else 0)


def watch(name: str, seed: str, count: int, keep: Path) -> int:
    """Have children run `count` inputs, a new one after each that died; how many findings there were."""
    from fuzz.targets import TARGETS

    started, first, findings = time.monotonic(), 0, 0
    with tempfile.NamedTemporaryFile() as state:
        while first < count:
            state.seek(0)
            state.write(struct.pack("<q", first))
            state.flush()
            command = [sys.executable, __file__, name, "--count", str(count), "--seed", seed]
            child = subprocess.run([*command, "--child", state.name, str(first)], stderr=subprocess.PIPE, check=False)
            if not child.returncode:
                break
            state.seek(0)
            (at,) = struct.unpack("<q", state.read(8))
            keep.mkdir(parents=True, exist_ok=True)
            path = keep / f"{name}-{seed}-{at}"
            path.write_bytes(damaged(TARGETS[name].seeds(), f"{name} {seed} {at}"))
            said = child.stderr.decode(errors="replace").strip().splitlines()
            print(f"{path}: status {child.returncode}: {' | '.join(said[-4:])[:600]}", flush=True)
            findings, first = findings + 1, at + 1
    seconds = time.monotonic() - started
    print(f"{name}: {count} inputs in {seconds:.0f} s, {findings} findings", flush=True)
    return findings


def run(name: str, seed: str, first: int, count: int, state: Path) -> None:
    """Check the inputs from number `first` on, noting before each which one it is."""
    from fuzz.targets import TARGETS, check, clean

    seeds = TARGETS[name].seeds()
    with state.open("r+b") as file:
        number = mmap.mmap(file.fileno(), 8)
    for content in seeds:  # what is whole must be read well, and everything loaded
        check(name, content)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    try:
        for at in range(first, count):
            number[:] = struct.pack("<q", at)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            check(name, damaged(seeds, f"{name} {seed} {at}"))
            faulthandler.cancel_dump_traceback_later()
    except BaseException:  # noqa: BLE001 - whatever it is, it is a finding
        lines = traceback.format_exc().strip().splitlines()
        sys.stderr.write("\n".join(lines[-8:]) + "\n")
        sys.exit(3)
    finally:
        clean()


def guided(name: str, count: int) -> None:
    """Let libFuzzer choose the inputs, starting from the samples; it stops at the first finding."""
    import atheris

    with atheris.instrument_imports(include=["vad"]):
        from fuzz.targets import TARGETS, check
    with tempfile.TemporaryDirectory() as corpus:
        for number, content in enumerate(TARGETS[name].seeds()):
            Path(corpus, str(number)).write_bytes(content)
        how = [f"-runs={count}", f"-timeout={SECONDS}", "-rss_limit_mb=4096", "-max_len=4096", "-verbosity=0"]
        atheris.Setup([name, *how, corpus], lambda content: check(name, content))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
