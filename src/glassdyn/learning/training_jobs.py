"""Trainings as jobs: of every fold and every seed, side by side, each stored under all that determines it.

A training's result lies in the store under a hash of its code, parameters and tables; cut off, it goes on from its
checkpoint there. Processes that torchrun has started do one training after another together instead.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from glassdyn.features.node_features import reads_components
from glassdyn.folds import rotate_split
from glassdyn.jobs import Job, JobContext, default_root, run_jobs
from glassdyn.jobs.digests import Digests
from glassdyn.jobs.store import claim, function_digest, job_key
from glassdyn.learning import checkpoint, distributed, model_file
from glassdyn.learning.curves import summarise_training
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.training import LogEntry, best_entry, last_step
from glassdyn.learning.training_run import TrainingConfig, run_training, select_samples, set_up, trained_model
from glassdyn.params import Graph, Loss, Model, Params, Split, Train
from glassdyn.storage.trajectory import copy_of

__all__ = [
    "Training",
    "TrainingResult",
    "plan_trainings",
    "run_trainings",
    "select_test",
    "summarise_results",
    "train",
]

SECTIONS: Mapping[str, Any] = {"graph": Graph, "model": Model, "loss": Loss, "settings": Train}
"""Fields of `TrainingConfig` that are sections of the parameters."""


class Training(NamedTuple):
    """One of the trainings of a run.

    Attributes:
        fold: whose copies it trains on.
        config: what determines it, its seed among it.
    """

    fold: int
    config: TrainingConfig


class TrainingResult(NamedTuple):
    """What a training leaves.

    Attributes:
        fold: whose copies it has trained on.
        seed: of its random choices.
        model: the selected one.
        log: all entries, oldest first.
    """

    fold: int
    seed: int
    model: TrainedModel
    log: tuple[LogEntry, ...]


def plan_trainings(params: Params, model: Model, samples: Sequence[str]) -> list[Training]:
    """The trainings of a model: of every fold, and in each of every seed.

    Args:
        params: of the run.
        model: to train, the parameters' own or that of a baseline.
        samples: names of all of them.
    """
    trainings = []
    for fold in range(params.evaluate.folds):
        split = rotate_split(params.split, fold)
        train, held_out = select_samples(samples, split, params.train.select_on)
        for seed in range(params.train.seed, params.train.seed + params.train.seeds):
            settings = replace(params.train, seed=seed, seeds=1)
            config = TrainingConfig(train, held_out, params.graph, model, params.loss, settings)
            trainings.append(Training(fold, config))
    return trainings


def select_test(samples: Sequence[str], split: Split, fold: int) -> list[str]:
    """The samples that a fold tests."""
    copies = rotate_split(split, fold).test
    return [name for name in samples if copy_of(name) in copies]


def run_trainings(
    trainings: Sequence[Training], folders: TableFolders, components: Path, *, label: str
) -> list[TrainingResult]:
    """Train what is not yet trained: side by side, or a single training on all cores.

    Args:
        trainings: in the order in which they are to start.
        folders: of the tables.
        components: file of the principal components, read where the node features are made of them.
        label: for the progress bar.

    Returns:
        A result for each training; none in a process that torchrun started beside the first one.
    """
    jobs = [_job(label, training, folders, components) for training in trainings]
    if len(jobs) == 1:
        jobs = [replace(jobs[0], uses_all_cores=True)]
    if distributed.processes() == 1:
        paths = run_jobs(jobs, label=label, unit="steps")
    else:
        with distributed.join_group() as group:
            paths = [path for job in jobs if (path := _train_in_group(job, group))]
    return [_read(training, path) for training, path in zip(trainings, paths, strict=False)]


def summarise_results(
    part: str, targets: tuple[str, ...], results: Sequence[TrainingResult]
) -> dict[str, object]:
    """The metrics of the first training, see `summarise_training`, and a row for each.

    Args:
        part: of the split, that was held out.
        targets: names of the labels.
        results: of all trainings.
    """
    rows = []
    for result in results:
        best = best_entry(result.log)
        pearsons = dict(zip(targets, best.held_out.pearsons, strict=True))
        steps = {"steps": result.log[-1].step, "selected_step": best.step}
        rows.append({"fold": result.fold, "seed": result.seed, **steps, "pearson": pearsons})
    return summarise_training(part, targets, results[0].log) | {"trainings": rows}


def _job(label: str, training: Training, folders: TableFolders, components: Path) -> Job:
    fold, config = training
    names = [f"{name}.parquet" for name in (*config.train, *config.held_out)]
    has_components = reads_components(config.graph.nodes)
    of_labels = dict.fromkeys(
        folders._fields[folders.index(folders.of_label(each))] for each in config.loss.targets
    )
    roles = ["features", *of_labels, *["pca"] * has_components]
    tables = [getattr(folders, role) / name for role in roles for name in names]
    arguments = {"train": list(config.train), "held_out": list(config.held_out), "tables": roles}
    return Job(
        f"{label}: fold {fold}, seed {config.settings.seed}",
        train,
        arguments | {name: asdict(getattr(config, name)) for name in SECTIONS},
        (*tables, *[components] * has_components),
        work=config.settings.max_steps if config.model.is_network else 1,
        gpu=True,
    )


def train(context: JobContext) -> None:
    """Train a model alone; the function of a training's job.

    Args:
        context: arguments of a `TrainingConfig`, and `tables`: the fields of `TableFolders` that its tables are from;
            these tables, then the file of the principal components where there is one; the folder to make, of the
            model and the log.
    """
    with distributed.join_group() as group:
        _train(context, group)


def _train(context: JobContext, group: Group) -> None:
    config, (folders, components) = _config(context.arguments), _inputs(context)
    setup, done = set_up(config, folders, group.device), 0.0

    def advance(steps: float) -> None:
        nonlocal done
        done += steps
        context.report(done / last)

    last = config.settings.max_steps
    for state in run_training(config, setup, context.checkpoint, group, advance):
        last = last_step(state.log, config.settings)
        context.tell(f"Pearson {np.mean(best_entry(state.log).held_out.pearsons):.3f}")
    if group.rank == 0:
        context.output.mkdir()
        model = trained_model(config, setup, state, components)
        model_file.save(context.output / "model.safetensors", model)
        (context.output / "log.json").write_text(json.dumps(state.log))


def _read(training: Training, path: Path) -> TrainingResult:
    log = checkpoint.parse_log(json.loads((path / "log.json").read_text()))
    model = model_file.load(path / "model.safetensors")
    return TrainingResult(training.fold, training.config.settings.seed, model, log)


def _config(arguments: Mapping[str, Any]) -> TrainingConfig:
    sections = {
        name: TypeAdapter(kind).validate_json(json.dumps(arguments[name])) for name, kind in SECTIONS.items()
    }
    return TrainingConfig(arguments["train"], arguments["held_out"], **sections)


def _inputs(context: JobContext) -> tuple[TableFolders, Path]:
    """Folders of the tables, and the last of the inputs, which is the file of components where they are read."""
    samples = len(context.arguments["train"]) + len(context.arguments["held_out"])
    roles = context.arguments["tables"]
    folders = {role: context.inputs[number * samples].parent for number, role in enumerate(roles)}
    return TableFolders()._replace(**folders), context.inputs[-1]


def _train_in_group(job: Job, group: Group) -> Path | None:
    """Train together, unless that is done; the first process has the training's place in the store, for all."""
    context = JobContext(
        job.arguments, [path for path in job.inputs if isinstance(path, Path)], Path(), Path()
    )
    if group.rank > 0:
        if not distributed.broadcast_bytes(b"", group):
            _train(context, group)
        return None
    digests = Digests(default_root())
    key = job_key(job, function_digest(job.function), [digests.of(path) for path in context.inputs])
    facts = {"name": job.name, "arguments": job.arguments}
    with claim(key, facts, waiting="another run trains this model") as folder:
        is_finished = folder.is_finished()
        distributed.broadcast_bytes(b"finished" if is_finished else b"", group)
        if not is_finished:
            output = folder.attempt / job.output_name
            _train(replace(context, output=output, checkpoint=folder.checkpoint), group)
            folder.finish()
        return folder.result / job.output_name
