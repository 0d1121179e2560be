"""Rules between sections of the parameters: a window holds its labels, the box its ranges, a model its features."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from glassdyn import label_names, limits
from glassdyn.constraints import require

if TYPE_CHECKING:
    from glassdyn.params import Params

__all__ = ["DEBYE_WALLER_RADIUS", "WAVELET_SIDE", "check_rules"]

WAVELET_SIDE = 4
"""Scales of trajectory on each side of the middle frame: `labels.wavelets.SIDE`, to which a test holds it equal."""

DEBYE_WALLER_RADIUS = 2.5
"""Of the cluster that moves with a particle: `features.debye_waller.RADIUS`, to which a test holds it equal."""

THERMOSTAT_STEPS = 10
"""Timesteps in the relaxation time of a thermostat at the least: with fewer it oscillates too fast to be integrated."""


def check_rules(params: "Params") -> None:
    """Refuse parameters that make no sense together.

    Raises:
        ValueError: naming the rule, the value and the way out.
    """
    sections = {name: section for name, section in asdict(params).items() if section is not None}
    broken = limits.broken_limits(sections)
    require(not broken, "\n".join(broken))
    _check_data_set(params)
    _check_box(params)
    _check_integration(params)
    _check_windows(params)
    _check_copies(params)
    _check_names(params)
    _check_labels(params)
    _check_features(params)
    _check_models(params)


def _check_data_set(params: "Params") -> None:
    raw, describe = params.raw, params.describe
    require(
        raw is None or sum(raw.composition) == params.liquid.particles,
        "the particles of A and B are those of the liquid: got "
        f"{list(raw.composition if raw else ())} of {params.liquid.particles} (params.yaml: raw.composition)",
    )
    if params.potential.truncation != "none":
        return
    require(
        raw is not None,
        "a simulation has a potential, and data sets alone may have none: got none "
        "(params.yaml: potential.truncation; take xplor or shift)",
    )
    needing = [*describe.fields, *["describe.inherent"] * describe.inherent]
    require(
        not needing,
        f"energies, minima and runs need the potential, which is not known: got {', '.join(needing)} "
        "(params.yaml: describe.fields, describe.inherent; leave them out, or state potential.truncation)",
    )
    require(
        params.isoconfigurational.runs == 0,
        "isoconfigurational runs need the potential, which is not known: got "
        f"{params.isoconfigurational.runs} runs (params.yaml: isoconfigurational.runs; take 0)",
    )


def _check_box(params: "Params") -> None:
    box_length = (params.liquid.particles / params.liquid.density) ** (1 / 3)
    edge = params.descriptors.edges[-1] if params.descriptors.edges else params.descriptors.r_max
    describe = params.describe
    cluster = DEBYE_WALLER_RADIUS if "debye_waller" in describe.fields else 0.0
    fields = max(describe.shells, describe.r_local, cluster)
    r_cut = 0.0 if params.potential.truncation == "none" else params.potential.r_cut
    reach = max(edge, describe.r_average, fields, r_cut, params.graph.r_threshold)
    fewest = 5 * -int(-((2 * reach) ** 3 * params.liquid.density) // 5)
    require(
        box_length >= 2 * reach,
        "the box must hold two of the longest range, L >= 2 max(the last bin edge, describe.r_average, "
        f"describe.shells, describe.r_local, {DEBYE_WALLER_RADIUS} for debye_waller, "
        f"potential.r_cut, graph.r_threshold): got L = {box_length:.3f} < {2 * reach:.3f}; take at least "
        f"{fewest} particles (params.yaml: liquid.particles)",
    )
    beyond = [length for length in params.evaluate.lengths if length > box_length / 4]
    require(
        not beyond,
        "a box must hold several regions to average over, lengths <= L / 4: "
        f"got {beyond} in L = {box_length:.3f} (params.yaml: evaluate.lengths)",
    )
    alike = [length for length in params.coarse.lengths if length > box_length / 2]
    require(
        not alike,
        "labels averaged over the box are alike for all particles, ell <= L / 2: "
        f"got {alike} in L = {box_length:.3f} (params.yaml: coarse.lengths)",
    )
    require(
        box_length >= 2 * params.evaluate.block_length,
        "the bootstrap draws at least 8 blocks of a box, block_length <= L / 2: "
        f"got {params.evaluate.block_length} in L = {box_length:.3f} (params.yaml: evaluate.block_length)",
    )


def _check_integration(params: "Params") -> None:
    simulation, durations = params.simulation, params.equilibrate
    shortest = THERMOSTAT_STEPS * simulation.timestep
    require(
        simulation.thermostat_time >= shortest,
        f"a thermostat is slower than the integration, thermostat_time >= {THERMOSTAT_STEPS} timesteps = "
        f"{shortest:g}: got {simulation.thermostat_time} (params.yaml: simulation.thermostat_time)",
    )
    phases = {
        "equilibrate.melt": durations.melt,
        "equilibrate.thermalise": durations.thermalise,
        "equilibrate.equilibrate": durations.equilibrate
        / 2,  # in halves, of which the second is averaged over
        "record.decorrelate": params.record.decorrelate,
    }
    for key, duration in phases.items():
        steps = duration * simulation.tau_alpha / simulation.timestep
        require(
            steps >= 1,
            f"a phase of a run has at least one step: got {steps:.2g} steps of {simulation.timestep} tau; run "
            f"longer (params.yaml: {key})",
        )


def _check_windows(params: "Params") -> None:
    durations = {"record": params.record.duration}
    if params.isoconfigurational.runs:
        durations["isoconfigurational"] = params.isoconfigurational.duration
    interval = params.simulation.frame_steps * params.simulation.timestep
    for section, duration in durations.items():
        half = round(duration * params.simulation.tau_alpha / (2 * interval))
        require(
            half >= WAVELET_SIDE * params.wavelets.scales[-1],
            f"a scale needs {WAVELET_SIDE} scales of trajectory on both sides of the middle frame: got "
            f"{params.wavelets.scales[-1]} frames in a window of 2 x {half}; the longest that fits is "
            f"{half // WAVELET_SIDE} (params.yaml: wavelets.scales), or run longer (params.yaml: "
            f"{section}.duration)",
        )
        require(
            2 * half + 1 >= 2 * params.hops.min_segment - 1,
            "the window must hold two segments: "
            f"got min_segment {params.hops.min_segment} in {2 * half + 1} frames (params.yaml: hops.min_segment)",
        )


def _check_copies(params: "Params") -> None:
    copies = params.simulation.copies
    used = (*params.split.train, *params.split.validation, *params.split.test)
    missing = sorted(copy for copy in used if copy >= copies)
    require(
        not missing,
        f"the split names copies 0 to {copies - 1}: got {missing} "
        "(params.yaml: split; or raise simulation.copies)",
    )
    folds, most = params.evaluate.folds, len(used) // len(params.split.test)
    require(
        folds <= most,
        "folds test no copy twice, folds x test copies <= copies of the split: "
        f"got {folds} x {len(params.split.test)} > {len(used)}; at most {most} (params.yaml: evaluate.folds)",
    )
    require(
        folds == 1 or params.graph.nodes != "pca",
        "principal components are fitted to the training copies of the split itself, and other folds have "
        f"others: got {folds} folds (params.yaml: evaluate.folds; or take other graph.nodes)",
    )


def _check_names(params: "Params") -> None:
    for key, numbers in (
        ("coarse.lengths", params.coarse.lengths),
        ("isoconfigurational.times", params.isoconfigurational.times),
    ):
        names = [f"{number:g}" for number in numbers]
        require(
            len(set(names)) == len(names),
            f"columns are named by six digits of a number, which must differ: got {list(numbers)} "
            f"(params.yaml: {key})",
        )


def _check_labels(params: "Params") -> None:
    absent = [target for target in params.loss.targets if target not in params.labels]
    require(
        not absent,
        f"the labels of this run are {', '.join(params.labels)}: got {absent} (params.yaml: loss.targets; or "
        "change wavelets.scales, coarse.lengths, isoconfigurational.runs or isoconfigurational.times)",
    )
    with_runs, samples = params.isoconfigurational.samples_per_copy, params.simulation.samples
    require(
        with_runs >= samples or not any(map(label_names.is_mean, params.loss.targets)),
        "means over isoconfigurational runs are learnt from every sample, samples_per_copy >= "
        f"simulation.samples: got {with_runs} < {samples} (params.yaml: isoconfigurational.samples_per_copy)",
    )


def _check_features(params: "Params") -> None:
    describe, edges = params.describe, params.descriptors.edges
    require(
        params.graph.nodes != "extended"
        or any((describe.smooth, describe.generations, describe.inherent, describe.fields)),
        "extended node features are those of describe: got smooth 0, generations 0, inherent false and no fields "
        "(params.yaml: graph.nodes; take full, or switch one of describe on)",
    )
    require(
        "local" not in params.graph.nodes or bool(describe.fields and describe.lengths),
        "local node features are averages of fields over lengths: got describe.fields "
        f"{list(describe.fields)} and describe.lengths {list(describe.lengths)} (params.yaml: graph.nodes)",
    )
    require(
        "shells" not in params.graph.nodes or bool(describe.fields and describe.shells),
        "node features in shells need fields and a radius: got describe.fields "
        f"{list(describe.fields)} and describe.shells {describe.shells} (params.yaml: graph.nodes)",
    )
    require(
        params.graph.positions == "thermal" or describe.reads_minimum,
        "graphs at inherent positions need a column that does: got describe.inherent false and fields "
        f"{list(describe.fields)} (params.yaml: graph.positions; take thermal, or a field that belongs to a minimum)",
    )
    require(
        not params.train.augment or params.graph.edges == "vector",
        "augmentation turns the vectors of edges, and distances stay what they are: "
        f"got graph.edges {params.graph.edges} (params.yaml: train.augment)",
    )
    features = 1 + 2 * (len(edges) - 1 if edges else params.descriptors.bins)
    require(
        params.pca.components <= features,
        f"at most {features} components exist, 1 + 2 bins: "
        f"got {params.pca.components} (params.yaml: pca.components)",
    )


def _check_models(params: "Params") -> None:
    require(
        params.train.seeds == 1 or params.model.is_network,
        "seeds are of random initial weights, which a network alone has: "
        f"got {params.train.seeds} for kind {params.model.kind} (params.yaml: train.seeds)",
    )
