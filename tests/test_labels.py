"""The labels of whole trajectories: planted hops are there, and bad input is refused."""

import shutil

import h5py
import numpy as np
import polars as pl
import pytest

from caged_walkers import write_caged
from glassdyn import params
from glassdyn.figures.labels import examples, hop_densities
from glassdyn.jobs import run_jobs
from glassdyn.labels import LABELS
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.labels.densities import densities, linear_edges, logarithmic_edges
from glassdyn.labels.examples import choose_particles, tabulate_examples
from glassdyn.labels.labelling import plan
from glassdyn.labels.midframe import label_midframe, label_parameters, with_coarse_grained
from glassdyn.labels.p_hop import criteria_in_frames, p_hop_at, p_hop_series
from glassdyn.labels.sections import as_mappings, column_names, from_mappings, select_sections
from glassdyn.labels.summary import tabulate_labels
from glassdyn.labels.tracks import check_tracks
from glassdyn.labels.wavelets import difference_weights, wavelet_at
from glassdyn.storage import tables
from glassdyn.storage.trajectory import TrajectoryError, open_trajectory
from glassdyn.storage.trajectory_writer import TrajectoryWriter
from short_pipeline import section

HOPS, WAVELETS = (
    section("hops", p_c=0.16, t_f=5.0, min_segment=50, weight="none"),
    section("wavelets", scales=(20, 50)),
)
SECTIONS = {"hops": HOPS, "wavelets": WAVELETS}
PARTICLES, FRAMES = 300, 501


@pytest.fixture(scope="module")
def caged(tmp_path_factory):
    path = tmp_path_factory.mktemp("caged") / "copy00-sample00.h5"
    return path, write_caged(path, 1, particles=PARTICLES, frames=FRAMES)


def label(path, target, sections=SECTIONS, advance=lambda _: None):
    with open_trajectory(path) as opened:
        blocks = label_midframe(opened, sections, advance)
        schema = tables.labels_schema(column_names(sections))
        tables.write(target, schema, blocks, label_parameters(opened, sections))
    return tables.read(target)


def test_labels_are_those_that_the_parameters_name(root):
    sections = select_sections(params.load(root / "params.yaml"))
    for label in LABELS:
        columns = list(label.columns(sections[label.section]))
        assert columns == sections[label.section].labels
        assert all(column == label.name or column.startswith(f"{label.name}_") for column in columns)


def test_sections_return_from_their_mappings():
    assert from_mappings({**as_mappings(SECTIONS), "lengths": [1.0]}) == SECTIONS


def test_no_two_sections_share_a_key():
    """They are stored side by side in the table."""
    keys = [key for section in as_mappings(SECTIONS).values() for key in section]
    assert len(set(keys)) == len(keys)


def test_labels_of_a_file_equal_those_of_its_arrays(caged, tmp_path, monkeypatch):
    monkeypatch.setattr("glassdyn.labels.midframe.BLOCK_BYTES", 100 * 12 * FRAMES)
    advances = []
    table = label(caged[0], tmp_path / "a.parquet", advance=advances.append)
    assert len(advances) > 1
    assert sum(advances) == PARTICLES * FRAMES
    with open_trajectory(caged[0]) as opened:
        tracks = check_tracks(opened.tracks(0, PARTICLES), opened.box_length)
        assert len(list(opened.particle_blocks(100 * 12 * FRAMES))) > 1
    np.testing.assert_array_equal(
        table["p_hop"].to_numpy(), p_hop_at(tracks, 250, criteria_in_frames(HOPS, 0.1))
    )
    expected = wavelet_at(tracks, 250, difference_weights((20, 50), 250, 0.1))
    np.testing.assert_array_equal(table.select("cwt_20", "cwt_50").to_numpy(), expected)
    np.testing.assert_array_equal(table["particle"].to_numpy(), np.arange(PARTICLES))
    assert table["type"].to_numpy().sum() == PARTICLES // 5


@pytest.mark.parametrize("threads", [2, 7])
@pytest.mark.parametrize("chunks", [(128, 128, 3), (1, PARTICLES, 3), None])
def test_labels_are_the_same_by_any_number_of_threads_from_any_chunks(
    caged, tmp_path, monkeypatch, chunks, threads
):
    """Blocks of particles are more than threads, or fewer, or too much for the memory."""
    expected = label(caged[0], tmp_path / "a.parquet")
    shutil.copy(caged[0], tmp_path / "other.h5")
    with h5py.File(tmp_path / "other.h5", "a") as file:
        group = file["particles/all/position"]
        positions = group["value"][:]
        del group["value"]
        group.create_dataset("value", data=positions, chunks=chunks)
    for module in ("liquid.compiled", "labels.midframe"):
        monkeypatch.setattr(f"glassdyn.{module}.cores", lambda: threads)
    assert label(tmp_path / "other.h5", tmp_path / "b.parquet").equals(expected)
    monkeypatch.setattr("glassdyn.labels.midframe.MEMORY_BYTES", 4 * 100 * 12 * FRAMES)
    assert label(tmp_path / "other.h5", tmp_path / "b.parquet").equals(expected)


def test_planted_hops_are_where_they_were_planted(caged):
    """Every hop with two segments on both sides is where it was planted, and there is no other."""
    path, planted = caged
    with open_trajectory(path) as opened:
        series = p_hop_series(
            check_tracks(opened.tracks(0, PARTICLES), opened.box_length), criteria_in_frames(HOPS, 0.1)
        )
    stay = planted.frames == FRAMES
    clear = (planted.frames >= 100) & (planted.frames <= FRAMES - 100)
    assert clear.sum() > 30
    assert (series[stay] < HOPS.p_c).all()
    assert (np.abs(series[clear].max(axis=1) - 0.8) < 0.1).all()
    above = (series[clear] > HOPS.p_c).sum(axis=1)
    assert (above == 101).all()  # t_f on both sides of one split
    first = (series[clear] > HOPS.p_c).argmax(axis=1) + 50
    assert (np.abs(first - planted.frames[clear]) <= 1).all()


def test_parameters_stand_in_the_table(caged, tmp_path):
    label(caged[0], tmp_path / "a.parquet")
    assert tables.read_parameters(tmp_path / "a.parquet") == {
        "p_c": 0.16, "t_f": 5.0, "min_segment": 50, "weight": "none",
        "scales": [20, 50], "interval": 0.1, "frames": FRAMES, "frame": 250,
        "box_length": pytest.approx((PARTICLES / 1.2) ** (1 / 3)),
    }  # fmt: skip


def test_averages_stand_beside_the_labels(caged):
    with open_trajectory(caged[0]) as opened:
        columns = with_coarse_grained(label_midframe(opened, SECTIONS, lambda _: None), opened, (0.5, 2.0))
        positions, box_length = opened.frame(opened.middle), opened.box_length
    labels = np.column_stack([columns[name] for name in ("p_hop", "cwt_20", "cwt_50")])
    expected = coarse_grain(labels, positions, box_length, [0.5, 2.0])
    np.testing.assert_array_equal(columns["cwt_20_ell0.5"], expected[:, 1])
    np.testing.assert_array_equal(columns["p_hop_ell2"], expected[:, 3])


def copy_with(path, target, change):
    """A copy of the trajectory with something changed by `change(positions, file)`."""
    with h5py.File(path) as source, h5py.File(target, "w") as copy:
        for name in source:
            source.copy(name, copy)
        change(copy["particles/all"])
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
        label(
            caged[0],
            tmp_path / "a.parquet",
            sections=SECTIONS | {"wavelets": section("wavelets", scales=(20, 63))},
        )
    with pytest.raises(TrajectoryError, match="two segments"):
        label(
            caged[0],
            tmp_path / "a.parquet",
            sections=SECTIONS | {"hops": section("hops", p_c=0.16, t_f=5.0, min_segment=260, weight="none")},
        )
    assert list(tmp_path.iterdir()) == []


def test_densities_are_those_of_each_species(caged, tmp_path):
    table = label(caged[0], tmp_path / "a.parquet")
    edges = linear_edges(table["p_hop"])
    density = densities({"one": table, "two": table}, "p_hop", edges)
    assert density.height == 2 * 2 * (len(edges) - 1)
    for species, kind in (("A", 0), ("B", 1)):
        rows = density.filter(sample="two", species=species)
        expected, _ = np.histogram(table.filter(type=kind)["p_hop"], edges, density=True)
        np.testing.assert_allclose(rows["density"], expected)
        np.testing.assert_array_equal([*rows["low"], rows["high"][-1]], edges)


def test_logarithmic_bins_hold_every_value_but_the_negligible():
    values = pl.Series([0.0, 1e-9, 0.01, 0.3, 2.0])
    edges = logarithmic_edges(values)
    assert (edges[0], edges[-1]) == pytest.approx((0.01, 2.0))
    np.testing.assert_allclose(edges[1:] / edges[:-1], edges[1] / edges[0])
    table = pl.DataFrame({"type": np.zeros(5, np.uint8), "cwt_50": values})
    rows = densities({"all": table}, "cwt_50", edges).filter(species="A")
    inside = (rows["density"] * (rows["high"] - rows["low"])).sum()
    assert inside == pytest.approx(3 / 5)
    assert np.isfinite(logarithmic_edges(pl.Series([0.0, 0.0]))).all()


def test_examples_are_a_particles_of_their_kinds(caged, tmp_path):
    table = label(caged[0], tmp_path / "a.parquet")
    with open_trajectory(caged[0]) as opened:
        particles = choose_particles(table, opened, HOPS, "cwt_50")
        rows = tabulate_examples(opened, particles, HOPS, WAVELETS)
    assert (table["type"].to_numpy()[list(particles.values())] == 0).all()
    middle = rows.filter(kind="hopping")[250]
    assert middle["p_hop"].item() == table.filter(type=0)["p_hop"].max()
    assert middle["time"].item() == pytest.approx(25.0)


def test_the_slow_example_hops_nowhere_in_the_window(caged, tmp_path, monkeypatch):
    path, planted = caged
    table = label(path, tmp_path / "a.parquet")
    early = int(np.flatnonzero((planted.frames < 120) & (table["type"].to_numpy() == 0))[0])
    raised = pl.when(pl.col("particle") == early).then(99.0).otherwise("cwt_50").alias("cwt_50")
    table = table.with_columns(raised)
    assert table["p_hop"][early] < HOPS.p_c, "what it does at the middle tells nothing"
    with open_trajectory(path) as opened:
        slow = choose_particles(table, opened, HOPS, "cwt_50")["slow"]
        criteria = criteria_in_frames(HOPS, opened.interval)
        series = p_hop_series(check_tracks(opened.tracks(0, PARTICLES), opened.box_length), criteria)
        assert series[early].max() >= HOPS.p_c > series[slow].max()
        monkeypatch.setattr("glassdyn.labels.examples.CANDIDATES", 1)
        assert choose_particles(table, opened, HOPS, "cwt_50")["slow"] == early, "all that were followed hop"


def test_every_label_has_its_densities(caged, tmp_path):
    labels = {"copy00-sample00": label(caged[0], tmp_path / "a.parquet")}
    with open_trajectory(caged[0]) as opened:
        summary = tabulate_labels(labels, opened, SECTIONS)
    assert set(summary) == {label.name for label in LABELS} | {"examples"}
    assert summary["cwt"]["label"].unique(maintain_order=True).to_list() == ["cwt_20", "cwt_50"]
    assert set(summary["p_hop"]["sample"]) == {"all", "copy00-sample00"}


def test_a_job_writes_the_table_and_is_done_once(caged, tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / ".scratch"))
    expected = label(caged[0], tmp_path / "a.parquet")
    output = tmp_path / "labels/copy00-sample00.parquet"
    for _ in range(2):
        jobs = plan(["copy00-sample00"], caged[0].parent, output.parent, SECTIONS, (2.0,))
        assert [job.work for job in jobs] == [PARTICLES * FRAMES]
        run_jobs(jobs, label="label", unit="positions")
        table = tables.read(output)
        assert table.select(expected.columns).equals(expected)
        assert table.columns[len(expected.columns) :] == ["p_hop_ell2", "cwt_20_ell2", "cwt_50_ell2"]
        assert tables.read_parameters(output) == tables.read_parameters(tmp_path / "a.parquet") | {
            "lengths": [2.0]
        }
        output.unlink()
        monkeypatch.setattr("glassdyn.labels.labelling.label_midframe", None)
    assert len(list((tmp_path / ".scratch/jobs").iterdir())) == 1


def test_no_line_crosses_an_empty_bin():
    rows = {"low": [0.0, 0.1, 0.2, 0.3], "high": [0.1, 0.2, 0.3, 0.4], "density": [5.0, 0.0, 0.0, 1.0]}
    pooled = pl.DataFrame({"sample": "all", "species": "A", **rows})
    figure = hop_densities(pl.concat([pooled, pooled.with_columns(species=pl.lit("B"))]), 0.23)
    figure.draw_without_rendering()
    (pair,) = figure.axes
    floor = pair.get_ylim()[0]
    assert 0.1 < floor < 1.0
    for steps in pair.patches:
        (heights,) = [steps.get_data().values]
        assert heights.tolist() == rows["density"]
        between = [y for x, y in steps.get_path().vertices if 0.1 < x < 0.3]
        assert max(between, default=0.0) < floor
    assert "sigma_{AA}^{-1}" in pair.get_ylabel()


def test_padded_parts_of_the_wavelet_panel_are_grey():
    time = np.arange(101) * 0.5
    still = {"x": 0.0, "y": 0.0, "z": 0.0, "p_hop": 0.1, "cwt_10": 0.2}
    figure = examples(pl.DataFrame({"kind": "slow", "particle": 3, "time": time}).with_columns(**{
        name: pl.lit(value) for name, value in still.items()
    }), 0.2, 0.1)  # fmt: skip
    spans = [span.get_bbox().intervalx.tolist() for span in figure.axes[2].patches]
    assert spans == [[0.0, 4.0], [46.0, 50.0]], "four scales of 1 tau from both ends of 50 tau"
    assert figure.axes[2].get_legend().get_texts()[0].get_text() == r"$a = 1\,\tau$"


def test_lost_and_wrapped_particles_are_refused():
    tracks = np.random.default_rng(0).normal(size=(21, 3, 30)).astype(np.float32)
    np.testing.assert_array_equal(check_tracks(tracks, 50.0), tracks.astype(np.float64))
    for lost in (np.inf, np.nan, 30.0):
        for frame in (0, 1, 29):
            damaged = tracks.copy()
            damaged[17, 1, frame] += lost
            with pytest.raises(ValueError, match="particle 117"):
                check_tracks(damaged, 50.0, first=100)


def test_a_trajectory_of_even_length_has_its_middle_before_the_half(tmp_path):
    rng = np.random.default_rng(0)
    frames = np.cumsum(rng.normal(size=(200, 5, 3)) * 0.05, axis=0)
    with TrajectoryWriter(
        tmp_path / "a.h5", species=np.zeros(5, np.uint8), box_length=20.0, timestep=0.1
    ) as recorder:
        for step, positions in enumerate(frames):
            recorder.append(step, positions)
    hops = section("hops", p_c=0.16, t_f=1.0, min_segment=10, weight="none")
    table = label(
        tmp_path / "a.h5",
        tmp_path / "a.parquet",
        {"hops": hops, "wavelets": section("wavelets", scales=(10, 24))},
    )
    tracks = np.ascontiguousarray(frames.astype(np.float32).astype(np.float64).transpose(1, 2, 0))
    np.testing.assert_array_equal(
        table["p_hop"].to_numpy(), p_hop_at(tracks, 99, criteria_in_frames(hops, 0.1))
    )
