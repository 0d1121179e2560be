"""The labels of whole trajectories: planted hops are found, and bad input is refused."""

import h5py
import numpy as np
import pytest

from glassdyn import tables
from glassdyn.figures.labels import save_all
from glassdyn.labels.coarse import coarse_grained
from glassdyn.labels.hops import hop_at, hop_series, rule_of
from glassdyn.labels.middle import averaged, label_names, label_parameters, labelled_blocks
from glassdyn.labels.summary import densities, example_particles, examples, summarise
from glassdyn.labels.tracks import tracks_of
from glassdyn.labels.wavelets import kernels, wavelet_at
from glassdyn.params import Hops, Wavelets
from glassdyn.recorder import Recorder
from glassdyn.synthetic import write_caged
from glassdyn.trajectory import TrajectoryError, open_trajectory

HOPS, WAVELETS = Hops(0.16, 5.0, 50, "none"), Wavelets((20, 50))
PARTICLES, FRAMES = 300, 501


@pytest.fixture(scope="module")
def caged(tmp_path_factory):
    path = tmp_path_factory.mktemp("caged") / "copy00-sample00.h5"
    return path, write_caged(path, 1, particles=PARTICLES, frames=FRAMES)


def label(path, target, hops=HOPS, wavelets=WAVELETS):
    with open_trajectory(path) as opened:
        blocks = labelled_blocks(opened, hops, wavelets, lambda _: None)
        schema = tables.labels_schema(label_names(wavelets.scales))
        tables.write(target, schema, blocks, label_parameters(opened, hops, wavelets))
    return tables.read(target)


def test_labels_of_a_file_equal_those_of_its_arrays(caged, tmp_path, monkeypatch):
    monkeypatch.setattr("glassdyn.labels.middle.BLOCK_BYTES", 100 * 12 * FRAMES)
    table = label(caged[0], tmp_path / "a.parquet")
    with open_trajectory(caged[0]) as opened:
        tracks = tracks_of(opened.series(0, PARTICLES), opened.box_length)
        assert len(list(opened.particle_blocks(100 * 12 * FRAMES))) > 1
    np.testing.assert_array_equal(table["p_hop"].to_numpy(), hop_at(tracks, 250, rule_of(HOPS, 0.1)))
    expected = wavelet_at(tracks, 250, kernels((20, 50), 250, 0.1))
    np.testing.assert_array_equal(table.select("cwt_20", "cwt_50").to_numpy(), expected)
    np.testing.assert_array_equal(table["particle"].to_numpy(), np.arange(PARTICLES))
    assert table["type"].to_numpy().sum() == PARTICLES // 5


def test_planted_hops_are_found(caged):
    """Every hop with room for two segments on both sides is seen where it was planted, and no other."""
    path, planted = caged
    with open_trajectory(path) as opened:
        series = hop_series(tracks_of(opened.series(0, PARTICLES), opened.box_length), rule_of(HOPS, 0.1))
    stay = planted.frames == FRAMES
    clear = (planted.frames >= 100) & (planted.frames <= FRAMES - 100)
    assert clear.sum() > 30
    assert (series[stay] < HOPS.p_c).all()
    assert (np.abs(series[clear].max(axis=1) - 0.8) < 0.1).all()
    found = (series[clear] > HOPS.p_c).sum(axis=1)
    assert (found == 101).all()  # t_f on both sides of one split
    first = (series[clear] > HOPS.p_c).argmax(axis=1) + 50
    assert (np.abs(first - planted.frames[clear]) <= 1).all()


def test_parameters_stand_in_the_table(caged, tmp_path):
    label(caged[0], tmp_path / "a.parquet")
    assert tables.parameters(tmp_path / "a.parquet") == {
        "p_c": 0.16, "t_f": 5.0, "min_segment": 50, "weight": "none",
        "scales": [20, 50], "interval": pytest.approx(0.1), "frames": FRAMES,
    }  # fmt: skip


def test_averages_stand_beside_the_labels(caged):
    with open_trajectory(caged[0]) as opened:
        columns = averaged(labelled_blocks(opened, HOPS, WAVELETS, lambda _: None), opened, (0.5, 2.0))
        positions, box_length = opened.frame(opened.middle), opened.box_length
    labels = np.column_stack([columns[name] for name in ("p_hop", "cwt_20", "cwt_50")])
    expected = coarse_grained(labels, positions, box_length, [0.5, 2.0])
    np.testing.assert_array_equal(columns["cwt_20_ell0.5"], expected[:, 1])
    np.testing.assert_array_equal(columns["p_hop_ell2"], expected[:, 3])


def copy_with(path, target, change):
    """A copy of the trajectory with something changed by `change(positions, file)`."""
    with h5py.File(path) as source, h5py.File(target, "w") as other:
        for name in source:
            source.copy(name, other)
        change(other["particles/all"])
    return target


def lose(group):
    values = group["position/value"][...]
    values[77, 33] = np.nan
    group["position/value"][...] = values


def wrap_one(group):
    values = group["position/value"][...]
    values[100:, 12, 0] += 6.3
    group["position/value"][...] = values


def skip_a_step(group):
    step = group["position/step"]
    if step.shape == ():
        pytest.skip("steps are stored as one increment")
    step[300:] = step[300:] + 1


def without_species(group):
    del group["species"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lose, r"particle 33 is at \[nan, nan, nan\] in frame 77"),
        (wrap_one, "particle 12 is at .* in frame 100"),
        (skip_a_step, "equally spaced"),
        (without_species, "species"),
    ],
)
def test_damaged_trajectories_leave_no_table(caged, tmp_path, change, message):
    path = copy_with(caged[0], tmp_path / "damaged.h5", change)
    with pytest.raises(TrajectoryError, match=message):
        label(path, tmp_path / "labels" / "a.parquet")
    assert not (tmp_path / "labels" / "a.parquet").exists()


def test_a_truncated_file_leaves_no_table(caged, tmp_path):
    path = tmp_path / "cut.h5"
    path.write_bytes(caged[0].read_bytes()[:-5000])
    with pytest.raises(TrajectoryError, match="truncated"):
        label(path, tmp_path / "a.parquet")


def test_windows_too_short_name_what_fits(caged, tmp_path):
    with pytest.raises(TrajectoryError, match="the longest that fits is 62"):
        label(caged[0], tmp_path / "a.parquet", wavelets=Wavelets((20, 63)))
    with pytest.raises(TrajectoryError, match="two segments"):
        label(caged[0], tmp_path / "a.parquet", hops=Hops(0.16, 5.0, 260, "none"))
    assert list(tmp_path.iterdir()) == []


def test_summaries_show_the_labels(caged, tmp_path):
    table = label(caged[0], tmp_path / "a.parquet")
    density = densities({"one": table, "two": table}, "p_hop", bins=20)
    assert density.height == 40
    width = density["value"][1] - density["value"][0]
    assert density.filter(sample="one")["density"].sum() * width == pytest.approx(1)
    chosen = example_particles(table, HOPS.p_c, "cwt_50")
    assert table["p_hop"][chosen["hopping"]] == table["p_hop"].max()
    assert table["p_hop"][chosen["slow"]] < HOPS.p_c
    with open_trajectory(caged[0]) as opened:
        shown = examples(opened, chosen, HOPS, WAVELETS)
    middle = shown.filter(kind="hopping")[250]
    assert middle["p_hop"].item() == table["p_hop"].max()
    assert middle["time"].item() == pytest.approx(25.0)


def test_figures_repeat_to_the_byte(caged, tmp_path):
    labels = {"copy00-sample00": label(caged[0], tmp_path / "a.parquet")}
    for folder in ("one", "two"):
        with open_trajectory(caged[0]) as opened:
            save_all(summarise(labels, opened, HOPS, WAVELETS), HOPS.p_c, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [f"{name}.{kind}" for name in ("cwt", "examples", "p_hop") for kind in ("csv", "png")]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_frames_are_turned_particle_by_particle():
    block = np.random.default_rng(0).normal(size=(30, 21, 3)).astype(np.float32)
    np.testing.assert_array_equal(tracks_of(block, 50.0), block.astype(np.float64).transpose(1, 2, 0))
    with pytest.raises(ValueError, match="particle 121"):
        tracks_of(np.concatenate([block, 1 + block[:, -1:] * np.inf], axis=1), 50.0, first=100)


def test_a_trajectory_of_even_length_has_its_middle_before_the_half(tmp_path):
    rng = np.random.default_rng(0)
    frames = np.cumsum(rng.normal(size=(200, 5, 3)) * 0.05, axis=0)
    with Recorder(
        tmp_path / "a.h5", species=np.zeros(5, np.uint8), box_length=20.0, timestep=0.1
    ) as recorder:
        for step, positions in enumerate(frames):
            recorder.append(step, positions)
    table = label(tmp_path / "a.h5", tmp_path / "a.parquet", Hops(0.16, 1.0, 10, "none"), Wavelets((10, 24)))
    tracks = np.ascontiguousarray(frames.astype(np.float32).astype(np.float64).transpose(1, 2, 0))
    np.testing.assert_array_equal(
        table["p_hop"].to_numpy(), hop_at(tracks, 99, rule_of(Hops(0.16, 1.0, 10, "none"), 0.1))
    )
