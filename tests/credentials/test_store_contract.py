"""The contract of `model.stored.SecretStore`, run on every store."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from omniprofile.credentials import light_keyring
from omniprofile.credentials.file_store import FileStore
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.model.compiled_profile import Undecided
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account, SecretStore, StoredSecret
from tests.conftest import CANARY
from tests.credentials.conftest import MemoryKeyring, SmallKeyring, account, make_secret, stored_secret
from tests.sampling import WHOLE

OpenStore = Callable[[], SecretStore]


class LightlyRead(KeyringStore):
    """The keyring, read without the package `keyring`, except for missing entries."""

    def get(self, account: Account) -> StoredSecret | None:
        folder = os.path.dirname(self._index.path)
        try:
            fields = light_keyring.get(str(account), folder, "", self._lock_folders, os.environ)
        except Undecided:
            assert super().get(account) is None
            return None
        return stored_secret(account, fields)


@pytest.fixture(
    params=[
        "file",
        "memory",
        "small",
        pytest.param("secret-service", marks=pytest.mark.secret_service),
        *([pytest.param("secret-service-split", marks=pytest.mark.secret_service)] if WHOLE else []),
        pytest.param("secret-service-light", marks=pytest.mark.secret_service),
    ]
)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Open the store again, as another process would."""
    kind: str = request.param
    if kind == "file":
        return lambda: FileStore(str(tmp_path / "state"))
    if kind in ("memory", "small"):
        request.getfixturevalue("use_keyring")(MemoryKeyring() if kind == "memory" else SmallKeyring())
    else:
        request.getfixturevalue("secret_service")
    limit = {"small": 1280, "secret-service-split": 300}.get(kind)
    folders = str(tmp_path / "state"), str(tmp_path / "locks")
    store = LightlyRead if kind == "secret-service-light" else KeyringStore
    return lambda: store(folders[0], timeout=120, lock_folders=[folders[1]], limit=limit)


def limit_of(store: SecretStore) -> int:
    """Return the longest entry that is not split."""
    return getattr(store, "_limit", None) or 1280


def test_nothing_is_stored_at_first(open_store: OpenStore) -> None:
    assert open_store().get(account("prod")) is None
    assert open_store().summaries() == {}
    assert open_store().delete(account("prod")) is False


def test_check_passes_and_leaves_nothing(open_store: OpenStore, tmp_path: Path) -> None:
    open_store().check()

    assert open_store().summaries() == {}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("secret", [make_secret(), make_secret(session=True)], ids=["key", "session"])
def test_a_stored_value_is_read_back_whole(open_store: OpenStore, secret: StoredSecret) -> None:
    open_store().put("prod", secret)

    assert open_store().get(account("prod")) == secret


def test_a_value_of_every_length_around_the_limits_is_got_whole(open_store: OpenStore) -> None:
    limit = limit_of(open_store())
    for length in range(1, 2600, 50) if WHOLE else (1, limit // 2, limit - 1, limit, limit + 1, 6 * limit):
        secret = make_secret("k" * length)
        open_store().put("prod", secret)
        assert open_store().get(account("prod")) == secret, length


def test_a_long_value_is_replaced_by_a_short_one_and_back(open_store: OpenStore) -> None:
    limit = limit_of(open_store())
    for text in ("l" * 4 * limit, "s", "L" * 5 * limit, "M" * 2 * limit, "t"):
        open_store().put("prod", make_secret(text))
        found = open_store().get(account("prod"))
        assert found is not None
        assert found.token == Secret(text)


def test_every_character_of_a_key_comes_back(open_store: OpenStore) -> None:
    secret = make_secret("".join(map(chr, range(33, 127))) * 20)
    open_store().put("prod", secret)

    assert open_store().get(account("prod")) == secret


def test_one_name_for_several_origins_is_as_many_accounts(open_store: OpenStore) -> None:
    """Two profile files, or one before and after its base URL was edited."""
    origins = (
        "https://acme.omniapp.co",
        "https://acme.omniapp.co:8443",
        "http://[::1]:8080",
        "https://xn--bcher-kva.example",
    )
    times = limit_of(open_store()) // 3
    secrets = {
        account("prod", origin): make_secret(f"key-{n}" * times, origin=origin) for n, origin in enumerate(origins)
    }
    for secret in secrets.values():
        open_store().put("prod", secret)

    assert open_store().summaries().keys() == secrets.keys()
    assert {one: open_store().get(one) for one in secrets} == secrets
    gone = account("prod", origins[1])
    assert open_store().delete(gone) is True
    assert {one: open_store().get(one) for one in secrets} == {**secrets, gone: None}
    assert open_store().get(account("prod.", origins[0])) is None


def test_a_profiles_key_and_the_secrets_of_its_variables_are_accounts_of_their_own(open_store: OpenStore) -> None:
    names = (None, "OMNI_EMBED_SECRET", "omni_embed_secret", "_x9")
    times = limit_of(open_store()) // 5
    secrets = [replace(make_secret(f"secret-{n}" * times), variable=name) for n, name in enumerate(names)]
    for secret in secrets:
        open_store().put("prod", secret)

    accounts = [secret.account("prod") for secret in secrets]
    assert open_store().summaries().keys() == set(accounts)
    assert [open_store().get(one) for one in accounts] == secrets
    assert open_store().delete(accounts[1]) is True
    assert [open_store().get(one) for one in accounts] == [secrets[0], None, *secrets[2:]]


def test_every_file_that_stored_a_secret_is_noted(open_store: OpenStore) -> None:
    for owner in ("/a/profiles.toml", "/b/profiles.toml", "/a/profiles.toml"):
        store = open_store()
        store._owner = owner  # type: ignore[attr-defined]  # as the app gives it
        store.put("prod", make_secret())
        store.get(account("prod"))

    assert open_store().summaries()[account("prod")].files == ("/a/profiles.toml", "/b/profiles.toml")


def test_accounts_do_not_touch_each_other(open_store: OpenStore) -> None:
    first, second = make_secret("1" * 2000), make_secret("2" * 2000, origin="https://play.omniapp.co")
    open_store().put("prod", first)
    open_store().put("prod.2", second)
    play = account("prod.2", "https://play.omniapp.co")
    assert open_store().delete(play) is True

    assert open_store().get(account("prod")) == first
    assert open_store().get(play) is None


def test_deleted_is_gone_and_the_second_deletion_says_so(open_store: OpenStore) -> None:
    open_store().put("prod", make_secret("k" * 4000))

    assert open_store().delete(account("prod")) is True
    assert open_store().get(account("prod")) is None
    assert open_store().delete(account("prod")) is False
    assert open_store().summaries() == {}


def test_summaries_say_what_is_stored(open_store: OpenStore) -> None:
    session = make_secret(session=True)
    key = make_secret(origin="https://play.omniapp.co")
    open_store().put("prod", session)
    open_store().put("play", key)

    found = open_store().summaries()
    assert {one: (summary.stored_at, summary.expires_at) for one, summary in found.items()} == {
        account("prod"): (session.stored_at, session.expires_at),
        account("play", "https://play.omniapp.co"): (key.stored_at, None),
    }


def test_no_file_but_a_secret_store_of_mode_0600_holds_a_secret(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store()
    store.put("prod", make_secret(session=True))
    store.get(account("prod"))

    holders = [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert holders == ([Path(store.path)] if isinstance(store, FileStore) else [])
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "state").iterdir())
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_the_label_names_the_store_without_a_secret(open_store: OpenStore) -> None:
    store = open_store()
    store.put("prod", make_secret())

    assert CANARY not in store.label
    assert os.sep in store.label or "service `omniprofile`" in store.label
