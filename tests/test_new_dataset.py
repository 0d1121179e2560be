"""Data sets made of trajectories of other programs: which frames become which sample, parameters, stages, refusals."""

import dataclasses
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from dvc.utils.serialize import modify_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from foreign_files import moving_liquid, write_data, write_dcd, write_dump, write_h5md, write_xyz
from glassdyn import parameter_files, params
from glassdyn.cli import main
from glassdyn.datasets.contents import Contents, read_contents
from glassdyn.datasets.folder import CONFIG
from glassdyn.datasets.motion import Motion, measure_motion
from glassdyn.datasets.parameters import Statements, choose_parameters
from glassdyn.datasets.pipeline import make_stages
from glassdyn.errors import GlassdynError
from glassdyn.importing.raw_files import find_runs
from glassdyn.importing.source import ReadOptions
from glassdyn.importing.windows import Cut, count_windows, window_starts
from glassdyn.jobs.code_digest import SOURCE, code_files
from glassdyn.liquid.box import compute_box_length
from glassdyn.liquid.configuration import Configuration
from glassdyn.observables.sample import box_wave_vectors, measure_structure
from glassdyn.stages import import_files
from glassdyn.storage.snapshots import read_ids, read_snapshot, read_snapshot_metadata
from glassdyn.storage.trajectory import open_trajectory, sample_names
from short_pipeline import leaves, recording, shorten

WORDS = ["--species", "1=A,2=B", "--timestep", "0.005", "--temperature", "0.5"]
SHORT = ["--tau-alpha", "4.0", "--samples", "2"]


def cut(**changes):
    values = {
        "composition": (4, 1),
        "box_length": 2.0,
        "temperature": 0.5,
        "timestep": 0.005,
        "frame_steps": 40,
    }
    return Cut(**values | {"blocks": 1, "samples": 1, "intervals": 10, "gap": 5} | changes)


@settings(deadline=None)
@given(
    frames=st.integers(1, 500),
    blocks=st.integers(1, 4),
    half=st.integers(1, 20),
    gap=st.integers(1, 30),
)
def test_windows_fit_and_keep_their_distance(frames, blocks, half, gap):
    most = count_windows(frames, cut(blocks=blocks, intervals=2 * half, gap=gap))
    fitting = cut(blocks=blocks, intervals=2 * half, gap=gap, samples=max(most, 1))
    if not most:
        with pytest.raises(GlassdynError, match=r"in which 0 samples a block fit; take fewer or shorter"):
            window_starts(frames, fitting)
        return
    starts = window_starts(frames, fitting)
    assert list(starts) == [(block, sample) for block in range(blocks) for sample in range(most)]
    places = list(starts.values())
    assert places[0] == 0
    assert places[-1] + fitting.frames <= frames
    assert all(following - (start + 2 * half) >= gap for start, following in pairwise(places))
    with pytest.raises(GlassdynError, match=r"params\.yaml: simulation\.samples"):
        window_starts(frames, dataclasses.replace(fitting, samples=most + 1))


def test_a_run_of_one_window_has_it():
    assert window_starts(11, cut()) == {(0, 0): 0}
    assert count_windows(10, cut()) == 0


def test_runs_are_in_the_order_of_their_numbers(tmp_path):
    for name in ("run10.dump", "run9.dump", ".hidden", "top.data"):
        (tmp_path / name).touch()
    (tmp_path / "run11").mkdir()
    for name in ("2.dump", "10.dump"):
        (tmp_path / "run11" / name).touch()
    runs = find_runs(tmp_path, "top.data")
    assert [[path.name for path in files] for files in runs] == [
        ["run9.dump"],
        ["run10.dump"],
        ["2.dump", "10.dump"],
    ]
    (tmp_path / "run11" / "deeper").mkdir()
    with pytest.raises(GlassdynError, match="files of one run, and no folders"):
        find_runs(tmp_path)
    with pytest.raises(GlassdynError, match="there is none in"):
        find_runs(tmp_path / "absent")


def run_of(seed, frames=90, particles=240):
    """A walking liquid of 2:1; frames 0.2 tau apart."""
    species = np.arange(particles) % 3 == 2
    return moving_liquid(seed, particles=particles, frames=frames, step=0.15)._replace(
        species=species.astype(np.uint8)
    )


def lay_out_checkout(root, folder, patch):
    """A folder with what a data set takes from its checkout; data sets there are not given to DVC."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(root / name, folder)
    for name in ("src/glassdyn", "runs"):
        (folder / name).mkdir(parents=True)
    patch.chdir(folder)
    patch.setenv("GLASSDYN_SCRATCH", str(folder / ".scratch"))
    patch.setattr("glassdyn.datasets.new_dataset.track_files", lambda _folder: None)


@pytest.fixture
def checkout(root, tmp_path, monkeypatch):
    lay_out_checkout(root, tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def data_set(root, tmp_path_factory):
    """A data set of three runs, imported, and the keys that the stage has read."""
    folder, read, load = tmp_path_factory.mktemp("checkout"), set(), params.load
    with pytest.MonkeyPatch.context() as patch:
        lay_out_checkout(root, folder, patch)
        write_runs(folder)
        assert make(*SHORT) == 0
        patch.setattr(params, "load", lambda *path: recording(load(*path), read))
        patch.chdir(folder / "datasets" / "mine")
        import_files.main()
    return folder / "datasets" / "mine", read


def write_runs(folder, count=3, **changes):
    for number in range(count):
        write_dump(folder / "runs" / f"{number}.dump", run_of(number, **changes))


def make(*words):
    """The command on all runs."""
    files = map(str, sorted(Path("runs").iterdir()))
    return main(["new-dataset", "mine", "--from", *files, *WORDS, *map(str, words)])


@pytest.mark.slow
def test_samples_are_windows_of_the_runs(data_set):
    data = data_set[0] / "data"
    assert sample_names(data / "trajectories") == [
        f"copy{c:02}-sample{s:02}" for c in range(3) for s in range(2)
    ]
    for name in sample_names(data / "trajectories"):
        run, start = run_of(int(name[5])), 30 * int(name[-1])
        with open_trajectory(data / "trajectories" / f"{name}.h5") as trajectory:
            np.testing.assert_allclose(trajectory.window(0, 21), run.positions[start : start + 21], atol=1e-5)
            np.testing.assert_array_equal(trajectory.ids, run.ids)
            np.testing.assert_array_equal(trajectory.species, run.species)
            assert trajectory.interval == pytest.approx(0.2)
            assert trajectory.times[0] == pytest.approx(0.2 * start)
            assert trajectory.box_length == pytest.approx(run.box_length, rel=1e-12)
            middle = trajectory.configuration(10)
        snapshot = data / "snapshots" / f"{name}.parquet"
        wrapped = read_snapshot(snapshot).positions
        np.testing.assert_allclose(wrapped, middle.positions % middle.box_length, atol=1e-9)
        np.testing.assert_array_equal(read_ids(snapshot), run.ids)
        metadata = read_snapshot_metadata(snapshot)
        assert (metadata["frames"], metadata["frame"], metadata["temperature"]) == (21, 10, 0.5)


@pytest.mark.slow
def test_the_stage_reads_the_keys_that_it_declares(data_set):
    folder, read = data_set
    stage = YAML(typ="safe").load(folder / "dvc.yaml")["stages"]["import_files"]
    assert read == leaves(params.load(folder / "params.yaml"), stage["params"])


def test_the_configuration_of_dvc_is_that_of_the_published_sets(root):
    for name in ("botan", "glassbench"):
        assert (root / "datasets" / name / ".dvc" / "config").read_text() == CONFIG


@pytest.mark.slow
def test_a_folder_is_a_run_and_blocks_of_time_are_copies(checkout, monkeypatch):
    """The run of two files is that of one: the frame that both have is taken once."""
    run = run_of(0, frames=121)
    for name, frames in (("1.dump", slice(0, 61)), ("2.dump", slice(60, 121))):
        (checkout / "runs" / "long").mkdir(exist_ok=True)
        part = run._replace(positions=run.positions[frames], steps=run.steps[frames])
        write_dump(checkout / "runs" / "long" / name, part)
    assert make("--tau-alpha", "4.0", "--blocks", "3") == 0
    monkeypatch.chdir(checkout / "datasets" / "mine")
    import_files.main()
    data, starts = Path("data"), {}
    for name in sample_names(data / "trajectories"):
        with open_trajectory(data / "trajectories" / f"{name}.h5") as trajectory:
            starts[name] = round(trajectory.times[0] / 0.2)
            expected = run.positions[starts[name] : starts[name] + 21]
            np.testing.assert_allclose(trajectory.window(0, 21), expected, atol=1e-5)
    assert starts == {"copy00-sample00": 0, "copy01-sample00": 50, "copy02-sample00": 90}


@pytest.mark.slow
def test_parameters_state_what_the_files_hold(data_set, root):
    path, box_length = data_set[0] / "params.yaml", run_of(0).box_length
    made, ours = params.load(path), params.load(root / "params.yaml")
    assert made.raw.composition == (160, 80)
    assert made.liquid.density == pytest.approx(240 / box_length**3, rel=1e-12)
    assert (made.liquid.particles, made.liquid.temperature) == (240, 0.5)
    assert (made.simulation.timestep, made.simulation.frame_steps) == (0.005, 40)
    assert (made.simulation.copies, made.simulation.samples, made.evaluate.folds) == (3, 2, 3)
    assert (made.potential.truncation, made.describe.fields) == ("none", ())
    assert made.descriptors.r_max <= box_length / 2
    assert (made.train, made.model, made.loss.targets) == (ours.train, ours.model, ("p_hop",))
    before = path.read_text()
    with modify_yaml(path):
        pass
    assert path.read_text() == before


CONTENTS = Contents((160, 80), 5.85, 0.005, 40, 90, 3, has_energies=False, temperature=None)
MOTION = Motion(tau_alpha=4.0, plateau=0.21)
STATED = Statements(
    potential="none",
    temperature=0.5,
    tau_alpha=None,
    duration=None,
    samples=None,
    blocks=1,
    raw={"species": "", "keys": "", "timestep": 0.0, "unwrapped": False},
)


@settings(deadline=None)
@given(box_length=st.floats(1.0, 100.0), particles=st.integers(5, 10**6))
def test_the_box_of_a_density_is_no_shorter_and_hardly_longer(box_length, particles):
    contents = dataclasses.replace(CONTENTS, composition=(particles - 1, 1), box_length=box_length)
    length = compute_box_length(particles, contents.density)
    assert box_length <= length <= box_length * (1 + 1e-14)


def choose(root, contents=CONTENTS, motion=MOTION, **stated):
    sections = parameter_files.read(root / "params.yaml")
    return choose_parameters(sections, contents, motion, dataclasses.replace(STATED, **stated))


@pytest.mark.parametrize("runs", [3, 4, 5, 7, 10, 25])
def test_every_copy_has_a_part_and_no_fold_tests_one_twice(root, runs):
    sections = choose(root, dataclasses.replace(CONTENTS, runs=runs))
    split = sections["split"]
    assert sorted([*split["train"], *split["validation"], *split["test"]]) == list(range(runs))
    assert sections["evaluate"]["folds"] * len(split["test"]) <= runs


def test_what_is_measured_and_what_is_stated(root):
    assert choose(root)["simulation"]["tau_alpha"] == 4.0
    assert choose(root, tau_alpha=5.0)["simulation"]["tau_alpha"] == 5.0
    assert choose(root)["hops"]["p_c"] == 0.21
    assert choose(root, motion=Motion(4.0, None))["hops"]["p_c"] == params.load(root / "params.yaml").hops.p_c
    warm = dataclasses.replace(CONTENTS, temperature=0.61)
    assert choose(root, warm, temperature=None)["liquid"]["temperature"] == 0.61
    assert choose(root, warm)["liquid"]["temperature"] == 0.5
    assert choose(root)["simulation"]["samples"] == 3
    assert choose(root, samples=1)["simulation"]["samples"] == 1


def test_the_known_potential_keeps_the_fields(root):
    large = dataclasses.replace(CONTENTS, composition=(800, 200), box_length=(1000 / 1.2) ** (1 / 3))
    sections, ours = choose(root, large, potential="kob-andersen"), parameter_files.read(root / "params.yaml")
    assert sections["potential"] == ours["potential"]
    assert sections["describe"] == ours["describe"]
    assert sections["graph"] == ours["graph"]


REFUSED = {
    "two runs": ({"runs": 2}, {}, "got 2 runs; add runs, or cut each into 2 blocks of time, by --blocks 2"),
    "too many samples": ({}, {"samples": 9}, "3 samples of 21 frames fit: got --samples 9"),
    "sparse frames": ({}, {"tau_alpha": 1.0}, "a window has 17 frames at least: got 5"),
    "long windows": ({}, {"tau_alpha": 100.0}, "fit: got --samples 1; take fewer, or shorter ones"),
    "a small box": ({}, {"potential": "kob-andersen"}, "take at least"),
    "temperature": ({}, {"temperature": None}, "as in --temperature 0.44"),
}


@pytest.mark.parametrize(("contents", "stated", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(root, contents, stated, message):
    small = {"box_length": 4.99} if stated.get("potential") else {}
    with pytest.raises(GlassdynError, match=re.escape(message)):
        choose(root, dataclasses.replace(CONTENTS, **contents, **small), **stated)


def test_a_box_of_two_cutoffs_holds_the_potential(root):
    exact = dataclasses.replace(CONTENTS, composition=(120, 30), box_length=5.0)
    assert choose(root, exact, potential="kob-andersen")["descriptors"]["r_max"] == 2.5


def test_a_run_without_decay_is_refused(root):
    with pytest.raises(GlassdynError, match="as in --tau-alpha 4000"):
        choose(root, motion=Motion(None, 0.2))


@pytest.mark.slow
def test_stages_are_those_of_the_root(data_set, root):
    """With the same commands, code and parameters; every file read is made before, and every code file is declared."""
    path = data_set[0] / "dvc.yaml"
    made = YAML(typ="safe").load(path)
    ours = YAML(typ="safe").load(root / "dvc.yaml")
    assert list(made["stages"])[:3] == ["import_files", "observe", "describe"]
    assert set(ours["stages"]) - set(made["stages"]) == {"equilibrate", "record", "isoconfigurational"}
    for name in made["stages"].keys() - {"import_files"}:
        theirs, stage = made["stages"][name], ours["stages"][name]
        assert theirs["cmd"] == stage["cmd"]
        code = [[entry for entry in each["deps"] if entry.startswith("src/")] for each in (theirs, stage)]
        assert code[0] == code[1]
        assert not [entry for entry in theirs["deps"] if "isoconfigurational" in entry]
        assert theirs["params"] == stage["params"]
    assert [name for plot in made["plots"] for name in plot] == [
        name for plot in ours["plots"] for name in plot
    ]
    before = path.read_text()
    with modify_yaml(path):
        pass
    assert path.read_text() == before


def test_the_import_declares_its_code():
    declared = [
        entry.removeprefix("src/")
        for entry in make_stages({})["import_files"]["deps"]
        if entry.startswith("src/")
    ]
    files = [str(path.relative_to(SOURCE)) for path in code_files("glassdyn.stages.import_files").values()]
    lacking = [
        file for file in files if not any(file == each or file.startswith(f"{each}/") for each in declared)
    ]
    idle = [
        each for each in declared if not any(file == each or file.startswith(f"{each}/") for file in files)
    ]
    assert not lacking
    assert not idle


def test_files_may_lie_there_already(checkout, capsys):
    assert main(["new-dataset", "mine"]) == 0
    assert "put the files there" in capsys.readouterr().out
    for number in range(3):
        write_dump(checkout / "datasets" / "mine" / "raw" / f"{number}.dump", run_of(number))
    assert main(["new-dataset", "mine", *WORDS, *SHORT]) == 0
    assert params.load(checkout / "datasets/mine/params.yaml").simulation.copies == 3
    assert len(list((checkout / "datasets/mine/raw").iterdir())) == 3
    assert main(["new-dataset", "mine", *WORDS, *SHORT]) == 1
    assert "a data set is made once" in capsys.readouterr().err


@pytest.mark.slow
def test_what_files_do_not_say_is_stated_and_stays(checkout, monkeypatch):
    """DCD holds neither species nor ids; the file with the species lies in raw/ and is no run."""
    for number in range(3):
        write_dcd(checkout / "runs" / f"{number}.dcd", run_of(number))
    write_data(checkout / "top.data", run_of(0))
    assert make(*SHORT, "--topology", "top.data") == 0
    monkeypatch.chdir(checkout / "datasets" / "mine")
    stated = params.load().raw
    assert (stated.species, stated.topology, stated.timestep) == ("1=A,2=B", "top.data", 0.005)
    import_files.main()
    with open_trajectory(Path("data/trajectories/copy01-sample01.h5")) as trajectory:
        expected = run_of(1).positions[30:51]
        moved = trajectory.window(0, 21) - trajectory.frame(0)
        np.testing.assert_allclose(moved, expected - expected[0], atol=1e-4)


def test_an_interval_without_steps_is_divided_into_steps(tmp_path):
    run = run_of(0, frames=3)
    write_xyz(tmp_path / "run.xyz", run)
    contents = read_contents([[tmp_path / "run.xyz"]], ReadOptions(box_length=run.box_length, timestep=0.2))
    assert (contents.timestep, contents.frame_steps) == (0.005, 40)
    assert contents.composition == (160, 80)
    assert (contents.frames, contents.runs, contents.has_energies) == (3, 1, False)


def test_tau_alpha_is_that_of_the_steps(tmp_path):
    """Of walkers: F_s = exp(-q^2 s^2 k / 2) after k steps of s along each axis, whatever q is."""
    run, size = run_of(0, frames=400, particles=500), 0.06
    steps = np.random.default_rng(1).normal(0, size, run.positions.shape)
    walk = run._replace(positions=run.positions[0] + np.cumsum(steps, axis=0))
    write_h5md(tmp_path / "run.h5", walk)
    motion = measure_motion([tmp_path / "run.h5"], ReadOptions(), 0.2)
    configuration = Configuration(walk.positions[0], walk.species, walk.box_length)
    vectors = box_wave_vectors(walk.box_length)
    wave_numbers = vectors.lengths[measure_structure(configuration, vectors).total > 1.2]
    taus = 0.2 / (wave_numbers**2 * size**2 / 2)
    assert taus.min() < motion.tau_alpha < taus.max()
    assert motion.plateau > size


def test_runs_of_other_liquids_and_names_are_refused(checkout, capsys):
    write_runs(checkout)
    write_dump(checkout / "runs" / "3.dump", run_of(3, particles=243))
    assert make(*SHORT) == 1
    assert "all runs are of one liquid, in boxes alike: got 162 A and 81 B" in capsys.readouterr().err
    assert main(["new-dataset", "../mine", "--from", "runs/0.dump", *WORDS]) == 1
    assert "a name has letters, digits" in capsys.readouterr().err
    assert not list(checkout.glob("datasets/*"))


@pytest.mark.slow
def test_files_that_change_later_are_refused_by_the_stage(checkout, monkeypatch, data_set):
    shutil.copy(data_set[0] / "params.yaml", checkout)
    (checkout / "raw").mkdir()
    write_dump(checkout / "raw" / "0.dump", run_of(0, frames=40))
    write_dump(checkout / "raw" / "1.dump", run_of(1)._replace(steps=20 * np.arange(90)))
    write_dump(checkout / "raw" / "2.dump", run_of(2)._replace(species=1 - run_of(2).species))
    with pytest.raises(GlassdynError) as error:
        import_files.main()
    text = str(error.value)
    assert "1 blocks of 2 samples of 21 frames, 10 intervals apart, need 51 frames: got 40" in text
    assert "frames are 0.2 tau apart, frame_steps x timestep: got 0.1 in" in text
    assert "a data set is of one liquid, 160 A and 80 B: got (80, 160) in" in text
    (checkout / "raw" / "3.dump").write_bytes((checkout / "raw" / "1.dump").read_bytes())
    with pytest.raises(GlassdynError, match=r"got 4 runs for 3 copies; state 4, and the part of each"):
        import_files.main()


NEEDING = {
    "energies": ({"describe": {"fields": ["energy", "cage_energy"]}}, "got energy, cage_energy"),
    "minima": ({"describe": {"inherent": True}}, "got describe.inherent"),
    "runs": ({"isoconfigurational": {"runs": 3}}, "isoconfigurational runs need the potential"),
    "other particles": ({"liquid": {"particles": 235}}, r"got \[160, 80\] of 235"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "message"), NEEDING.values(), ids=NEEDING)
def test_what_needs_the_potential_is_refused_by_name(data_set, tmp_path, changes, message):
    shorten(data_set[0] / "params.yaml", tmp_path / "params.yaml", changes)
    with pytest.raises(params.ParamsError, match=message):
        params.load(tmp_path / "params.yaml")


def test_a_simulation_has_a_potential(root):
    with pytest.raises(params.ParamsError, match="a simulation has a potential"):
        params.load(root / "params.yaml", ["potential.truncation=none"])
