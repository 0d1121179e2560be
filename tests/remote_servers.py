"""Servers on loopback that keep data for DVC, as others keep it: a folder, SSH, S3 and HTTP."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

PATIENCE = 30.0
"""Seconds until a server answers."""

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Remote(NamedTuple):
    """A place for data.

    Attributes:
        url: as `dvc remote add` takes it.
        settings: that are committed.
        secrets: that stay in .dvc/config.local.
        names: of the files that are there.
        read: bytes of a file.
        write: other bytes into a file.
        upload: where data are pushed to, if not to the remote itself, which is read only.
    """

    url: str
    settings: dict[str, str]
    secrets: dict[str, str]
    names: Callable[[], list[str]]
    read: Callable[[str], bytes]
    write: Callable[[str, bytes], object]
    upload: str | None = None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[None]:
    """A server until the end of the block."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
        try:
            end = time.monotonic() + PATIENCE
            while not answers(port):
                assert process.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < end, "the server does not answer"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def stored_in(folder: Path, url: str, **rest: dict[str, str] | str) -> Remote:
    """A remote whose files lie in a folder of this machine."""

    def names() -> list[str]:
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def write(name: str, content: bytes) -> None:
        (folder / name).chmod(0o644)
        (folder / name).write_bytes(content)

    fields = {"settings": {}, "secrets": {}, **rest}
    return Remote(url=url, names=names, read=lambda name: (folder / name).read_bytes(), write=write, **fields)


@contextmanager
def folder_remote(folder: Path) -> Iterator[Remote]:
    (folder / "storage").mkdir()
    yield stored_in(folder / "storage", str(folder / "storage"))


@contextmanager
def http_remote(folder: Path) -> Iterator[Remote]:
    """A folder that `python -m http.server` shows; who may write to it pushes into the folder."""
    storage, port = folder / "storage", free_port()
    storage.mkdir()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(storage)]
    with serving(command, port, folder):
        yield stored_in(storage, f"http://127.0.0.1:{port}", upload=str(storage))


@contextmanager
def ssh_remote(folder: Path) -> Iterator[Remote]:
    """OpenSSH's server, run by whoever runs the test, with a key of its own and one for the client."""
    pytest.importorskip("dvc_ssh", reason="the extra `remotes` is not installed")
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("no OpenSSH server on this machine (Debian: openssh-server)")
    storage, port = folder / "storage", free_port()
    storage.mkdir()
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "client.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # as Debian's service does
    with serving([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], port, folder):
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{storage}"
        yield stored_in(storage, url, secrets={"keyfile": str(folder / "client")})


@contextmanager
def s3_remote(folder: Path) -> Iterator[Remote]:
    """Moto's server, which answers as S3 does."""
    pytest.importorskip("dvc_s3", reason="the extra `remotes` is not installed")
    pytest.importorskip("moto")
    boto3, port = pytest.importorskip("boto3"), free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port, folder):
        address, keys = f"http://127.0.0.1:{port}", {"access_key_id": "test", "secret_access_key": "secret"}
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            **{f"aws_{name}": value for name, value in keys.items()},
        )
        client.create_bucket(Bucket="storage")

        def names() -> list[str]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket="storage")
            return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

        yield Remote(
            url="s3://storage/data",
            settings={"endpointurl": address, "region": "us-east-1"},
            secrets=keys,
            names=names,
            read=lambda name: client.get_object(Bucket="storage", Key=name)["Body"].read(),
            write=lambda name, content: client.put_object(Bucket="storage", Key=name, Body=content),
        )


SERVERS = {"folder": folder_remote, "ssh": ssh_remote, "s3": s3_remote, "http": http_remote}
