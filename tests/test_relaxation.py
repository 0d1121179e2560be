"""Relaxation of motions whose laws are known: ballistic, Brownian, caged, hopping."""

import numpy as np
import pytest

from glassdyn.liquid.box import minimum_image
from glassdyn.liquid.potential import assign_species
from glassdyn.observables import relaxation
from references.relaxation import displacement_moments_by_loop

RNG = np.random.default_rng(11)


def measure(positions, lags=None, origins=None, wave_number=7.2, blocks=3):
    """Displacements of (T, N, 3) positions, fed in blocks of particles."""
    frames, particles = positions.shape[:2]
    lags = np.arange(1, frames) if lags is None else lags
    origins = np.arange(frames - 1) if origins is None else origins
    species = assign_species(particles)
    parts = np.array_split(np.arange(particles), blocks)
    pieces = ((positions[:, part].astype(np.float32), species[part]) for part in parts)
    return relaxation.measure_displacements(pieces, lags=lags, origins=origins, wave_number=wave_number)


def test_sums_equal_the_double_loop_and_do_not_depend_on_the_blocks():
    positions = np.cumsum(RNG.normal(0, 0.2, (12, 20, 3)), axis=0).astype(np.float32)
    moved = measure(positions)
    expected = displacement_moments_by_loop(
        positions, assign_species(20), lags=moved.lags, origins=moved.origins, wave_number=7.2
    )
    moments = np.stack([moved.squares, moved.quartics, moved.scattering], axis=-1)
    np.testing.assert_allclose(moments, expected, rtol=1e-6, atol=1e-12)
    whole = measure(positions, blocks=1)
    assert np.array_equal(moved.counts, whole.counts)
    assert np.allclose(moved.squares, whole.squares, equal_nan=True, rtol=1e-12)
    assert moved.totals[0].tolist() == [11 * 16, 11 * 4]
    assert np.all(moved.counts.sum(axis=2) <= moved.totals)


def test_isotropic_average_equals_plane_waves():
    steps = RNG.normal(0, 0.3, (4000, 3))
    positions = np.stack([np.zeros_like(steps), steps])
    mine = relaxation.scattering(measure(positions, wave_number=2.0))[0, 0]
    waves = np.cos(2.0 * steps[:3200]).mean()  # along the three axes
    assert mine == pytest.approx(waves, abs=4 * np.sqrt(0.5 / 9600))


def test_ballistic_motion():
    """MSD = 3 T t^2 for Maxwell-Boltzmann velocities."""
    velocities = RNG.normal(0, np.sqrt(0.6), (20000, 3))
    positions = velocities * np.array([0, 0.1, 0.2, 0.4])[:, None, None]
    moved = measure(positions, lags=np.array([1, 2]), origins=np.array([0]))
    squares = relaxation.mean_squares(moved)[:, 0]
    error = np.sqrt(2 / 3 / 16000)  # relative, of a mean of chi-squared with 3 degrees of freedom
    assert squares[0] == pytest.approx(3 * 0.6 * 0.01, rel=4 * error)
    assert squares[1] == pytest.approx(4 * squares[0], rel=1e-5)
    assert np.abs(relaxation.non_gaussian(moved)[:, 0]).max() < 0.05


def test_brownian_motion():
    """MSD = 6 D t, F_s = exp(-q^2 D t), tau_alpha = 1 / (q^2 D)."""
    step = 0.02
    positions = np.cumsum(RNG.normal(0, step, (400, 1500, 3)), axis=0)
    lags = relaxation.choose_lags(1, 399, per_decade=20)
    origins = relaxation.choose_origins(0, 398, count=32)
    moved = measure(positions, lags, origins, wave_number=7.2)
    diffusion = step**2 / 2
    assert np.allclose(relaxation.mean_squares(moved)[:25, 0], 6 * diffusion * lags[:25], rtol=0.05)
    expected = np.exp(-(7.2**2) * diffusion * lags)
    assert np.abs(relaxation.scattering(moved)[:, 0] - expected).max() < 0.03
    tau = relaxation.find_tau_alpha(lags.astype(float), relaxation.scattering(moved)[:, 0])
    assert tau == pytest.approx(1 / (7.2**2 * diffusion), rel=0.05)


def test_harmonic_cage_has_its_plateau():
    """Particles that fluctuate by s around fixed places: RMSD -> sqrt(6) s, and F_s -> exp(-q^2 s^2)."""
    spread, memory = 0.06, np.exp(-0.25)
    noise = RNG.normal(0, spread, (600, 600, 3))
    places = noise.copy()
    for frame in range(1, 600):
        places[frame] = memory * places[frame - 1] + np.sqrt(1 - memory**2) * noise[frame]
    lags = relaxation.choose_lags(1, 500, per_decade=12)
    moved = measure(places, lags, relaxation.choose_origins(0, 598, count=64))
    plateau = relaxation.find_plateau(lags * 0.1, np.sqrt(relaxation.mean_squares(moved)[:, 0]))
    assert plateau.rmsd == pytest.approx(np.sqrt(6) * spread, rel=0.02)
    assert abs(plateau.slope) < 0.02
    assert relaxation.scattering(moved)[-1, 0] == pytest.approx(np.exp(-((7.2 * spread) ** 2)), rel=0.02)
    assert relaxation.find_tau_alpha(lags * 0.1, relaxation.scattering(moved)[:, 0]) is None


def test_hops_are_non_gaussian():
    positions = np.zeros((2, 1000, 3))
    positions[1, ::20, 0] = 1.0  # one particle in twenty hops by 1
    moved = measure(positions)
    assert relaxation.non_gaussian(moved)[0, 0] == pytest.approx(3 * 0.05 / (5 * 0.05**2) - 1)
    assert moved.counts[0, :, 50].tolist() == [40, 10]


def test_offset_and_reversal_change_nothing():
    positions = np.cumsum(RNG.normal(0, 0.1, (40, 50, 3)), axis=0)
    here, there, back = measure(positions), measure(positions + 2.0), measure(positions[::-1])
    for quantity in (relaxation.mean_squares, relaxation.scattering):
        assert np.allclose(quantity(here), quantity(there), atol=1e-5)
        assert np.allclose(quantity(here), quantity(back), atol=1e-9)


def test_tau_alpha_is_interpolated_and_absent_where_not_reached():
    times = np.geomspace(0.1, 100, 40)
    assert relaxation.find_tau_alpha(times, np.exp(-times / 7)) == pytest.approx(7, rel=0.01)
    assert relaxation.find_tau_alpha(times, np.exp(-times / 1000)) is None
    assert relaxation.find_tau_alpha(times, 0.3 * np.exp(-times)) is None
    holes = np.where(times > 50, np.nan, np.exp(-times / 7))
    assert relaxation.find_tau_alpha(times, holes) == pytest.approx(7, rel=0.01)


def test_tau_alpha_is_extended_as_a_stretched_exponential():
    times = np.geomspace(0.1, 10, 30)
    assert relaxation.find_tau_alpha(times, np.exp(-((times / 20) ** 0.7))) == pytest.approx(20, rel=1e-6)
    assert relaxation.find_tau_alpha(times, np.exp(-((times / 31) ** 0.7))) is None


def test_origins_selected_are_those_measured_alone():
    positions = np.cumsum(RNG.normal(0, 0.1, (30, 40, 3)), axis=0)
    all_of_them, alone = measure(positions), measure(positions, origins=np.arange(5, 9))
    selected = relaxation.select_origins(all_of_them, slice(5, 9))
    assert np.allclose(relaxation.scattering(selected), relaxation.scattering(alone), equal_nan=True)


def test_lags_and_origins():
    lags = relaxation.choose_lags(1, 60000, per_decade=12)
    assert lags[0] == 1
    assert lags[-1] == 60000
    assert len(lags) < 60
    assert np.all(np.diff(lags) > 0)
    assert relaxation.choose_origins(0, 5, count=100).tolist() == [0, 1, 2, 3, 4, 5]


def test_lost_particles_and_missing_species_are_refused():
    positions = np.zeros((5, 10, 3))
    positions[3, 4, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        measure(positions)
    block = (np.zeros((5, 10, 3), np.float32), np.zeros(10, np.uint8))
    lags = origins = np.arange(1, 3)
    with pytest.raises(ValueError, match="10 of A and 0 of B"):
        relaxation.measure_displacements([block], lags=lags, origins=origins, wave_number=7.0)


def read_xyz(path):
    """Species (N,), box length and wrapped positions (T, N, 3) of the published trajectory."""
    lines = path.read_text().splitlines()
    particles = int(lines[0])
    frames = [lines[start + 2 : start + 2 + particles] for start in range(0, len(lines), particles + 2)]
    table = [[line.split() for line in frame] for frame in frames]
    positions = np.array([[row[1:4] for row in frame] for frame in table], dtype=float)
    species = np.array([row[0] == "B" for row in table[0]], dtype=np.uint8)
    return positions, species, float(lines[1].split("cell:")[1].split(",")[0])


@pytest.fixture(scope="module")
def published(reference_data):
    """Species (N,) and unwrapped positions (T, N, 3) with the centre of mass held, T about 0.80."""
    positions, species, box_length = read_xyz(reference_data / "kalj_N150" / "atooms-pp_kalj-small.xyz")
    steps = minimum_image(np.diff(positions, axis=0), box_length)
    unwrapped = np.concatenate([positions[:1], positions[0] + np.cumsum(steps, axis=0)])
    return (unwrapped - unwrapped.mean(axis=1, keepdims=True)).astype(np.float32), species


def test_published_mean_squared_displacements(published):
    """Lags of 3, 45 and 90 frames, every origin (atooms, postprocessing)."""
    lags = np.array([3, 45, 90])
    moved = relaxation.measure_displacements([published], lags=lags, origins=np.arange(101), wave_number=7.25)
    expected = [
        [0.12708190185520277, 0.22107274740436153],
        [1.2131017102523827, 2.3018226393609473],
        [2.1696872045992075, 4.354207960272026],
    ]
    assert np.allclose(relaxation.mean_squares(moved), expected, rtol=1e-5)  # positions in float32


def test_tau_alpha_of_a_published_trajectory(published):
    """3.4 tau at T = 0.8; 120 particles over 30 tau_alpha give it to a tenth."""
    moved = relaxation.measure_displacements(
        [published], lags=np.arange(1, 30), origins=np.arange(101), wave_number=7.25
    )
    assert relaxation.find_tau_alpha(moved.lags * 1.0, relaxation.scattering(moved)[:, 0]) == pytest.approx(
        3.4, rel=0.1
    )


def test_published_curves_give_the_published_numbers(reference_data):
    """T = 0.45: tau_alpha of A about 1190; plateaus of the RMSD 0.181 (A) and 0.224 (B)."""
    folder = reference_data / "gamdpy_T045"
    times, decay, _ = np.loadtxt(folder / "kablj_prl_2022_Fs.dat").T
    assert relaxation.find_tau_alpha(times, decay) == pytest.approx(1190, rel=0.01)
    times, *squares = np.loadtxt(folder / "kablj_prl_2022_msd.dat").T
    for column, rmsd in zip(squares, (0.181, 0.224), strict=True):
        assert relaxation.find_plateau(times, np.sqrt(column)).rmsd == pytest.approx(rmsd, rel=0.02)
