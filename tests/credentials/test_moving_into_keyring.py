"""Importing from the vendor's CLI into a real Secret Service."""

import json

import pytest

from tests.cli.test_import import STAGING, VENDOR, write_vendor
from tests.conftest import CANARY, Cli
from tests.credentials.conftest import SecretService

pytestmark = pytest.mark.secret_service


def test_secrets_move_from_plain_text_into_the_keyring(secret_service: SecretService, cli: Cli) -> None:
    vendor = write_vendor(cli, VENDOR)
    ran = cli("import", "omni-cli", "--scrub", status=0)
    assert "OS keyring (SecretService Keyring)" in ran.err
    assert CANARY not in vendor.read_text()
    assert cli("token", "staging", shows=True).out == STAGING + "\n"
    holding = {path.name for path in cli.home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()}
    assert {name.split("-")[0] for name in holding} == {"config.json"}, "the backup alone"
    look = cli("doctor", "--offline", "--json")
    checks = json.loads(look.out)["checks"]
    assert [check["check"] for check in checks if check["status"] in ("warning", "problem")] == ["backups"], look
    secret_service.lock()
    locked = cli("doctor", "--offline", "--json")
    (store,) = [check for check in json.loads(locked.out)["checks"] if check["check"] == "secret-store"]
    assert (store["status"], "is locked" in store["message"]) == ("problem", True), locked
