"""What a run costs: work follows from the parameters, costs from work and rates."""

import json
import math
import shutil
from dataclasses import asdict, replace

import pytest

from glassdyn import presets
from glassdyn.cli import main
from glassdyn.cores import count_cores
from glassdyn.costs import estimate
from glassdyn.costs.estimate import Resources, estimate_costs, trajectory_bytes
from glassdyn.costs.rates import RATES, GpuRate, Machine, Memory, Rates, load_rates
from glassdyn.costs.work import KINDS, STAGES, count_activations, count_work
from glassdyn.errors import GlassdynError
from glassdyn.simulation.equilibration import plan_preparation
from glassdyn.simulation.recording import plan_recording
from short_pipeline import pinned_params

FLAT = Rates(
    machine=Machine("a processor", 2, 16.0),
    source="nowhere",
    seconds=dict.fromkeys(KINDS, 1e-6),
    start=dict.fromkeys(STAGES, 0.0),
    memory={stage: Memory(0.1, 1000.0) for stage in STAGES},
    compression=0.5,
)
"""A microsecond for everything, 0.1 GB and a kilobyte."""

HERE = Resources(cores=2, gpus=1, memory=16.0)


def change(params, **sections):
    """Parameters with keys of sections changed."""
    changed = {name: replace(getattr(params, name), **keys) for name, keys in sections.items()}
    return replace(params, **changed)


def cost_of(stage, params, rates=FLAT, resources=HERE):
    return next(cost for cost in estimate_costs(params, rates, resources) if cost.stage == stage)


def test_stages_are_those_of_the_pipeline_and_kinds_those_of_their_work(root):
    from ruamel.yaml import YAML

    works = count_work(pinned_params())
    assert list(YAML(typ="safe").load(root / "dvc.yaml")["stages"]) == list(works) == list(STAGES)
    assert {kind for work in works.values() for kind in work.amounts} == {*KINDS}


def test_steps_are_those_that_the_stages_plan():
    params, works = pinned_params(), count_work(pinned_params())
    N = params.liquid.particles
    removed = 1000  # evaluations of the forces that take the overlaps of random positions away
    assert works["equilibrate"].amounts["particle_steps"] == N * (removed + plan_preparation(params, 0).steps)
    samples = params.simulation.samples
    assert works["record"].amounts["particle_steps"] == N * samples * plan_recording(params).steps


def test_work_is_proportional_to_the_particles():
    small = pinned_params()
    large = change(small, liquid={"particles": 8 * small.liquid.particles})
    for stage, work in count_work(large).items():
        for kind, amount in work.amounts.items():
            assert amount == pytest.approx(8 * count_work(small)[stage].amounts[kind]), (stage, kind)


def test_a_short_run_of_a_cage_counts_its_steps():
    fields = {"fields": ("cage_energy",), "cage_runs": 8, "cage_time": 1.0}
    params = change(pinned_params(), describe=fields)
    work = count_work(params)["describe"]
    assert work.amounts["particle_steps"] == params.liquid.particles * 8 * 200
    assert work.jobs == params.simulation.copies * params.simulation.samples
    assert not work.spreads
    without = count_work(change(params, describe={"fields": ()}))["describe"]
    assert without.spreads
    assert without.amounts["particle_steps"] == 0


def test_activations_count_blocks_and_edges():
    params = pinned_params()
    edges = 4 / 3 * math.pi * 1.2 * 1.5**3
    assert count_activations(params, 0) == 16
    assert count_activations(params, 3) == pytest.approx(16 * (1 + 3 * (1 + edges)))


def test_jobs_take_rounds_and_what_spreads_takes_all_cores():
    params = pinned_params()  # five copies
    hours = cost_of("equilibrate", params).core_hours
    assert cost_of("equilibrate", params).hours == pytest.approx(3 / 5 * hours)  # rounds of 2, 2 and 1
    assert cost_of("equilibrate", params, resources=HERE._replace(cores=99)).hours == pytest.approx(hours / 5)
    assert cost_of("label", params).hours == pytest.approx(cost_of("label", params).core_hours / 2)


def test_memory_is_that_of_the_jobs_side_by_side():
    params = pinned_params()
    assert cost_of("record", params).memory == pytest.approx(2 * (0.1 + 1e-6 * params.liquid.particles))
    assert cost_of("record", params, resources=HERE._replace(cores=99)).memory == pytest.approx(5 * 0.101)


def test_hoomd_runs_on_gpus_where_their_rate_is_known():
    params = change(pinned_params(), simulation={"engine": "hoomd"})
    assert cost_of("record", params).gpu_hours == 0
    rates = replace(FLAT, gpu=GpuRate("a GPU", 1e9, "measured"))
    on_gpu = cost_of("record", params, rates)
    assert on_gpu.core_hours == 0
    assert on_gpu.gpu_hours == pytest.approx(cost_of("record", params).core_hours / 1000)
    assert on_gpu.hours == pytest.approx(on_gpu.gpu_hours)
    two = cost_of("record", params, rates, HERE._replace(gpus=2))
    assert two.hours == pytest.approx(3 / 5 * on_gpu.gpu_hours)


def test_too_little_memory_or_disk_is_told_with_the_way_out():
    costs = estimate_costs(pinned_params(), FLAT, HERE._replace(memory=0.15))
    reasons = {
        reason.split()[0]: reason for reason in estimate.warn_of_memory(costs, HERE._replace(memory=0.15))
    }
    assert "GLASSDYN_JOBS=1" in reasons["record"]
    assert "(params.yaml: liquid.particles)" in reasons["record"]
    assert not estimate.warn_of_memory(costs, HERE)
    (reason,) = estimate.warn_of_disk(2e9, 1e9)
    assert "need 2 GB of disk: 1 are free" in reason
    assert not estimate.warn_of_disk(1e9, 2e9)


def test_trajectories_are_what_the_thesis_would_fill(root):
    thesis = presets.load_preset("thesis", root / "params.yaml", folder=root / "presets")
    assert trajectory_bytes(thesis) == 12 * 40 * 60001 * 64000


def test_rates_are_read_as_they_are_written(tmp_path):
    file = tmp_path / "rates.json"
    assert load_rates(file) is None
    file.write_text(json.dumps(asdict(FLAT)))
    assert load_rates(file) == FLAT
    file.write_text(json.dumps(asdict(FLAT) | {"seconds": {"pairs": 1.0}}))
    with pytest.raises(GlassdynError, match=r"'labels', .*are missing; measure them by `make thesis-scale`"):
        load_rates(file)
    file.write_text(json.dumps(asdict(replace(FLAT, memory={}))))
    with pytest.raises(GlassdynError, match=r"the memory of every stage: .*'train'.* are missing"):
        load_rates(file)
    file.write_text("{}")
    with pytest.raises(GlassdynError, match="has the rates that `make thesis-scale` measures"):
        load_rates(file)


def test_rates_are_those_of_what_the_stages_took(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    from fit_rates import STAGE_OF_KIND, Measured, make_rates
    from stage_usage import Usage

    def measure(particles):
        sections = {"liquid": {"particles": particles}, "isoconfigurational": {"runs": 2}}
        works = count_work(change(pinned_params(), **sections))
        return Measured(particles, works, {stage: use(work) for stage, work in works.items()})

    def use(work):
        side_by_side = min(work.jobs, count_cores())
        return Usage(
            1.0, 2.0 + 1e-6 * work.jobs * sum(work.amounts.values()), side_by_side * (0.1 + 1e-6 * work.size)
        )

    timed = dict.fromkeys({*KINDS} - STAGE_OF_KIND.keys(), 1e-6)
    rates = make_rates(measure(1000), measure(64000), timed, 0.5, None)
    assert rates.seconds == pytest.approx(FLAT.seconds)
    assert rates.start == pytest.approx(dict.fromkeys(STAGES, 2.0))
    for memory in rates.memory.values():
        assert (memory.start, memory.per_size) == pytest.approx((0.1, 1000.0))
    assert "N = 1000 and 64000" in rates.source


def test_committed_rates_estimate_the_default_run(root):
    """Nine to ten minutes on two cores, installation included: within a factor of two."""
    from glassdyn import params

    rates = load_rates(root / RATES)
    assert rates is not None
    assert rates.memory.keys() == set(STAGES)
    costs = estimate_costs(params.load(root / "params.yaml"), rates, HERE)
    assert 4 < 60 * sum(cost.hours for cost in costs) < 20


def test_check_prints_what_a_preset_costs(root, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("params.yaml", "presets"):
        (shutil.copytree if (root / name).is_dir() else shutil.copy)(root / name, tmp_path / name)
    before = (tmp_path / "params.yaml").read_bytes()
    (tmp_path / "benchmarks").mkdir()
    rates = replace(FLAT, gpu=GpuRate("a GPU", 1e9, "measured"))
    assert main(["check", "--preset", "thesis"]) == 0
    assert "what a run costs is known where benchmarks/rates.json is" in capsys.readouterr().out
    (tmp_path / RATES).write_text(json.dumps(asdict(rates)))
    assert main(["check", "--preset", "thesis", "--cores", "64", "--gpus", "8", "model.n_rec=1"]) == 0
    output = capsys.readouterr()
    assert "3,481,200,000 steps in all" in output.out
    assert "trajectories on the disk: 0.9 TB" in output.out
    assert "on 64 cores, 8 GPUs" in output.out
    assert "rates of a processor, 2 cores, 16 GB: nowhere; dynamics on a GPU: measured" in output.out
    rows = {line.split()[0] for line in output.out.splitlines() if line}
    assert {*STAGES, "all"} - {"isoconfigurational"} <= rows
    assert "trajectories need" in output.err
    assert (tmp_path / "params.yaml").read_bytes() == before
    assert main(["check", "--preset", "bapst"]) == 1
    assert "no such preset" in capsys.readouterr().err
