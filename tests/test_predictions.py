"""Tables of predictions come back as they were written, and a table of something else is refused."""

import numpy as np
import polars as pl
import pytest

from glassdyn.storage import tables
from glassdyn.storage.predictions import read_predictions, write_predictions

SAMPLE = "copy04-sample00"
METADATA = {"labels": {"p_hop": {"p_c": 0.2}, "cwt_50": {}}, "selected_on": "validation"}
SPECIES = (np.arange(50) % 2).astype(np.uint8)


def predictions():
    generator = np.random.default_rng(0)
    return {label: generator.normal(size=50) for label in METADATA["labels"]}


def test_predictions_come_back_to_the_last_bit(tmp_path):
    write_predictions(
        tmp_path, SAMPLE, "ridge", species=SPECIES, predictions=predictions(), metadata=METADATA
    )
    assert tables.read(tmp_path / "ridge" / f"{SAMPLE}.parquet").schema == {
        "particle": pl.UInt32,
        "type": pl.UInt8,
        "predicted_p_hop": pl.Float64,
        "predicted_cwt_50": pl.Float64,
    }
    table = read_predictions(tmp_path, SAMPLE, "ridge")
    np.testing.assert_array_equal(table.species, SPECIES)
    assert list(table.predictions) == list(predictions())
    for label, values in predictions().items():
        np.testing.assert_array_equal(table.predictions[label], values)
    assert table.metadata == METADATA | {"model": "ridge"}


def test_a_foreign_table_is_read_whatever_the_order_of_its_rows(tmp_path):
    (tmp_path / "theirs").mkdir()
    order = np.random.default_rng(1).permutation(50)
    columns = {"particle": np.arange(50), "type": SPECIES.astype(int), "predicted_p_hop": np.arange(50.0)}
    foreign = pl.DataFrame({name: values[order] for name, values in columns.items()})
    foreign.write_parquet(tmp_path / "theirs" / f"{SAMPLE}.parquet")
    table = read_predictions(tmp_path, SAMPLE, "theirs")
    np.testing.assert_array_equal(table.predictions["p_hop"], np.arange(50.0))
    np.testing.assert_array_equal(table.species, SPECIES)
    assert not table.metadata


def test_a_table_of_labels_is_no_table_of_predictions(tmp_path):
    labels = {"particle": np.arange(50), "type": SPECIES, "p_hop": np.zeros(50)}
    tables.write(tmp_path / "ridge" / f"{SAMPLE}.parquet", tables.labels_schema(["p_hop"]), [labels])
    with pytest.raises(tables.TableError, match="predicted_<label>"):
        read_predictions(tmp_path, SAMPLE, "ridge")
