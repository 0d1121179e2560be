"""What `glassdyn check` says of the remote: that there is none, that others do not know it, that it is not verified."""

import subprocess

import pytest

from glassdyn.remotes import describe_remote

SSH = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = ssh://host/data\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    subprocess.run(["git", "init", "-q"], check=True)

    def configure(text, *, committed=True, local=""):
        (tmp_path / ".dvc" / "config").write_text(text)
        (tmp_path / ".dvc" / "config.local").write_text(local)
        if committed:
            identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
            subprocess.run(["git", "add", ".dvc/config"], check=True)
            subprocess.run(["git", *identity, "commit", "-qm", "storage", "--allow-empty"], check=True)
        return describe_remote()

    return configure


def test_no_remote(repository):
    assert repository("[core]\n    analytics = false\n").startswith(
        "none; `dvc push`, `dvc pull` and `dvc exp push`"
    )


def test_no_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert describe_remote().startswith("none")


def test_a_remote_that_is_not_committed(repository):
    repository("[core]\n    analytics = false\n")
    assert "`dvc exp push` would push no data; `git commit .dvc/config`" in repository(SSH, committed=False)
    assert "is not committed" in repository("", local=SSH)


def test_a_remote_that_is_not_verified(repository):
    assert "storage, ssh://host/data, which is not verified" in repository(SSH)
    assert repository(SSH + "    verify = true\n") == "storage, ssh://host/data"
    assert "not verified" in repository(
        SSH + "    verify = true\n", local="['remote \"storage\"']\nverify = false\n"
    )


def test_a_folder_is_verified_like_any_remote(repository):
    folder = SSH.replace("ssh://host", "/group")
    assert "not verified" in repository(folder)
    assert repository(folder + "    verify = true\n") == "storage, /group/data"


def test_a_broken_file_of_configuration(repository):
    assert repository("][").startswith("none")
