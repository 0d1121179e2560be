"""Data pushed to and pulled from real servers: whole, in part, interrupted, and damaged.

The repository is this one, its outputs are random bytes: DVC does not look into them.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from checkouts import BIN, Checkout, copy_working_tree
from remote_servers import SERVERS

pytestmark = pytest.mark.endurance

FILES, SIZE = 60, 200_000
"""Of the trajectories."""


def plant(checkout: Checkout) -> None:
    """Outputs of every stage, of random bytes, as if they had been computed."""
    generator, stages = random.Random(1), YAML(typ="safe").load(checkout.folder / "dvc.yaml")["stages"]
    for stage in stages.values():
        for entry in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            output = checkout.folder / (entry if isinstance(entry, str) else next(iter(entry)))
            is_file, many = bool(output.suffix), output.name == "trajectories"
            for number in range(FILES if many else 1):
                path = output if is_file else output / f"copy{number:02}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(
                    b"{}" if path.suffix == ".json" else generator.randbytes(SIZE if many else 1000)
                )


@pytest.fixture(scope="module")
def original(root, tmp_path_factory):
    """A checkout with outputs, all of them recorded in dvc.lock, and no remote."""
    checkout = copy_working_tree(root, tmp_path_factory.mktemp("remotes") / "original")
    checkout.commit("code")
    plant(checkout)
    checkout.dvc("commit", "-f")
    checkout.commit("results")
    return checkout


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as remote:
        yield request.param, remote


@pytest.fixture(scope="module")
def pushed(original, server, tmp_path_factory):
    """A clone of the original that has pushed to the server; its configuration is committed, its secrets are not."""
    kind, remote = server
    ours = clone(original, tmp_path_factory.mktemp(kind) / "ours")
    ours.dvc("remote", "add", "-d", "storage", remote.url)
    for name, value in {**remote.settings, "verify": "true"}.items():
        ours.dvc("remote", "modify", "storage", name, value)
    add_secrets(ours, remote)
    ours.commit("storage")
    ours.dvc("cache", "dir", "--local", str(original.folder / ".dvc" / "cache"))
    push(ours, remote)
    return ours


def clone(checkout: Checkout, folder: Path) -> Checkout:
    checkout.git("clone", "-q", str(checkout.folder), str(folder))
    copy = Checkout(folder)
    copy.git("config", "user.name", "test")
    copy.git("config", "user.email", "test@localhost")
    return copy


def add_secrets(checkout: Checkout, remote) -> None:
    for name, value in remote.secrets.items():
        checkout.dvc("remote", "modify", "--local", "storage", name, value)


def push(checkout: Checkout, remote, *targets: str) -> None:
    """Push, to where data are uploaded for a remote that is read only."""
    if remote.upload:
        checkout.dvc("remote", "add", "-f", "--local", "upload", remote.upload)
        checkout.dvc("push", "-q", "-r", "upload", *targets)
    else:
        checkout.dvc("push", "-q", *targets)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def data(checkout: Checkout) -> dict[str, bytes]:
    return contents(checkout.folder / "data") | contents(checkout.folder / "models")


def test_what_is_pushed_is_pulled(original, server, pushed, tmp_path):
    _, remote = server
    theirs = clone(pushed, tmp_path / "theirs")
    assert not any(
        value in (theirs.folder / ".dvc" / "config").read_text() for value in remote.secrets.values()
    )
    add_secrets(theirs, remote)
    assert "verify true" not in theirs.glassdyn("check")
    theirs.dvc("pull", "-q", "data/features", "data/trajectories/copy03", "models/network.safetensors")
    assert {path.name for path in (theirs.folder / "data").iterdir()} == {"features", "trajectories"}
    assert [path.name for path in (theirs.folder / "data" / "trajectories").iterdir()] == ["copy03"]
    theirs.dvc("pull", "-q")
    assert data(theirs) == data(original)
    assert "up to date" in theirs.dvc("status")


def test_another_project_takes_a_part(original, server, pushed, tmp_path):
    _, remote = server
    project = Checkout(tmp_path / "project")
    project.folder.mkdir()
    project.git("init", "-qb", "main")
    project.dvc("init", "-q")
    shared = clone(pushed, tmp_path / "shared")
    options = [
        word for name, value in remote.secrets.items() for word in ("--remote-config", f"{name}={value}")
    ]
    project.dvc("get", "-q", str(shared.folder), "data/labels", "-o", "labels", *options)
    assert contents(project.folder / "labels") == contents(original.folder / "data" / "labels")
    project.dvc("import", "-q", str(shared.folder), "data/trajectories", *options)
    assert contents(project.folder / "trajectories") == contents(original.folder / "data" / "trajectories")
    assert str(shared.folder) in (project.folder / "trajectories.dvc").read_text()


def damage(remote) -> tuple[str, bytes]:
    """Flip a byte of a file of the trajectories; its name and what it was."""
    name = next(name for name in remote.names() if len(remote.read(name)) == SIZE)
    content = remote.read(name)
    remote.write(name, content[:100] + bytes([content[100] ^ 1]) + content[101:])
    return name, content


def test_a_flipped_byte_is_not_pulled(server, pushed, tmp_path):
    _, remote = server
    theirs = clone(pushed, tmp_path / "theirs")
    add_secrets(theirs, remote)
    name, content = damage(remote)
    try:
        assert "failed" in theirs.dvc("pull", "data/trajectories", code=1).lower()
        assert not (theirs.folder / "data" / "trajectories").exists()
    finally:
        remote.write(name, content)
    theirs.dvc("pull", "-q", "data/trajectories")


def test_unverified_a_flipped_byte_is_pulled_without_a_word(original, server, pushed, tmp_path):
    """What docs/remotes.md warns of."""
    _, remote = server
    theirs = clone(pushed, tmp_path / "theirs")
    theirs.dvc("remote", "modify", "--unset", "storage", "verify")
    add_secrets(theirs, remote)
    name, content = damage(remote)
    try:
        theirs.dvc("pull", "data/trajectories")
        assert contents(theirs.folder / "data/trajectories") != contents(
            original.folder / "data/trajectories"
        )
    finally:
        remote.write(name, content)


def kill_midway(checkout: Checkout, command: list[str], count) -> None:
    """Kill DVC when some files have gone through."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    process = subprocess.Popen([sys.executable, "-m", "dvc", *command], cwd=checkout.folder, env=environment)
    before = count()
    while process.poll() is None and count() < before + 5:
        time.sleep(0.005)
    assert process.poll() is None, "the transfer was over before it could be interrupted"
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("server", ["ssh", "s3"], indirect=True)
def test_interrupted_transfers_go_on(original, server, tmp_path):
    _, remote = server
    ours = clone(original, tmp_path / "ours")
    ours.dvc("remote", "add", "-d", "storage", remote.url + "/second")
    for name, value in {**remote.settings, "verify": "true"}.items():
        ours.dvc("remote", "modify", "storage", name, value)
    add_secrets(ours, remote)
    ours.commit("storage")
    ours.dvc("cache", "dir", "--local", str(original.folder / ".dvc" / "cache"))
    kill_midway(ours, ["push", "-j", "1"], lambda: len(remote.names()))
    push(ours, remote)
    theirs = clone(ours, tmp_path / "theirs")
    add_secrets(theirs, remote)
    cache = theirs.folder / ".dvc" / "cache"
    kill_midway(theirs, ["pull", "-j", "1"], lambda: len(list(cache.rglob("*"))))
    theirs.dvc("pull", "-q")
    assert data(theirs) == data(original)
