"""Trainings of folds and seeds: which there are, that each is done once, and what a model of several is."""

from dataclasses import replace

import pytest
import torch

from glassdyn.folds import rotate_split
from glassdyn.jobs.prune import list_entries
from glassdyn.jobs.store import default_root
from glassdyn.learning import model_file, training_jobs
from glassdyn.learning.training_jobs import plan_trainings, run_trainings, select_test
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, labelled_graph, write_tables
from short_pipeline import pinned_params

SAMPLES = [f"copy{copy:02}-sample{sample:02}" for copy in range(5) for sample in range(2)]
BRIEF = replace(SHORT, max_steps=6, record_every=3)


def parameters(folds=1, seeds=1, **model):
    run = pinned_params()
    return replace(
        run,
        graph=DISTANCES,
        model=replace(NETWORK, **{"n_rec": 1, **model}),
        loss=PLAIN,
        train=replace(BRIEF, seeds=seeds, seed=7),
        evaluate=replace(run.evaluate, folds=folds),
    )


def plan(params, samples=SAMPLES):
    return plan_trainings(params, params.model, samples)


def test_every_fold_has_a_training_for_every_seed():
    trainings = plan(parameters(folds=5, seeds=3))
    assert [(training.fold, training.config.settings.seed) for training in trainings] == [
        (fold, seed) for fold in range(5) for seed in (7, 8, 9)
    ]
    assert plan(parameters())[0].config == trainings[0].config  # more folds and seeds make no training anew


@pytest.mark.parametrize("select_on", ["validation", "test"])
def test_no_fold_trains_on_what_it_tests_and_no_sample_is_tested_twice(select_on):
    params = parameters(folds=5)
    params = replace(params, train=replace(params.train, select_on=select_on))
    tested = []
    for fold, config in plan(params):
        test = select_test(SAMPLES, params.split, fold)
        assert len(test) == 2
        assert not set(config.train) & {*test, *config.held_out}
        assert (set(config.held_out) == set(test)) == (select_on == "test")
        tested += test
        assert len(config.train) == 2 * len(rotate_split(params.split, fold).train)
    assert sorted(tested) == SAMPLES


def test_a_training_is_known_by_its_parameters_and_by_its_tables(tmp_path):
    folders = write_tables(tmp_path)
    (training,) = plan(parameters(), SAMPLES[::2])
    job = training_jobs._job("train", training, folders, tmp_path / "pca")
    names = [f"{name}.parquet" for name in (*training.config.train, *training.config.held_out)]
    assert list(job.inputs) == [
        folder / name for folder in (folders.features, folders.labels) for name in names
    ]
    assert training_jobs._config(job.arguments) == training.config
    others = [
        parameters(n_rec=2),
        parameters(shared=True),
        replace(parameters(), loss=replace(PLAIN, alpha=0.5)),
    ]
    for params in others:
        (changed,) = plan(params, SAMPLES[::2])
        assert training_jobs._job("train", changed, folders, tmp_path / "pca").arguments != job.arguments


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two folds of two seeds, trained two at a time; their tables and the scratch folder."""
    folder = tmp_path_factory.mktemp("trainings")
    folders, trainings = write_tables(folder), plan(parameters(folds=2, seeds=2), SAMPLES[::2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSDYN_SCRATCH", str(folder / "scratch"))
        patch.setenv("GLASSDYN_JOBS", "2")
        results = run_trainings(trainings, folders, folder / "none", label="train")
    return folder, folders, trainings, results


def manifests(folder):
    return {path: path.stat().st_ino for path in folder.glob("scratch/jobs/*/result/manifest.json")}


def test_a_finished_training_is_not_done_again(trained, monkeypatch):
    folder, folders, trainings, results = trained
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(folder / "scratch"))
    before = manifests(folder)
    again = run_trainings(trainings, folders, folder / "none", label="train")
    assert manifests(folder) == before
    assert len(before) == 4
    assert [result.log for result in again] == [result.log for result in results]
    assert {entry.state for entry in list_entries(default_root())} == {"orphaned"}
    assert all(not entry.folder.checkpoint.exists() for entry in list_entries(default_root()))


def test_alone_or_side_by_side_a_training_ends_the_same(trained, tmp_path, monkeypatch):
    _, folders, trainings, results = trained
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("GLASSDYN_JOBS", "1")
    (alone,) = run_trainings(trainings[3:], folders, tmp_path / "none", label="train")
    assert alone.log == results[3].log
    for name, model in (("one", alone.model), ("two", results[3].model)):
        model_file.save(tmp_path / name, model)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_seeds_differ_and_a_model_predicts_the_mean_of_its_members(trained, tmp_path):
    *_, results = trained
    first, second = (result.model for result in results[:2])
    graph = labelled_graph(9)
    members = [model_file.predict(model, graph) for model in (first, second)]
    assert not torch.equal(*members)
    model_file.save(tmp_path / "both", model_file.average_models([first, second]))
    both = model_file.load(tmp_path / "both")
    assert len(both.networks) == 2
    torch.testing.assert_close(model_file.predict(both, graph), sum(members) / 2)


def test_metrics_have_a_row_for_each_training(trained):
    *_, results = trained
    summary = training_jobs.summarise_results("validation", ("p_hop",), results)
    assert summary["selected_step"] == summary["trainings"][0]["selected_step"]
    assert [(row["fold"], row["seed"]) for row in summary["trainings"]] == [(0, 7), (0, 8), (1, 7), (1, 8)]
    assert all(row["steps"] == 6 and abs(row["pearson"]["p_hop"]) <= 1 for row in summary["trainings"])
