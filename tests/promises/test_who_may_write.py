"""Who may write to pins, key files and missing homes, with real users and mounts."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import CANARY, Cli

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
PROFILES = """\
default = "one"
[profiles.one]
base_url = "https://one.omniapp.co"
key = { env = "KEY" }
[profiles.two]
base_url = "https://two.omniapp.co"
key = { env = "KEY" }
"""
UID = 54321


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that another user can enter, with that user's home and work folder."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    for name in ("home/.config/omniprofile", "work/deep"):
        (base / name).mkdir(parents=True)
    (base / "home/.config/omniprofile/profiles.toml").write_text(PROFILES)
    for path in (base, *base.rglob("*")):
        os.chown(path, UID, UID)
    yield base
    shutil.rmtree(base)


def run(base: Path, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a command line as the other user, in `work/deep`."""
    return warm.run(
        *argv, prefix=["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"], cwd=base / "work/deep",
        env={"PATH": os.environ["PATH"], "HOME": str(base / "home"), "KEY": "k", **env},
    )  # fmt: skip


@needs_root
@pytest.mark.parametrize("how", ["owner", "mode", "folder", "link"])
def test_a_pin_of_another_user_is_ignored_with_a_line(how: str, shared: Path) -> None:
    (shared / "work/.omniprofile.toml").write_text('profile = "one"\n')
    os.chown(shared / "work/.omniprofile.toml", UID, UID)
    pin = shared / "work/deep/.omniprofile.toml"
    pin.write_text('profile = "two"\n')
    os.chown(pin, UID, UID)
    assert run(shared, "current").stdout == "two\n"
    if how == "owner":
        os.chown(pin, 12345, -1)
    elif how == "mode":
        pin.chmod(0o666)
    elif how == "folder":
        pin.parent.chmod(0o777)
    else:
        pin.rename(pin.with_name("real"))
        pin.symlink_to("real")
        os.lchown(pin, 12345, -1)
    for _ in range(2):  # from the files, then from the snapshot
        ran = run(shared, "current")
        assert ran.stdout == "one\n"
        assert ran.stderr.count("\n") == 1
        assert f"the project pin `{pin}` is ignored" in ran.stderr
    settings = f'[settings]\ntrusted_folders = ["{shared}/work"]\n'
    (shared / "home/.config/omniprofile/profiles.toml").write_text(PROFILES + settings)
    ran = run(shared, "current")
    assert (ran.stdout, ran.stderr) == ("two\n", "")


def test_a_trusted_folder_is_a_whole_path(cli: Cli) -> None:
    for good in ("~", "~/src", "/mnt/c"):
        cli.profiles(PROFILES + f'[settings]\ntrusted_folders = ["{good}"]\n')
        assert cli("current").status == 0
    for bad in ("src", "~other", ""):
        cli.profiles(PROFILES + f'[settings]\ntrusted_folders = ["{bad}"]\n')
        assert cli("current").status == 3


@needs_root
@pytest.mark.parametrize("mode", [0o644, 0o444, 0o440, 0o666])
def test_a_key_file_on_a_read_only_mount_is_taken_whatever_its_mode(mode: int, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "key").write_text(CANARY)
    (folder / "key").chmod(mode)
    cli.profiles(f'[profiles.one]\nbase_url = "https://one.omniapp.co"\nkey = {{ file = "{folder}/key" }}\n')
    assert cli("token").status == 6
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        for _ in range(2):
            ran = cli("token", shows=True)
            assert (ran.status, ran.out) == (0, CANARY + "\n"), ran
        assert cli("token", "--token-file", f"{folder}/key", shows=True).err == ""
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_root
@pytest.mark.parametrize(("owner", "mode", "counts"), [(UID, 0o666, True), (0, 0o666, True), (12345, 0o644, False)])
def test_on_a_read_only_mount_a_file_counts_by_its_owner_whoever_has_the_folder(
    owner: int, mode: int, counts: bool, shared: Path
) -> None:
    folder = shared / "work/deep"
    pin = folder / ".omniprofile.toml"
    pin.write_text('profile = "two"\n')
    pin.chmod(mode)
    os.chown(pin, owner, owner)
    os.chown(folder, 12345, 12345)
    assert run(shared, "current").stdout == "one\n"
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        assert run(shared, "current").stdout == ("two\n" if counts else "one\n")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_root
def test_where_chmod_does_nothing_the_hint_says_how_to_mount(cli: Cli, tmp_path: Path) -> None:
    image, disk = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(b"")
    os.truncate(image, 16 * 1024 * 1024)
    disk.mkdir()
    made = shutil.which("mkntfs") and os.path.exists("/dev/loop-control")
    if not made and not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL"):
        pytest.skip("ntfs-3g is not installed, or this machine has no loop devices")
    subprocess.run(["mkntfs", "-q", "-F", "-Q", str(image)], check=True, capture_output=True)
    subprocess.run(["mount", "-t", "ntfs-3g", "-o", "loop,umask=000", str(image), str(disk)], check=True)
    try:
        (disk / "profiles.toml").write_text(PROFILES)
        ran = cli("--config", str(disk / "profiles.toml"), "list")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert ran.status == 6, ran
    assert "`chmod` does nothing on a `fuseblk` mount: mount it with `umask=022`" in ran.err


@needs_root
def test_without_a_home_what_needs_none_works(shared: Path) -> None:
    config = str(shared / "home/.config/omniprofile/profiles.toml")
    for argv in (
        ("exec", "one", "--", "sh", "-c", "echo $OMNI_PROFILE"),
        ("current",),
        ("list",),
        ("lint",),
        ("token", "one"),
    ):
        ran = run(shared, *argv, HOME="", OMNIPROFILE_CONFIG=config)
        assert ran.returncode == 0, ran
    ran = run(shared, "use", "two", HOME="", OMNIPROFILE_CONFIG=config)
    assert ran.returncode == 1
    assert "nonexistent" in ran.stderr


@needs_root
def test_root_in_the_home_of_users_without_one_does_not_make_it(cli: Cli) -> None:
    unset = {"XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "XDG_CACHE_HOME": ""}
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text(PROFILES)
    ran = cli("--config", str(cli.config), "use", "two", env={"HOME": "/nonexistent", **unset})
    assert ran.status == 1, ran
    assert "there is no home folder" in ran.err
    assert not os.path.lexists("/nonexistent")


@needs_root
def test_files_made_by_sudo_in_a_users_home_belong_to_the_user(shared: Path) -> None:
    env = {**os.environ, "HOME": str(shared / "home"), "KEY": "k", "OMNIPROFILE_SECRET_STORE": "file"}
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        del env[name]
    for argv in (("use", "two"), ("list",)):
        subprocess.run([sys.executable, "-m", "omniprofile", *argv], env=env, check=True, capture_output=True)
    assert (shared / "home/.local/state/omniprofile/active").exists()
    assert {path.lstat().st_uid for path in (shared / "home").rglob("*")} == {UID}
    assert run(shared, "use", "one").returncode == 0


@needs_root
@pytest.mark.parametrize("what", [".local", ".local/state/omniprofile/active"])
def test_a_file_of_roots_in_the_home_gets_a_chown_hint(what: str, shared: Path) -> None:
    assert run(shared, "use", "two").returncode == 0
    place = shared / "home" / what
    for path in (place, *place.rglob("*")):
        os.chown(path, 0, 0)
    if place.is_file():
        place.chmod(0o600)
        ran = run(shared, "current")
    else:
        ran = run(shared, "use", "one")
    assert f"sudo chown -R {UID} {place}" in ran.stderr, ran


@needs_root
def test_every_writing_command_suggests_chown_for_a_folder_of_roots(shared: Path) -> None:
    places = {"set": shared / "home/.config/omniprofile", "remove": shared / "home/.local/state/omniprofile"}
    assert run(shared, "use", "two").returncode == 0
    for place in places.values():
        os.chown(place, 0, 0)
        place.chmod(0o755)
    for argv in (("set", "one", "description", "x"), ("remove", "one", "--yes", "--leave-secret")):
        ran = run(shared, *argv)
        assert ran.returncode == 1, ran
        assert f"sudo chown -R {UID} {places[argv[0]]}" in ran.stderr, ran


@pytest.mark.parametrize("content", ["{}", "damaged"])
@pytest.mark.parametrize(
    ("name", "argv", "status"), [("stored.json", ["list"], 0), ("unfinished.json", ["remove", "one", "--yes"], 6)]
)
def test_files_in_the_state_folder_that_others_may_write_are_ignored(
    name: str, argv: list[str], status: int, content: str, cli: Cli
) -> None:
    cli.profiles('[profiles.one]\nbase_url = "https://one.omniapp.co"\n')
    cli.state.mkdir(parents=True)
    (cli.state / name).write_text(content)
    assert "anyone can write to" not in cli(*argv).err
    (cli.state / name).chmod(0o666)
    ran = cli(*argv, status=status)
    assert f"anyone can write to `{cli.state / name}`" in ran.err


@needs_root
def test_a_lock_that_another_user_owns_is_not_waited_for(shared: Path) -> None:
    """Its owner could hold it forever."""
    assert run(shared, "use", "two").returncode == 0
    lock = shared / "home/.local/state/omniprofile/active.lock"
    lock.chmod(0o666)
    os.chown(lock, 12345, -1)
    ran = run(shared, "use", "one")
    assert ran.returncode == 1, ran
    assert "it belongs to another user" in ran.stderr
    assert run(shared, "current").stdout == "two\n"
