"""Node features are the same from tables and from the configuration that they describe, whatever their kind."""

from dataclasses import replace

import numpy as np
import pytest

from glassdyn.features import pca
from glassdyn.features.describe import DescriptorSpec, describe_job, descriptor_columns
from glassdyn.features.inherent import Quench
from glassdyn.features.node_features import (
    NODE_FEATURES,
    averaged_features,
    feature_count,
    features_from_configuration,
    features_from_tables,
    reads_components,
)
from glassdyn.jobs import run_jobs
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Graph
from glassdyn.storage import tables
from glassdyn.storage.snapshots import write_snapshot
from liquids import liquid
from references.radial import node_features_by_double_sum
from short_pipeline import section

SPEC = DescriptorSpec(
    edges=(0.5, 1.0, 1.5, 2.0),
    extras=section(
        "describe",
        smooth=0.1,
        generations=2,
        r_average=1.5,
        inherent=False,
        fields=("energy", "force"),
        shells=2.0,
        shell_width=0.5,
        lengths=(0.5, 1.0, 2.0),
    ),
    quench=Quench("lammps", section("potential", truncation="xplor", r_on=2.0, r_cut=2.5, spline_points=0)),
)
COMPONENTS = 3
CONFIGURATION = Configuration(*liquid(0))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Structure table, PCA table and components of one sample."""
    folder, name = tmp_path_factory.mktemp("sample"), "copy00-sample00.parquet"
    write_snapshot(folder / "snapshots" / name, CONFIGURATION, {"frames": 3, "frame": 1, "temperature": 0.6})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSDYN_SCRATCH", str(folder / ".scratch"))
        job = describe_job(folder / "snapshots" / name, folder / "features" / name, SPEC)
        (structure,) = run_jobs([job], label="describe", unit="samples")
    components, metadata = pca.fit([structure], COMPONENTS)
    columns = pca.project_table(components, structure, SPEC.edges)
    tables.write(folder / "pca" / name, tables.pca_schema(COMPONENTS), [columns], metadata)
    return structure, folder / "pca" / name, components


def from_both(sample, kind):
    structure, reduced, components = sample
    return (
        features_from_tables(structure, kind, pca=reduced),
        features_from_configuration(CONFIGURATION, kind, SPEC, components),
    )


@pytest.mark.parametrize("kind", NODE_FEATURES)
def test_tables_and_configuration_give_the_same_features(sample, kind):
    tabulated, computed = from_both(sample, kind)
    np.testing.assert_array_equal(tabulated, computed)
    assert tabulated.dtype == np.float32
    assert tabulated.shape == (len(CONFIGURATION.species), feature_count(kind, SPEC, COMPONENTS))


def test_full_features_are_those_of_the_thesis():
    expected = node_features_by_double_sum(CONFIGURATION, np.array(SPEC.edges))
    np.testing.assert_allclose(features_from_configuration(CONFIGURATION, "full", SPEC), expected, rtol=1e-6)


def test_features_are_type_then_columns_in_their_order(sample):
    table = tables.read(sample[0])
    names = ["descriptors", "smooth", "averaged_1", "averaged_2", "local", "shells"]
    columns = [table[name].to_numpy() for name in ("type", *names)]
    for kind, count in (("type", 1), ("full", 2), ("extended", 7)):
        np.testing.assert_array_equal(from_both(sample, kind)[0], np.column_stack(columns[:count]))


def test_extended_features_hold_fields_that_nothing_averages():
    """Without lengths there is no column `local`, and the fields are a column that describe adds."""
    spec = replace(SPEC, extras=replace(SPEC.extras, lengths=(), shells=0.0))
    fields = descriptor_columns(CONFIGURATION, spec)["fields"]
    rows = features_from_configuration(CONFIGURATION, "extended", spec)
    np.testing.assert_array_equal(rows[:, -fields.shape[1] :], fields)
    assert rows.shape[1] == feature_count("extended", spec)


def test_only_columns_that_a_kind_asks_for_are_read_or_computed(sample, tmp_path):
    small = CONFIGURATION._replace(box_length=1.0)
    assert features_from_configuration(small, "type", SPEC).shape[1] == 1
    assert features_from_tables(sample[0], "full", pca=tmp_path / "absent.parquet").shape[1] == 7
    assert [kind for kind in NODE_FEATURES if reads_components(kind)] == ["pca"]


def test_a_kind_is_a_function_of_columns(sample, monkeypatch):
    monkeypatch.setitem(NODE_FEATURES, "toy", lambda columns: columns["smooth"] - columns["averaged_2"])
    tabulated, computed = from_both(sample, "toy")
    np.testing.assert_array_equal(tabulated, computed)
    assert feature_count("toy", SPEC) == 6
    assert not reads_components("toy")


def test_parameters_name_the_kinds_that_there_are():
    assert set(Graph.__annotations__["nodes"].__args__) == set(NODE_FEATURES)


def test_components_that_are_missing_or_of_other_structures_are_refused(sample, tmp_path):
    structure, reduced, _ = sample
    with pytest.raises(ValueError, match="got none beside"):
        features_from_tables(structure, "pca")
    with pytest.raises(ValueError, match="principal components need them"):
        features_from_configuration(CONFIGURATION, "pca", SPEC)
    columns = {"particle": np.arange(200), "components": np.zeros((200, COMPONENTS))}
    tables.write(tmp_path / reduced.name, tables.pca_schema(COMPONENTS), [columns], {"edges": [0.5, 2.0]})
    with pytest.raises(tables.TableError, match=r"differ in \['edges'\]"):
        features_from_tables(structure, "pca", pca=tmp_path / reduced.name)


def test_averages_over_neighbours_are_told_from_a_particle_s_own_features():
    """Of two fields, one of them an energy, three columns are the particle's own; shells of all are sums."""
    bins, own, averages, shells = 6, 3, 3 * 4, 2 * 3 * 4
    expected = {
        "type": [1],
        "full": [1 + bins],
        "pca": [COMPONENTS],
        "local": [1 + own, averages],
        "shells": [1 + 2, shells],
        "local+radial": [1 + bins + own, averages],
    }
    for kind, (first, *rest) in expected.items():
        averaged = averaged_features(kind, SPEC, COMPONENTS)
        np.testing.assert_array_equal(averaged, np.repeat([False, True], [first, sum(rest)]))
