"""Secrets belong to a profile's name and origin together, over profile files, edits and identities."""

from pathlib import Path
from threading import Barrier, Thread

import pytest

from omniprofile.app import App
from omniprofile.credentials.file_store import FileStore
from omniprofile.model.stored import SecretStore
from omniprofile.system.environment import Environment
from tests.conftest import CANARY, Cli
from tests.standin import Standin

A, B = "https://a.omniapp.co", "https://b.omniapp.co"
KEY_A, KEY_B = f"{CANARY}-a", f"{CANARY}-b"


def profile(url: str, more: str = "") -> str:
    return f'[profiles.prod]\nbase_url = "{url}"\n{more}\n'


def stored(cli: Cli) -> list[str]:
    return sorted(str(account) for account in FileStore(str(cli.state)).summaries())


@pytest.fixture
def other(cli: Cli, file_store: None, tmp_path: Path) -> tuple[str, str]:
    """Define `prod` in two profile files, for two hosts, both logged in."""
    cli.profiles(profile(A))
    path = tmp_path / "other.toml"
    path.write_text(profile(B))
    assert cli("login", "prod", "--no-test", stdin=KEY_A).status == 0
    assert cli("--config", str(path), "login", "prod", "--no-test", stdin=KEY_B).status == 0
    return "--config", str(path)


def test_two_files_with_one_name_have_two_secrets(cli: Cli, other: tuple[str, str]) -> None:
    assert cli("token", "prod", shows=True).out == f"{KEY_A}\n"
    assert cli(*other, "token", "prod", shows=True).out == f"{KEY_B}\n"
    assert stored(cli) == [f"prod@{A}", f"prod@{B}"]
    for flags in ((), other):
        assert '"present"' in cli(*flags, "list", "--json").out


def test_prune_leaves_what_another_file_stored(cli: Cli, other: tuple[str, str]) -> None:
    cli.profiles('[profiles.else]\nbase_url = "https://else.omniapp.co"\n')
    ran = cli("doctor", "--offline", "--prune", "--yes")
    assert f"`prod` ({A})" in ran.err
    assert stored(cli) == [f"prod@{B}"]
    assert cli(*other, "token", "prod", shows=True).out == f"{KEY_B}\n"


def test_prune_leaves_what_two_files_share(cli: Cli, file_store: None, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    for flags, file in (((), cli.profiles(profile(A))), (("--config", str(path)), path)):
        file.write_text(profile(A))
        assert cli(*flags, "login", "prod", "--no-test", stdin=KEY_A).status == 0
    path.write_text('[profiles.else]\nbase_url = "https://else.omniapp.co"\n')
    assert cli("--config", str(path), "doctor", "--offline", "--prune", "--yes").status == 0
    assert cli("token", "prod", shows=True).out == f"{KEY_A}\n"


def test_logout_takes_all_of_a_name_and_says_whose_they_are(cli: Cli, other: tuple[str, str]) -> None:
    ran = cli("logout", "prod", status=0)
    assert stored(cli) == []
    assert f"`{other[1]}` stored it too" in ran.err
    assert A in ran.err
    assert B in ran.err


def test_rename_and_remove_take_all_of_a_name_and_say_whose_they_are(cli: Cli, other: tuple[str, str]) -> None:
    ran = cli("rename", "prod", "live", status=0)
    assert f"`{other[1]}` stored it too: its profile `prod` has to log in again" in ran.err
    assert str(cli.config) not in ran.err
    assert stored(cli) == [f"live@{A}", f"live@{B}"]
    assert cli("token", "live", shows=True).out == f"{KEY_A}\n"
    assert cli("remove", "live", "--yes").status == 0
    assert stored(cli) == []


def test_rename_does_not_replace_what_another_file_stored_for_the_new_name(
    cli: Cli, file_store: None, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    path.write_text(f'[profiles.live]\nbase_url = "{A}"\n')
    cli("--config", str(path), "login", "live", "--no-test", stdin=KEY_B)
    cli.profiles(profile(A))
    cli("login", "prod", "--no-test", stdin=KEY_A)
    before = cli.config.read_text()
    ran = cli("rename", "prod", "live", status=6)
    assert str(path) in ran.err
    assert cli.config.read_text() == before
    assert cli("--config", str(path), "token", "live", shows=True).out == f"{KEY_B}\n"
    assert cli("rename", "prod", "live", "--leave-secret").status == 0


def test_another_base_url_is_refused_with_both_named_and_never_missing(cli: Cli, file_store: None) -> None:
    cli.profiles(profile(A))
    cli("login", "prod", "--no-test", stdin=KEY_A)
    cli.profiles(profile(B))
    for line in (("token", "prod"), ("env", "prod", "--shell", "bash"), ("exec", "prod", "--", "true")):
        ran = cli(*line, status=6)
        assert A in ran.err
        assert B in ran.err
    assert '"missing"' not in cli("list", "--json").out
    assert cli("login", "prod", "--no-test", stdin=KEY_B).status == 0
    assert cli("token", "prod", shows=True).out == f"{KEY_B}\n"
    cli.profiles(profile(A))
    assert cli("token", "prod", shows=True).out == f"{KEY_A}\n"


@pytest.fixture
def instance() -> Standin:
    """An instance with the keys of two users."""
    standin = Standin()
    standin.add_key(KEY_A, user="u-1", membership="m-1")
    standin.add_key(KEY_B, user="u-2", membership="m-2")
    return standin


def test_an_expected_identity_holds_for_a_secret_that_another_file_stored(
    cli: Cli, file_store: None, instance: Standin, tmp_path: Path
) -> None:
    with instance:
        text = profile(instance.base_url, "allow_insecure = true")
        cli.profiles(text)
        assert cli("login", "prod", stdin=KEY_A).status == 0
        path = tmp_path / "other.toml"
        path.write_text(text + 'expect = { user = "u-2" }\n')
        for line in (("token", "prod"), ("exec", "prod", "--", "true"), ("env", "prod", "--shell", "bash")):
            ran = cli("--config", str(path), *line, status=6)
            assert "u-1" in ran.err
            assert "u-2" in ran.err
        ran = cli("--config", str(path), "test", "prod", "--json")
        assert (ran.status, '"invalid"' in ran.out) == (8, True), ran
        path.write_text(text + 'expect = { user = "u-1" }\n')
        assert cli("--config", str(path), "token", "prod", shows=True).out == f"{KEY_A}\n"


def test_login_says_before_it_replaces_another_identity(cli: Cli, file_store: None, instance: Standin) -> None:
    with instance:
        cli.profiles(profile(instance.base_url, "allow_insecure = true"))
        assert "another identity" not in cli("login", "prod", stdin=KEY_A).err
        assert "another identity" not in cli("login", "prod", stdin=KEY_A).err
        ran = cli("login", "prod", stdin=KEY_B, status=0)
        assert "will replace the credential of another identity" in ran.err
        assert ran.err.index("u-1") < ran.err.index("u-2") < ran.err.index("stored;")


def test_the_store_is_created_only_once(cli: Cli, file_store: None) -> None:
    cli.profiles(profile(A))
    for _ in range(50):
        app, start = App(Environment.real()), Barrier(16)
        found: list[SecretStore] = []

        def first(app: App = app, start: Barrier = start, found: list[SecretStore] = found) -> None:
            start.wait()
            found.extend((app.sessions.store, app.store))

        threads = [Thread(target=first) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 32
        assert all(store is found[0] for store in found)
