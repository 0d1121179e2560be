"""Hand-made quantities against double loops and freud, names of features against their columns, and collinearity."""

import freud
import numpy as np
import pytest

from glassdyn.errors import GlassdynError
from glassdyn.explanation.collinearity import LARGEST, variance_inflation, vif_table
from glassdyn.explanation.excess_entropy import STEP, WIDTH, two_body_entropy
from glassdyn.explanation.feature_names import name_features
from glassdyn.explanation.quantities import (
    BOND,
    QUANTITIES,
    coarse_density,
    coordination,
    quantity_names,
    steinhardt_q6,
    write_quantities,
)
from glassdyn.explanation.voronoi import voronoi_volumes
from glassdyn.features.columns import LazyColumns
from glassdyn.features.describe import spec_from_metadata
from glassdyn.features.energies import particle_energies
from glassdyn.features.node_features import NODE_FEATURES, columns_of_configuration, feature_count
from glassdyn.jobs import JobContext
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables
from liquids import STRUCTURE, liquid
from references.quantities import (
    coarse_density_by_loop,
    coordination_by_loop,
    two_body_entropy_by_loop,
    vif_by_regressions,
)

LIQUID = liquid(4, particles=300)
SOME = (0, 17, 250)


def with_extras(**extras):
    return spec_from_metadata(STRUCTURE | {"extras": STRUCTURE["extras"] | extras})


def test_quantities_equal_double_loops():
    positions, species, box_length = LIQUID
    density, entropy = coarse_density(LIQUID), two_body_entropy(LIQUID, 2.5)
    for i in SOME:
        assert density[i] == pytest.approx(coarse_density_by_loop(i, positions, box_length, 1.0), rel=1e-12)
        expected = two_body_entropy_by_loop(
            i, positions, species, box_length, reach=2.5, width=WIDTH, step=STEP
        )
        assert entropy[i] == pytest.approx(expected, rel=1e-9)
        for kind in (0, 1):
            count = coordination_by_loop(i, positions, species, box_length, kind, BOND)
            assert coordination(LIQUID, kind)[i] == count


def test_voronoi_volumes_and_q6_equal_freud_s():
    positions, _, box_length = LIQUID
    box, centred = freud.box.Box.cube(box_length), positions - box_length / 2
    cells = freud.locality.Voronoi().compute((box, centred))
    assert voronoi_volumes(positions, box_length) == pytest.approx(cells.volumes, rel=1e-5)  # freud: float32
    order = freud.order.Steinhardt(6)
    order.compute((box, centred), neighbors={"r_max": BOND, "exclude_ii": True})
    assert steinhardt_q6(LIQUID) == pytest.approx(order.particle_order, abs=1e-4)


def test_cells_of_few_particles_fill_the_box():
    positions = np.random.default_rng(3).random((9, 3)) * 4.0
    assert voronoi_volumes(positions, 4.0).sum() == pytest.approx(64.0)


def test_particles_in_one_point_have_no_cells():
    with pytest.raises(GlassdynError, match="in one point"):
        voronoi_volumes(np.zeros((8, 3)), 4.0)


@pytest.mark.parametrize("name", quantity_names(with_minimum=False))
def test_quantities_do_not_depend_on_the_origin_or_on_the_order_of_particles(name, tmp_path):
    order = np.random.default_rng(1).permutation(len(LIQUID.species))
    shift = np.array([0.3, 2.0, -1.1])
    moved = Configuration((LIQUID.positions + shift)[order], LIQUID.species[order], LIQUID.box_length)
    measured = [write(configuration, [name], tmp_path)[name] for configuration in (LIQUID, moved)]
    assert measured[1].to_numpy() == pytest.approx(measured[0].to_numpy()[order], rel=1e-9)


def write(configuration, names, folder):
    """The table of quantities of a configuration."""
    columns = {"particle": np.arange(len(configuration.species)), "type": configuration.species}
    columns |= dict(zip("xyz", configuration.positions.T, strict=True))
    columns["descriptors"] = np.zeros((len(configuration.species), 4))
    about = STRUCTURE | {"box_length": configuration.box_length}
    tables.write(folder / "structure.parquet", tables.features_schema(2), [columns], about)
    paths = [folder / "structure.parquet"], folder / "quantities.parquet"
    write_quantities(JobContext({"names": names}, *paths, folder))
    return tables.read(folder / "quantities.parquet")


def test_a_minimum_is_downhill(tmp_path):
    measured = write(LIQUID, list(QUANTITIES), tmp_path)
    assert measured["energy in the minimum"].sum() < measured["potential energy"].sum()
    assert (measured["way to the minimum"] > 0).all()


@pytest.mark.parametrize("kind", NODE_FEATURES)
def test_every_feature_of_every_kind_has_a_name_of_its_own(kind):
    spec = with_extras(
        fields=["energy", "force", "debye_waller", "cage_fluctuation"],
        lengths=[0.5, 1.0],
        shells=2.0,
        smooth=0.1,
        generations=2,
        inherent=True,
    )
    features = name_features(kind, spec, components=3)
    assert len(features) == feature_count(kind, spec, 3)
    assert len({feature.name for feature in features}) == len(features)


def test_names_stand_where_their_columns_are():
    spec = with_extras(fields=["energy", "force"], lengths=[0.5], shells=1.5, shell_width=0.5)
    columns = columns_of_configuration(LIQUID, spec)
    rows = NODE_FEATURES["local+shells"](
        LazyColumns({name: lambda name=name: columns[name] for name in columns})
    )
    by_name = dict(zip([each.name for each in name_features("local+shells", spec)], rows.T, strict=True))
    thermal = particle_energies(LIQUID, spec.quench.potential)
    is_b = LIQUID.species == 1
    assert (by_name["type"] == is_b).all()
    assert by_name["energy of B"] == pytest.approx(np.where(is_b, thermal.energies, 0), rel=1e-5)
    assert by_name["force"] == pytest.approx(np.linalg.norm(thermal.forces, axis=1), rel=1e-5)
    assert (
        by_name["share of B, average over 0.5"][is_b].mean()
        > by_name["share of B, average over 0.5"][~is_b].mean()
    )
    near = by_name["number of B at 0.5"] + by_name["number of B at 1"] + by_name["number of B at 1.5"]
    for i in SOME:  # triangular shells add up to 1 from the first knot to the last
        count = coordination_by_loop(i, *LIQUID[:2], LIQUID.box_length, 1, 1.5)
        assert near[i] == pytest.approx(count, rel=1e-5)


def test_inflation_factors_equal_those_of_regressions():
    generator = np.random.default_rng(2)
    features = generator.normal(size=(500, 4))
    features[:, 3] = features[:, 0] + 0.3 * features[:, 3]
    assert variance_inflation(features) == pytest.approx(vif_by_regressions(features), rel=1e-5)


def test_weights_of_equal_features_must_not_be_read():
    values = np.random.default_rng(2).normal(size=(500, 2))
    table = vif_table(
        ["a", "b", "a again", "constant"], np.column_stack((values, 3 * values[:, 0], np.ones(500)))
    )
    assert table["vif"][0] == pytest.approx(LARGEST, rel=0.6)
    assert table["vif"][1] == pytest.approx(1, abs=0.01)
    assert table["readable"].to_list() == [False, True, False, None]
