"""Outputs that travelled without the scratch folder are known again as results, where they are whole."""

import json
import shutil
from collections import Counter

import pytest

import example_jobs
from glassdyn.jobs import Job, JobError, OutputOf, run_jobs
from glassdyn.jobs.ledger import remove_stale


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout that has made two copies of two samples."""
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "scratch"))
    run(tmp_path)
    return tmp_path


def chains(folder, copies, samples):
    """Copies of chains: each sample starts from a file beside the one before it; and what is made of a sample."""
    jobs = []
    for copy in range(copies):
        before = ()
        for sample in range(samples):
            name, arguments = f"copy{copy}-sample{sample}", {"seed": [copy, sample], "steps": 5}
            output = folder / "samples" / f"{name}.txt"
            job = Job(
                name, example_jobs.chain, arguments, before, output, ("end.txt",), uses_all_cores=True
            )  # in this process, which is quick
            summary = Job(
                f"{name}-summary",
                example_jobs.plain,
                {"seed": name},
                (OutputOf(job),),
                folder / "summaries" / f"{name}.txt",
                uses_all_cores=True,
            )
            before = (OutputOf(job, "end.txt"),)
            jobs += [job, summary]
    return jobs


def run(folder, copies=2, samples=2):
    run_jobs(chains(folder, copies, samples), label="test", unit="steps", ledger=folder / "ledger.json")


def cloned(checkout):
    """What a clone has: outputs and ledger, and no scratch folder."""
    shutil.rmtree(checkout / "scratch")
    return checkout


def starts(checkout):
    """What was computed, and how often."""
    path = checkout / "scratch" / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(line.removeprefix("start ") for line in lines if line.startswith("start "))


def contents(checkout):
    files = [*(checkout / "samples").iterdir(), *(checkout / "summaries").iterdir(), checkout / "ledger.json"]
    return {path.name: path.read_bytes() for path in files}


def test_a_clone_computes_nothing_that_is_there(checkout):
    before = contents(checkout)
    run(cloned(checkout))
    assert not starts(checkout)
    assert contents(checkout) == before
    run(checkout)
    assert not starts(checkout)


def test_one_more_copy_is_all_that_is_computed(checkout):
    run(cloned(checkout), copies=3)
    assert set(starts(checkout)) == {"[2, 0]", "[2, 1]", "copy2-sample0", "copy2-sample1"}


def test_one_more_sample_computes_what_it_starts_from(checkout):
    before = contents(checkout)
    run(cloned(checkout), copies=1, samples=3)
    assert set(starts(checkout)) == {"[0, 0]", "[0, 1]", "[0, 2]", "copy0-sample2"}
    after = contents(checkout)
    assert all(after[name] == content for name, content in before.items() if name != "ledger.json")


def test_a_ledger_depends_on_the_jobs_alone(checkout):
    before = (checkout / "ledger.json").read_bytes()
    shutil.rmtree(checkout / "samples")
    run(cloned(checkout))
    assert (checkout / "ledger.json").read_bytes() == before


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_an_output_that_is_not_as_it_was_is_computed(checkout, change):
    before = contents(checkout)
    path = cloned(checkout) / "samples" / "copy0-sample1.txt"
    path.unlink()
    if change == "edited":
        path.write_text("something else")
    run(checkout)
    assert starts(checkout)["[0, 1]"] == 1
    assert not set(starts(checkout)) & {"[1, 0]", "[1, 1]"}
    assert contents(checkout) == before


def test_other_arguments_are_computed(checkout):
    ledger = cloned(checkout) / "ledger.json"
    rows = json.loads(ledger.read_text())
    rows["copy1-sample0"]["key"] = "0" * 64
    ledger.write_text(json.dumps(rows))
    run(checkout)
    assert starts(checkout)["[1, 0]"] == 1
    assert "[0, 0]" not in starts(checkout)


@pytest.mark.parametrize(
    "names", [["output.txt"], ["output.txt", "end.txt", "../../x"], ["output.txt", "../end.txt"]]
)
def test_an_entry_with_other_files_than_the_job_makes_is_no_result(checkout, names):
    before = contents(checkout)
    ledger = cloned(checkout) / "ledger.json"
    rows = json.loads(ledger.read_text())
    files = rows["copy0-sample0"]["files"]
    rows["copy0-sample0"]["files"] = {name: files.get(name, files["end.txt"]) for name in names}
    ledger.write_text(json.dumps(rows))
    run(checkout)
    assert set(starts(checkout)) == {"[0, 0]"}
    assert contents(checkout) == before


def test_without_a_ledger_all_is_computed(checkout):
    (cloned(checkout) / "ledger.json").unlink()
    run(checkout)
    assert len(starts(checkout)) == 8


@pytest.mark.parametrize("text", ["", "[]", '{"copy0-sample0": 3}', '{"copy0-sample0": {"key": "a"}}', "{"])
def test_what_is_no_ledger_is_refused(checkout, text):
    (checkout / "ledger.json").write_text(text)
    with pytest.raises(JobError, match=r"ledger\.json is no ledger of jobs"):
        run(checkout)


def test_outputs_of_no_job_are_removed(checkout):
    jobs = chains(checkout, 1, 2)
    (checkout / "samples" / "old").mkdir()
    (checkout / "samples" / "old" / "run00.txt").touch()
    remove_stale(checkout / "samples", jobs)
    assert {path.name for path in (checkout / "samples").iterdir()} == {
        "copy0-sample0.txt",
        "copy0-sample1.txt",
    }
    remove_stale(checkout / "nowhere", jobs)
