"""Jobs: finished results are kept and never computed again; nothing half-written is ever taken."""

import errno
import fcntl
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

import example_jobs
from glassdyn import jobs
from glassdyn.cli import main
from glassdyn.jobs import Job, JobError, OutputOf, digests, run_jobs
from glassdyn.jobs import run as run_module
from glassdyn.jobs.code_digest import SOURCE
from glassdyn.jobs.digests import digest
from glassdyn.jobs.local import Local, visible_devices
from glassdyn.jobs.process import environment
from glassdyn.jobs.store import JobFolder, claim, job_key, locked
from glassdyn.storage.trajectory import open_trajectory

HERE = Path(__file__).parent

LONG = 120.0
"""Seconds after which a test gives up waiting."""


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


def chains(folder, copies=2, samples=2, **arguments):
    """Copies of chains: each sample starts from the end of the one before it."""
    jobs = []
    for copy in range(copies):
        before = ()
        for sample in range(samples):
            job = Job(
                f"copy{copy}-sample{sample}",
                example_jobs.chain,
                {"seed": [copy, sample], "steps": 30, **arguments},
                before,
                folder / f"copy{copy}-sample{sample}.txt",
                ("end.txt",),
                work=30.0,
            )
            before = (OutputOf(job, "end.txt"),)
            jobs.append(job)
    return jobs


def single(function, output, *inputs, **arguments):
    return Job("single", function, {"seed": 0, **arguments}, inputs, output)


def run(jobs):
    return run_jobs(jobs, label="test", unit="steps")


def notes(scratch):
    """What the jobs said of themselves, and how often."""
    path = scratch / "notes"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refuse(*_):
    raise OSError("Invalid cross-device link")


@contextmanager
def no_file_longer_than(size):
    """What a full disk does to a writer, for this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestResults:
    def test_every_output_and_every_job_once(self, scratch, tmp_path):
        run(chains(tmp_path / "out"))
        assert sorted(contents(tmp_path / "out")) == [
            f"copy{copy}-sample{sample}.txt" for copy in range(2) for sample in range(2)
        ]
        assert set(notes(scratch).values()) == {1}

    def test_a_second_run_computes_nothing(self, scratch, tmp_path):
        run(chains(tmp_path / "out"))
        before = contents(tmp_path / "out")
        run(chains(tmp_path / "again"))
        assert contents(tmp_path / "again") == before
        assert set(notes(scratch).values()) == {1}

    def test_two_copies_more_run_two_more(self, scratch, tmp_path):
        run(chains(tmp_path / "out", copies=1))
        run(chains(tmp_path / "out", copies=3))
        assert len(contents(tmp_path / "out")) == 6
        assert set(notes(scratch).values()) == {1}

    def test_outputs_are_links(self, scratch, tmp_path):
        run(chains(tmp_path / "out", copies=1, samples=1))
        output = tmp_path / "out" / "copy0-sample0.txt"
        assert output.stat().st_nlink == 2
        assert not output.stat().st_mode & 0o222

    def test_a_folder_as_output(self, scratch, tmp_path):
        job = Job("many", example_jobs.many, {"seed": 0}, (), tmp_path / "out")
        run([job])
        assert contents(tmp_path / "out") == {"0.txt": b"0", "1.txt": b"1"}
        (tmp_path / "out" / "0.txt").unlink()
        run([job])
        assert contents(tmp_path / "out") == {"0.txt": b"0", "1.txt": b"1"}
        assert set(notes(scratch).values()) == {1}

    def test_copies_where_links_are_impossible(self, scratch, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "link", refuse)
        run(chains(tmp_path / "out", copies=1, samples=1))
        assert (tmp_path / "out" / "copy0-sample0.txt").stat().st_nlink == 1

    def test_a_result_changed_through_its_output_is_computed_again(self, scratch, tmp_path):
        job = chains(tmp_path / "out", copies=1, samples=1)[0]
        run([job])
        right = job.output.read_bytes()
        job.output.chmod(0o644)
        job.output.write_text("somebody's own idea")
        job.output.unlink()
        run([job])
        assert job.output.read_bytes() == right

    def test_what_determines_the_result(self, tmp_path):
        (tmp_path / "input").write_text("1")

        def key(function=example_jobs.plain, arguments=None, output="x", code="code", inputs=("a",)):
            job = Job("job", function, arguments or {"x": 0.1}, (), Path(output))
            return job_key(job, code, inputs)

        different = {
            key(),
            key(example_jobs.chain),
            key(arguments={"x": 0.1 + 2**-56}),
            key(inputs=("b",)),
            key(inputs=()),
            key(output="x.h5"),
            key(code="other"),
        }
        assert len(different) == 7
        assert key(output="elsewhere/y") == key()
        assert key(arguments={"a": 1, "b": 2}) == key(arguments={"b": 2, "a": 1})

    def test_an_input_is_known_by_its_content(self, scratch, tmp_path):
        for name, text in (("one", "1"), ("same", "1"), ("other", "2")):
            (tmp_path / name).write_text(text)
            run([single(example_jobs.plain, tmp_path / f"{name}.out", tmp_path / name)])
        assert notes(scratch) == {"start 0": 2}
        assert (tmp_path / "same.out").read_text() == "0 ['1']"
        assert (tmp_path / "other.out").read_text() == "0 ['2']"

    def test_half_written_results_are_not_taken(self, scratch, tmp_path):
        job = chains(tmp_path / "out", copies=1, samples=1)[0]
        run([job])
        right = job.output.read_bytes()
        folder = next((scratch / "jobs").iterdir())
        (folder / "result").rename(folder / "attempt")
        (folder / "attempt" / "manifest.json").unlink()
        run([job])
        assert job.output.read_bytes() == right
        assert notes(scratch)["start [0, 0]"] == 2


class TestInThisProcess:
    """Jobs that use all cores by themselves: the same store, without a process for each."""

    def jobs(self, folder):
        return [
            Job(
                f"job{seed}",
                example_jobs.whereabouts,
                {"seed": seed},
                (),
                folder / f"{seed}.txt",
                uses_all_cores=True,
            )
            for seed in range(2)
        ]

    def test_here_unless_the_environment_sends_them_elsewhere(self, scratch, tmp_path, monkeypatch):
        monkeypatch.delenv("GLASSDYN_JOBS", raising=False)
        run(self.jobs(tmp_path / "here"))
        assert set(contents(tmp_path / "here").values()) == {str(os.getpid()).encode()}
        monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "other"))
        monkeypatch.setenv("GLASSDYN_JOBS", "2")
        run(self.jobs(tmp_path / "there"))
        processes = set(contents(tmp_path / "there").values())
        assert len(processes) == 2
        assert str(os.getpid()).encode() not in processes

    def test_a_failed_one_stops_no_other(self, scratch, tmp_path):
        bad = Job(
            "bad", example_jobs.misbehave, {"how": "raise"}, (), tmp_path / "bad.txt", uses_all_cores=True
        )
        with pytest.raises(
            JobError, match=r"1 jobs failed; the results of 2 others(.|\n)*density must be positive"
        ):
            run([bad, *self.jobs(tmp_path / "out")])
        assert len(contents(tmp_path / "out")) == 2

    def test_what_an_interrupted_run_had_finished_is_not_done_again(self, scratch, tmp_path, monkeypatch):
        first, second = self.jobs(tmp_path / "out")
        last = Job("stop", example_jobs.interrupt, {}, (), tmp_path / "x.txt", uses_all_cores=True)
        with pytest.raises(KeyboardInterrupt):
            run([first, last, second])
        before = contents(tmp_path / "out")
        assert len(before) == 1
        run([first, second])
        assert before.items() <= contents(tmp_path / "out").items()
        assert notes(scratch) == {"start 0": 1, "start 1": 1}

    def test_paths_of_outputs_come_back_in_order(self, scratch, tmp_path):
        first, second = self.jobs(tmp_path / "out")
        unpublished = Job("unpublished", example_jobs.plain, {"seed": 7}, (OutputOf(first),))
        paths = run([unpublished, second, first])
        assert paths[1:] == [second.output, first.output]
        assert paths[0].is_relative_to(scratch)
        assert paths[0].read_text() == f"7 ['{os.getpid()}']"


def test_links_to_results_are_known_without_reading_them(scratch, tmp_path, monkeypatch):
    run([single(example_jobs.plain, tmp_path / "a.txt")])
    (tmp_path / "foreign.txt").write_text("not from the store")
    right = {name: digest(tmp_path / name) for name in ("a.txt", "foreign.txt")}
    read = []
    monkeypatch.setattr(digests, "digest", lambda path: read.append(path.name) or right[path.name])
    known = digests.Digests(scratch)
    assert {name: known.of(tmp_path / name) for name in right} == right
    assert read == ["foreign.txt"]
    (tmp_path / "a.txt").chmod(0o644)
    (tmp_path / "a.txt").write_text("written over")
    known.of(tmp_path / "a.txt")
    assert read == ["foreign.txt", "a.txt"]


def test_a_claim_waits_for_another_and_says_so(scratch, capfd):
    with claim("key", {"name": "x"}) as folder:
        assert folder.attempt.is_dir()
        second = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from glassdyn.jobs.store import claim\nwith claim('key', {}, waiting='busy'): print('in')",
            ],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            text=True,
        )
        assert "busy: waiting for its end" in second.stdout.readline()
        assert second.poll() is None
    assert second.communicate(timeout=LONG)[0] == "in\n"


class TestFailures:
    def test_the_others_are_kept(self, scratch, tmp_path):
        bad = Job("bad", example_jobs.misbehave, {"how": "raise"}, (), tmp_path / "bad.txt")
        after = Job("after", example_jobs.plain, {"seed": 1}, (OutputOf(bad),), tmp_path / "after.txt")
        good = chains(tmp_path / "out")
        with pytest.raises(JobError) as raised:
            run([bad, after, *good])
        message = str(raised.value)
        assert re.search(r"2 jobs failed; the results of 4 others are kept", message)
        assert "bad: exit status 1" in message
        assert "ValueError: the density must be positive: got -1" in message
        assert "after: needs bad" in message
        assert len(contents(tmp_path / "out")) == 4
        assert not (tmp_path / "bad.txt").exists()

    def test_beside_running_jobs(self, scratch, tmp_path, monkeypatch):
        monkeypatch.setenv("GLASSDYN_JOBS", "2")
        bad = Job("bad", example_jobs.misbehave, {"how": "raise"}, (), tmp_path / "bad.txt")
        after_bad = Job("after bad", example_jobs.plain, {"seed": 1}, (OutputOf(bad),), tmp_path / "1.txt")
        slow = Job("slow", example_jobs.plain, {"seed": 2, "pause": 1.0}, (), tmp_path / "2.txt")
        after_slow = Job("after slow", example_jobs.plain, {"seed": 3}, (OutputOf(slow),), tmp_path / "3.txt")
        with pytest.raises(JobError, match=r"2 jobs failed; the results of 2 others(.|\n)*got -1"):
            run([bad, after_bad, slow, after_slow])
        assert sorted(path.name for path in tmp_path.glob("*.txt")) == ["2.txt", "3.txt"]

    def test_killed(self, scratch, tmp_path):
        with pytest.raises(JobError, match="killed by SIGKILL"):
            run([single(example_jobs.misbehave, tmp_path / "x", how="die")])

    def test_no_output(self, scratch, tmp_path):
        with pytest.raises(
            JobError, match=r"writes its output and extra outputs, \['output.txt'\]: got \[\]"
        ):
            run([single(example_jobs.misbehave, tmp_path / "x.txt", how="forget")])

    def test_full_disk(self, scratch, tmp_path):
        run(chains(tmp_path / "out", copies=1))
        before = contents(tmp_path / "out")
        job = single(example_jobs.misbehave, tmp_path / "out" / "x.txt", how="fill", bytes=10**6)
        with no_file_longer_than(10**5), pytest.raises(JobError, match="the disk is full"):
            run([job, *chains(tmp_path / "out", copies=1)])
        assert contents(tmp_path / "out") == before
        run([job])
        assert job.output.stat().st_size == 10**6

    @pytest.mark.parametrize("act", ["describe", "publish"])
    def test_full_disk_beside_running_jobs(self, scratch, tmp_path, monkeypatch, act):
        monkeypatch.setenv("GLASSDYN_JOBS", "2")
        place = {"describe": JobFolder, "publish": run_module}[act]
        usual, good = getattr(place, act), chains(tmp_path / "out", copies=1, pause=0.03)
        job = single(example_jobs.plain, tmp_path / "x.txt")

        def full(first, second):
            if job.output == second or "single" in str(second):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x")
            usual(first, second)

        monkeypatch.setattr(place, act, full)
        with pytest.raises(JobError, match=r"single: (.|\n)*No space left(.|\n)*the disk is full"):
            run([good[0], job, good[1]])
        assert len(contents(tmp_path / "out")) == 2
        monkeypatch.setattr(place, act, usual)
        run([job])
        assert notes(scratch)["start 0"] == 1

    @pytest.mark.parametrize(("bytes_", "begun"), [(10**5, 0), (1_330_000, 256)], ids=["a part", "all parts"])
    def test_full_disk_while_recording(self, scratch, tmp_path, bytes_, begun):
        """A part reserves 1.27 MB, the whole of three 1.39 MB, 1 MiB of it for what HDF5 notes."""
        job = single(example_jobs.record, tmp_path / "t.h5", frames=300)
        with (
            no_file_longer_than(bytes_),
            pytest.raises(JobError, match=r"File too large(.|\n)*the disk is full"),
        ):
            run([job])
        assert not job.output.exists()
        run([job])
        assert notes(scratch) == ({"from 0": 2} if begun == 0 else {"from 0": 1, f"from {begun}": 1})
        with open_trajectory(job.output) as trajectory:
            assert trajectory.frames == 300

    def test_refused(self, scratch, tmp_path):
        first, second = chains(tmp_path / "out", copies=1)
        with pytest.raises(ValueError, match=r"names of jobs are distinct: got \['copy0-sample0'\]"):
            run([first, first])
        with pytest.raises(ValueError, match=r"\['copy0-sample0'\] are not"):
            run([second])


LATER = """\
from pathlib import Path

def work(context):
    context.output.write_text({text!r})
    if context.arguments["edits"]:
        Path(__file__).write_text(context.arguments["edits"])
"""


class TestEdits:
    """Of code, while a run is under way: no result is kept under another code's name."""

    @pytest.fixture
    def later(self, tmp_path, monkeypatch):
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "later.py").write_text(LATER.format(text="old"))
        monkeypatch.syspath_prepend(tmp_path / "code")
        monkeypatch.delitem(sys.modules, "later", raising=False)
        import later

        return later

    def test_while_a_job_waits(self, scratch, tmp_path, later):
        new = LATER.format(text="brand new")
        before = Job("before", later.work, {"edits": ""}, (), tmp_path / "before.txt")
        edit = Job("edit", example_jobs.edit, {"path": later.__file__, "text": new}, (OutputOf(before),))
        after = Job("after", later.work, {"edits": ""}, (OutputOf(edit),), tmp_path / "after.txt")
        with pytest.raises(
            JobError, match=r"1 jobs failed; .*\n\nafter: (.|\n)*later .*was edited; run again"
        ):
            run([before, edit, after])
        run([before, edit, after])
        assert (tmp_path / "before.txt").read_text() == "brand new"
        assert (tmp_path / "after.txt").read_text() == "brand new"

    def test_while_a_job_runs(self, scratch, tmp_path, later):
        with pytest.raises(JobError, match="was edited"):
            run([single(later.work, tmp_path / "x", edits=LATER.format(text="brand new"))])
        assert not list(scratch.glob("jobs/*/result"))


class Busy:
    """A process without end."""

    def poll(self):
        return None


class TestPlace:
    def test_threads_and_side_by_side(self, scratch, tmp_path, monkeypatch):
        monkeypatch.setenv("GLASSDYN_THREADS", "3")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
        jobs = [
            Job(f"j{i}", example_jobs.environment, {"i": i}, (), tmp_path / f"{i}.txt", gpu=True)
            for i in range(2)
        ]
        run(jobs)
        words = [job.output.read_text().split() for job in jobs]
        assert {threads for threads, _ in words} == {"3"}
        assert {device for _, device in words} <= {"4", "6"}

    def test_launch_settings_go_with_a_job(self, monkeypatch):
        monkeypatch.setenv("GLASSDYN_THREADS", "3")
        monkeypatch.setenv("GLASSDYN_DEVICE", "cpu")
        assert environment(HERE, None).items() >= {"GLASSDYN_THREADS": "3", "GLASSDYN_DEVICE": "cpu"}.items()

    @pytest.mark.parametrize("name", ["GLASSDYN_THREADS", "GLASSDYN_JOBS"])
    @pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
    def test_impossible_launch_settings(self, scratch, tmp_path, monkeypatch, name, value):
        monkeypatch.setenv(name, value)
        with pytest.raises(JobError, match=rf"{name} must be a whole number.*got '{value}'; unset it"):
            run(chains(tmp_path / "out"))

    def test_jobs_with_and_without_a_gpu_do_not_wait_for_each_other(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GLASSDYN_THREADS", "1000")  # one job on the processor
        on_gpu, without = (Job("j", example_jobs.plain, {}, gpu=gpu) for gpu in (True, False))
        beside_other = Local(["0"], {Busy(): None})
        assert (beside_other.has_capacity(on_gpu), beside_other.has_capacity(without)) == (True, False)
        beside_gpu = Local(["0"], {Busy(): "0"})
        assert (beside_gpu.has_capacity(on_gpu), beside_gpu.has_capacity(without)) == (False, True)

    def test_the_gpu_with_the_fewest_jobs(self):
        assert Local(["4", "6"], {Busy(): "4", Busy(): "6", Busy(): "4", Busy(): None})._idlest() == "6"

    def test_no_device(self, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert visible_devices() == []

    def test_scratch_of_the_dvc_repository(self, monkeypatch):
        monkeypatch.delenv("GLASSDYN_SCRATCH", raising=False)
        monkeypatch.setenv("DVC_ROOT", "/somewhere")
        assert jobs.default_root() == Path("/somewhere/.scratch")


def program(tmp_path, **arguments):
    """A run in a process of its own, which a test may kill."""
    code = (
        "import json, sys; from pathlib import Path; import test_jobs;"
        f"test_jobs.run(test_jobs.chains(Path({str(tmp_path / 'out')!r}), **json.loads(sys.argv[1])))"
    )
    paths = os.pathsep.join([str(HERE.parent / "src"), str(HERE)])
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(arguments)],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until(condition):
    """Wait long enough for the slowest machine."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@contextmanager
def on_hold(scratch):
    """Chains stop at their first checkpoint, until the block ends."""
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "hold").touch()
    yield
    (scratch / "hold").unlink()


def alive(processes):
    """Those that run still: not those that nobody has buried."""
    return [
        process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def descendants(process):
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.slow
class TestKills:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
    def test_no_process_is_left_and_the_work_goes_on(self, scratch, tmp_path, number):
        with on_hold(scratch):
            killed = program(tmp_path)
            wait_until(lambda: any(scratch.glob("jobs/*/checkpoint/state.txt")))
            children = descendants(killed)
            killed.send_signal(number)
            assert killed.wait(LONG) != 0
            assert children
            wait_until(lambda: not alive(children))
        assert any(scratch.glob("jobs/*/checkpoint/state.txt"))
        run(chains(tmp_path / "out"))
        assert len(contents(tmp_path / "out")) == 4
        assert {count for note, count in notes(scratch).items() if note.startswith("end")} == {1}

    def test_two_runs_at_once_compute_everything_once(self, scratch, tmp_path):
        runs = [program(tmp_path, pause=0.02) for _ in range(2)]
        assert [process.wait(LONG) for process in runs] == [0, 0]
        assert set(notes(scratch).values()) == {1}
        assert len(contents(tmp_path / "out")) == 4

    def test_a_run_outside_the_main_thread(self, scratch, tmp_path):
        thread = threading.Thread(target=run, args=[chains(tmp_path / "out")])
        thread.start()
        thread.join()
        assert len(contents(tmp_path / "out")) == 4


class TestHousekeeping:
    def test_what_outputs_need_is_kept(self, scratch, tmp_path):
        run(chains(tmp_path / "out", copies=3))
        (tmp_path / "out" / "copy0-sample0.txt").unlink()  # made from it: sample 1
        (tmp_path / "out" / "copy1-sample1.txt").unlink()
        (scratch / "jobs" / "unfinished" / "checkpoint").mkdir(parents=True)
        states = Counter(held.state for held in jobs.list_entries(scratch))
        assert states == {"linked": 4, "needed": 1, "orphaned": 1, "unfinished": 1}
        assert [held.name for held in jobs.prune(scratch)] == ["?", "copy1-sample1"]
        assert len(jobs.list_entries(scratch)) == 5
        run(chains(tmp_path / "out", copies=3))
        again = [note for note, count in notes(scratch).items() if count > 1]
        assert again == ["start [1, 1]", "end [1, 1]"]

    def test_copies_count_as_links(self, scratch, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "link", refuse)
        run(chains(tmp_path / "out", copies=1, samples=1))
        assert jobs.prune(scratch) == []

    def test_what_is_deletable_goes_and_comes_back_when_it_is_needed(self, scratch, tmp_path):
        origin = Job("origin", example_jobs.plain, {"seed": 7})
        made, more = (
            Job(
                f"made{seed}",
                example_jobs.plain,
                {"seed": seed},
                (OutputOf(origin),),
                tmp_path / f"{seed}.txt",
            )
            for seed in range(2)
        )
        run([origin, made])
        assert [held.name for held in jobs.prune(scratch)] == ["origin"]
        assert [held.state for held in jobs.list_entries(scratch)] == ["linked", "deleted"]
        assert jobs.prune(scratch) == []
        run([origin, made])
        assert notes(scratch) == {"start 7": 1, "start 0": 1}
        run([origin, made, more])
        assert notes(scratch) == {"start 7": 2, "start 0": 1, "start 1": 1}
        assert more.output.read_text() == "1 ['7 []']"

    def test_what_unfinished_jobs_need_is_not_deletable(self, scratch, tmp_path):
        origin = Job("origin", example_jobs.plain, {"seed": 7})
        made = Job("made", example_jobs.plain, {"seed": 0}, (OutputOf(origin),), tmp_path / "x.txt")
        bad = Job("bad", example_jobs.misbehave, {"how": "raise"}, (OutputOf(origin),), tmp_path / "y.txt")
        with pytest.raises(JobError):
            run([origin, made, bad])
        states = {held.name: held.state for held in jobs.list_entries(scratch)}
        assert states == {"origin": "needed", "made": "linked", "bad": "unfinished"}

    def test_not_while_a_run_uses_it(self, scratch, tmp_path):
        with locked(scratch / "in-use", fcntl.LOCK_SH), pytest.raises(JobError, match="a run is using"):
            jobs.prune(scratch)

    def test_the_command(self, scratch, tmp_path, capsys):
        run(chains(tmp_path / "out", copies=1, samples=1))
        assert main(["scratch"]) == 0
        assert re.search(r"copy0-sample0 +linked +0\.0", capsys.readouterr().out)
        (tmp_path / "out" / "copy0-sample0.txt").unlink()
        assert main(["scratch", "--prune"]) == 0
        assert "MB deleted" in capsys.readouterr().out
        assert not list(scratch.glob("jobs/*"))


def test_a_torn_manifest_is_no_result(tmp_path):
    folder = JobFolder(tmp_path)
    folder.result.mkdir()
    (folder.result / "manifest.json").write_text('{"output": {"sha2')
    assert not folder.is_finished()
