"""Processes that train together do what one does alone, wherever their files and devices are."""

import json
from dataclasses import replace

import pytest
import torch
from torch import distributed as torch_distributed

from glassdyn.learning import distributed, training_run
from glassdyn.learning.distributed import ALONE, Group
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, write_tables

NAMES = [f"copy{copy:02}-sample00" for copy in range(5)]
PARAMS = replace(SHORT, max_steps=9, record_every=3, batch=2)
CASES = [("graph_network", 0), ("attention", 0), ("graph_network", 2)]
"""Kinds and recurrences."""


def objectives(folders, checkpoint, group, kind, n_rec):
    """Those of a training that is cut off after the second log entry and goes on."""
    network = replace(NETWORK, kind=kind, n_rec=n_rec)
    config = training_run.TrainingConfig(NAMES[:3], NAMES[3:4], DISTANCES, network, PLAIN, PARAMS)
    for most in (2, 4):
        setup = training_run.set_up(config, folders, torch.device("cpu"))
        run = training_run.run_training(config, setup, checkpoint / f"{kind}-{n_rec}", group)
        states = [state for state, _ in zip(run, range(most), strict=False)]
        run.close()
    return [entry.objective for entry in states[-1].log]


def train_in_group(rank, folder, folders):
    """What one of two processes does, with a checkpoint that the other does not see."""
    torch_distributed.init_process_group("gloo", f"file://{folder / 'meeting'}", world_size=2, rank=rank)
    group = Group(rank, 2, torch.device("cpu"))
    results = [objectives(folders, folder / f"checkpoint-{rank}", group, *case) for case in CASES]
    (folder / f"results-{rank}.json").write_text(json.dumps(results))
    torch_distributed.destroy_process_group()


@pytest.mark.endurance
def test_two_processes_with_folders_of_their_own_go_on_together(tmp_path):
    folders = write_tables(tmp_path)
    torch.multiprocessing.spawn(train_in_group, (tmp_path, folders), nprocs=2)
    first, second = (json.loads((tmp_path / f"results-{rank}.json").read_text()) for rank in range(2))
    alone = [objectives(folders, tmp_path / "alone", ALONE, *case) for case in CASES]
    assert first == second
    for shared, expected in zip(first, alone, strict=True):
        assert shared == pytest.approx(expected, rel=1e-4)  # sums of float32 in another order


@pytest.fixture
def gpus(monkeypatch):
    """A machine with two GPUs, as far as it is asked; and the calls that it gets, in order."""
    calls = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: calls.append(("device", device.index)))
    monkeypatch.setattr(
        torch_distributed, "init_process_group", lambda backend: calls.append(("join", backend))
    )
    monkeypatch.setattr(torch_distributed, "destroy_process_group", lambda: calls.append(("leave", "")))
    monkeypatch.setattr(torch_distributed, "get_rank", lambda: 3)
    monkeypatch.setenv("WORLD_SIZE", "4")
    return calls


def test_each_process_has_its_gpu_before_it_joins(gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with distributed.join_group() as group:
        assert group == Group(3, 4, torch.device("cuda", 1))
    assert gpus == [("device", 1), ("join", "cpu:gloo,cuda:nccl"), ("leave", "")]


def test_two_processes_do_not_share_a_gpu(gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    with (
        pytest.raises(ValueError, match=r'process 3 on a machine of 2;.*CUDA_VISIBLE_DEVICES=""'),
        distributed.join_group(),
    ):
        pass
    assert not gpus
