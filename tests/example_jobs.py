"""Jobs for the tests of `glassdyn.jobs`: cheap, deterministic, and able to misbehave when told to."""

import os
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from glassdyn.jobs.atomic import atomic_write
from glassdyn.storage.h5md import BLOCK
from glassdyn.storage.trajectory_writer import TrajectoryWriter


def chain(context):
    """Hash `steps` times over, from the context.inputs; notes every start, and every so many steps a context.checkpoint.

    After a context.checkpoint it waits as long as there is a file `hold` in the scratch folder.
    The context.output is all hashes so far, one a line: what a killed attempt has left half-written would show.
    """
    note(context, f"start {context.arguments['seed']}")
    saved = context.checkpoint / "state.txt"
    start = sha256(
        repr((context.arguments["seed"], [path.read_text() for path in context.inputs])).encode()
    ).hexdigest()
    lines = saved.read_text().split() if saved.exists() else [start]
    while len(lines) <= context.arguments["steps"]:
        lines.append(sha256(lines[-1].encode()).hexdigest())
        time.sleep(context.arguments.get("pause", 0.0))
        if len(lines) % context.arguments.get("every", 10) == 0:
            with atomic_write(saved) as beside:
                beside.write_text("\n".join(lines))
            while (context.checkpoint.parents[2] / "hold").exists():
                time.sleep(0.02)
            context.report(len(lines) / context.arguments["steps"])
    with context.output.open("w") as file:
        for line in lines:
            print(line, file=file, flush=True)
    context.output.with_name("end.txt").write_text(lines[-1])
    note(context, f"end {context.arguments['seed']}")


def plain(context):
    note(context, f"start {context.arguments['seed']}")
    time.sleep(context.arguments.get("pause", 0.0))
    context.output.write_text(f"{context.arguments['seed']} {[path.read_text() for path in context.inputs]}")


def many(context):
    note(context, f"start {context.arguments['seed']}")
    context.output.mkdir()
    for number in range(2):
        (context.output / f"{number}.txt").write_text(str(number))


def misbehave(context):
    match context.arguments["how"]:
        case "raise":
            raise ValueError("the density must be positive: got -1")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "kill parent":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60.0)
        case "print":
            print("out", flush=True)
            print("err", file=sys.stderr)
            raise ValueError("got -1")
        case "forget":
            return
        case "fill":
            context.output.write_bytes(bytes(context.arguments["bytes"]))


def edit(context):
    """Change a file of code."""
    Path(context.arguments["path"]).write_text(context.arguments["text"])
    context.output.touch()


def record(context):
    """Record noise, with a context.checkpoint at every block of frames."""
    saved = context.checkpoint / "frames.txt"
    frames = int(saved.read_text()) if saved.exists() else 0
    note(context, f"from {frames}")
    content = {"species": np.zeros(100), "box_length": 5.0, "timestep": 0.1}
    with TrajectoryWriter(
        context.output, parts=context.checkpoint / "parts", frames=frames, **content
    ) as recorder:
        for frame in range(frames, context.arguments["frames"]):
            recorder.append(frame, np.random.default_rng(frame).normal(size=(100, 3)))
            if recorder.frames % BLOCK == 0:
                recorder.flush()
                saved.write_text(str(recorder.frames))


def environment(context):
    names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    context.output.write_text(" ".join(os.environ.get(name, "-") for name in names))


def whereabouts(context):
    note(context, f"start {context.arguments['seed']}")
    context.output.write_text(str(os.getpid()))


def group(context):
    """Write its process, the group of that, and its parent."""
    context.output.write_text(f"{os.getpid()} {os.getpgrp()} {os.getppid()}")
    time.sleep(context.arguments.get("pause", 0.0))


def log_curves(context):
    import dvclive

    context.output.write_text(str(dvclive.__file__))


def numbers(context):
    """Sum in the threads of numba and of torch; write how many there are, and the sums."""
    import numba
    import torch

    @numba.njit(parallel=True)
    def total(values):
        result = 0.0
        for index in numba.prange(len(values)):
            result += values[index]
        return result

    values = np.arange(100.0)
    threads = f"{numba.get_num_threads()} {torch.get_num_threads()}"
    context.output.write_text(f"{threads} {total(values)} {float(torch.from_numpy(values).sum())}")


def interrupt(context):
    raise KeyboardInterrupt


def note(context, text):
    """Tell the test what happened: a line in the scratch folder, appended in one write."""
    descriptor = os.open(context.checkpoint.parents[2] / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)
