"""Figures of the predictions: every model has its look, in every picture, and intervals are drawn."""

import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_hex

from glassdyn.figures import isoconfigurational, predictions, quantities, style
from glassdyn.figures.predictions import LOOKS

MODELS = ("network", "ridge", "radial_ridge", "averaged_ridge", "perceptron")


def scores(**columns):
    intervals = {"pearson": 0.2, "pearson_low": 0.1, "pearson_high": 0.4, "pearson_error": 0.05}
    absent = {"copies": 1, "pearson_copy_error": None, "ceiling": None, "ceiling_error": None}
    return pl.DataFrame({"model": MODELS} | intervals | absent | columns)


def colours_of(figure):
    legend = figure.axes[0].get_legend()
    return {
        text.get_text(): to_hex(line[0].get_color() if isinstance(line, tuple) else line.get_edgecolor())
        for text, line in zip(legend.get_texts(), figure.axes[0].get_legend_handles_labels()[0], strict=True)
    }


def test_no_two_models_look_alike_and_none_like_a_species():
    colours = {to_hex(look["color"]) for look in LOOKS.values()}
    assert len(colours) == len(LOOKS)
    assert not colours & {to_hex(colour) for colour in style.COLOURS.values()}
    assert len({LOOKS[model]["linestyle"] for model in MODELS}) == len(MODELS)
    assert set(LOOKS) == {"target", *MODELS}


def test_a_model_has_one_colour_in_all_figures():
    table = pl.concat(scores(length=length) for length in (0.0, 2.0))
    lengths = colours_of(predictions.lengths(table, label="p_hop"))
    bars = predictions.models(scores(), label="p_hop").axes[0]
    pairs = zip((text.get_text() for text in bars.get_yticklabels()), bars.patches, strict=True)
    assert lengths == {name: to_hex(bar.get_facecolor()) for name, bar in pairs}
    edges = pl.DataFrame({"low": [0.0, 0.1], "high": [0.1, 0.2], "density": [4.0, 6.0]})
    sources = pl.concat(edges.with_columns(source=pl.lit(name)) for name in ("target", "network", "ridge"))
    colours = colours_of(predictions.pdf(sources, label="p_hop"))
    assert {name: colours[name] for name in ("network", "ridge")}.items() <= lengths.items()
    assert colours["true"] == to_hex(LOOKS["target"]["color"])


def test_any_model_is_drawn_in_a_colour_of_its_own():
    """Whoever puts a table of predictions beside the others is drawn beside them."""
    names = (*MODELS, "bond_order", "cnn")
    table = scores(model=names)
    bars = predictions.models(table, label="p_hop").axes[0].patches
    assert len({to_hex(bar.get_facecolor()) for bar in bars}) == len(names)
    lengths = table.with_columns(length=2.0)
    assert set(names) - set(MODELS) < set(colours_of(predictions.lengths(lengths, label="p_hop")))


def test_errors_are_drawn():
    for figure, expected in (
        (predictions.lengths(scores(length=2.0), label="p_hop"), (0.15, 0.25)),
        (predictions.models(scores(), label="p_hop"), (0.1, 0.4)),
    ):
        segments = [segment for bars in figure.axes[0].collections for segment in bars.get_segments()]
        assert len(segments) == len(MODELS)
        for segment in segments:
            assert sorted(segment[:, np.ptp(segment, axis=0) > 0].ravel()) == pytest.approx(expected)


def test_errors_over_copies_are_drawn_where_there_are_copies():
    table = scores(copies=5, pearson_copy_error=0.03)
    (axes,) = predictions.models(table, label="p_hop").axes
    segments = [segment for bars in axes.collections for segment in bars.get_segments()]
    assert [sorted(segment[:, 0]) for segment in segments] == [pytest.approx([0.17, 0.23])] * len(MODELS)
    assert "5 copies" in axes.get_xlabel()


def test_a_ceiling_is_a_line_in_a_band_as_wide_as_its_error():
    limit = {"ceiling": 0.5, "ceiling_error": 0.02}
    (axes,) = predictions.models(scores(**limit), label="p_hop").axes
    band = axes.patches[-1]
    assert (band.get_x(), band.get_width()) == pytest.approx((0.48, 0.04))
    assert [0.5, 0.5] in [list(line.get_xdata()) for line in axes.lines]
    table = pl.concat(scores(length=length, **limit) for length in (0.0, 2.0))
    (axes,) = predictions.lengths(table, label="p_hop").axes
    (line,) = [line for line in axes.lines if line.get_label() == "ceiling"]
    np.testing.assert_array_equal(line.get_xydata(), [[0.0, 0.5], [2.0, 0.5]])


def test_figures_of_runs_show_every_label_and_particle():
    rows = [(sample, label, 0.8, 0.5, 0.6) for sample in "ab" for label in ("p_hop", "cwt_10")]
    columns = ["sample", "label", "halves", "raw", "ceiling"]
    (axes,) = isoconfigurational.ceilings(pl.DataFrame(rows, schema=columns, orient="row")).axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in points] == [2, 2, 2]
    pairs = pl.DataFrame(np.random.default_rng(1).random((300, 2)), schema=["raw", "mean"])
    scatter, _ = isoconfigurational.agreement(pairs, label="p_hop").axes
    np.testing.assert_array_equal(scatter.lines[0].get_xydata(), pairs.select("mean", "raw").to_numpy())


def test_empty_bins_of_a_pdf_are_below_the_picture():
    rows = {"source": "target", "low": [0.0, 0.1, 0.2], "high": [0.1, 0.2, 0.3], "density": [8.0, 0.0, 2.0]}
    figure = predictions.pdf(pl.DataFrame(rows), label="p_hop")
    figure.draw_without_rendering()
    (steps,) = figure.axes[0].patches
    assert figure.axes[0].get_ylim()[0] > 0
    np.testing.assert_array_equal(steps.get_data().values, rows["density"])


@pytest.mark.parametrize(
    ("label", "symbol", "unit"),
    [
        ("p_hop", r"$p_\mathrm{hop}$", r"$\sigma_{AA}$"),
        ("p_hop_ell0.5", r"$p_\mathrm{hop}$, $\ell = 0.5\,\sigma_{AA}$", r"$\sigma_{AA}$"),
        ("cwt_50", "$m(a)$, $a$ = 50 frames", r"$\sigma_{AA}\,\tau^{1/2}$"),
        ("cwt_50_ell2", r"$m(a)$, $a$ = 50 frames, $\ell = 2\,\sigma_{AA}$", r"$\sigma_{AA}\,\tau^{1/2}$"),
        ("propensity_0.1", r"propensity, $t = 0.1\,\tau_\alpha$", r"$\sigma_{AA}$"),
        ("mean_p_hop", r"mean over runs of $p_\mathrm{hop}$", r"$\sigma_{AA}$"),
    ],
)
def test_labels_have_symbols_and_units(label, symbol, unit):
    assert quantities.quantity(label) == f"{symbol}  [{unit}]"
    assert "-1" in quantities.density(label)
