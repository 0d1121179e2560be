"""Jobs for the tests of the fleet: cheap, deterministic, and able to misbehave when told to."""

import os
import signal
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from glassdyn.files import replacing
from glassdyn.h5md import BLOCK
from glassdyn.recorder import Recorder


def chain(arguments, inputs, output, checkpoint, report):
    """Hash `steps` times over, from the inputs; notes every start, and every so many steps a checkpoint.

    After a checkpoint it waits as long as there is a file `hold` in the scratch folder.
    The output is all hashes so far, one a line: what a killed attempt has left half-written would show.
    """
    note(checkpoint, f"start {arguments['seed']}")
    kept = checkpoint.path / "state.txt"
    start = sha256(repr((arguments["seed"], [path.read_text() for path in inputs])).encode()).hexdigest()
    lines = kept.read_text().split() if kept.exists() else [start]
    while len(lines) <= arguments["steps"]:
        lines.append(sha256(lines[-1].encode()).hexdigest())
        time.sleep(arguments.get("pause", 0.0))
        if len(lines) % arguments.get("every", 10) == 0:
            with replacing(kept) as beside:
                beside.write_text("\n".join(lines))
            while (checkpoint.path.parents[2] / "hold").exists():
                time.sleep(0.02)
            report(len(lines) / arguments["steps"])
    with output.open("w") as file:
        for line in lines:
            print(line, file=file, flush=True)
    output.with_name("end.txt").write_text(lines[-1])
    note(checkpoint, f"end {arguments['seed']}")


def plain(arguments, inputs, output, checkpoint, report):
    note(checkpoint, f"start {arguments['seed']}")
    time.sleep(arguments.get("pause", 0.0))
    output.write_text(f"{arguments['seed']} {[path.read_text() for path in inputs]}")


def many(arguments, inputs, output, checkpoint, report):
    note(checkpoint, f"start {arguments['seed']}")
    output.mkdir()
    for number in range(2):
        (output / f"{number}.txt").write_text(str(number))


def misbehave(arguments, inputs, output, checkpoint, report):
    match arguments["how"]:
        case "raise":
            raise ValueError("the density must be positive: got -1")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "forget":
            return
        case "fill":
            output.write_bytes(bytes(arguments["bytes"]))


def edit(arguments, inputs, output, checkpoint, report):
    """Change a file of code."""
    Path(arguments["path"]).write_text(arguments["text"])
    output.touch()


def record(arguments, inputs, output, checkpoint, report):
    """Record noise, with a checkpoint at every block of frames."""
    kept = checkpoint.path / "frames.txt"
    frames = int(kept.read_text()) if kept.exists() else 0
    note(checkpoint, f"from {frames}")
    content = {"species": np.zeros(100), "box_length": 5.0, "timestep": 0.1}
    with Recorder(output, parts=checkpoint.path / "parts", frames=frames, **content) as recorder:
        for frame in range(frames, arguments["frames"]):
            recorder.append(frame, np.random.default_rng(frame).normal(size=(100, 3)))
            if recorder.frames % BLOCK == 0:
                recorder.flush()
                kept.write_text(str(recorder.frames))


def environment(arguments, inputs, output, checkpoint, report):
    names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    output.write_text(" ".join(os.environ.get(name, "-") for name in names))


def note(checkpoint, text):
    """Tell the test what happened: a line in the scratch folder, appended in one write."""
    descriptor = os.open(checkpoint.path.parents[2] / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)
