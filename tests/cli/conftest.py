"""Profiles over two running stand-ins, with the file store asked for by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import CANARY, Cli
from tests.standin import Standin

PRODUCTION_KEY = CANARY + "P"
STAGING_KEY = CANARY + "S"


@dataclass(frozen=True)
class Instances:
    """Two instances of Omni, each with its own key, and a profile for each."""

    production: Standin
    staging: Standin
    file: Path


@pytest.fixture
def file_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the 0600 file by name."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")


@pytest.fixture
def instances(cli: Cli, file_store: None) -> Iterator[Instances]:
    """`prod` (protected, expects an admin) and `staging`, both with keys in the store, none stored yet."""
    with Standin() as production, Standin() as staging:
        production.add_key(PRODUCTION_KEY, role="ORG_ADMIN")
        staging.add_key(STAGING_KEY, role="MEMBER")
        file = cli.profiles(
            f"""\
version = 1

[instances.acme]
base_url = "{production.base_url}"
allow_insecure = true
[instances.acme-staging]
base_url = "{staging.base_url}"
allow_insecure = true

[profiles.prod]
description = "Production"
instance = "acme"
protected = true
expect = {{ org_role = "ORG_ADMIN" }}

[profiles.staging]
instance = "acme-staging"
"""
        )
        yield Instances(production, staging, file)


TWO = """\
version = 1
default = "prod"

[instances.acme]
base_url = "https://acme.omniapp.co"

[profiles.prod]
description = "Production"
instance = "acme"
key = { env = "PROD_KEY" }
protected = true

[profiles.staging]
base_url = "https://acme-staging.omniapp.co"
key = { env = "STAGING_KEY" }
env = { OMNI_OUTPUT_FORMAT = "json" }
"""


@pytest.fixture
def two(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`prod` and `staging` with keys in variables, `prod` the default."""
    monkeypatch.setenv("PROD_KEY", PRODUCTION_KEY)
    monkeypatch.setenv("STAGING_KEY", STAGING_KEY)
    return cli.profiles(TWO)
