"""Properties of resolution: for any subset of layers, the result is total, deterministic and explained, and no token
goes to a host that it is not for.

The oracle below (`belongs`) is written from the contract, not from the resolver: for every token, its text says
which origins it may go to.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from omniprofile.credentials.obtain import obtain
from omniprofile.credentials.overrides import Flags
from omniprofile.credentials.resolver import resolve
from omniprofile.credentials.status import CredentialStatus
from omniprofile.errors import Error
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Config, Declaration, EnvValue, KeySource, Settings
from omniprofile.model.export_mark import mark_of
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.resolution import Resolution, Selection
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account, StoredSecret

HOSTS = [f"https://{name}.omniapp.co" for name in ("own", "parent", "instance", "flag", "variable", "vendor", "stored")]
url = st.sampled_from(HOSTS)
maybe_url = st.none() | url


@dataclass(frozen=True)
class World:
    """One subset of the layers."""

    own_url: str | None
    own_instance: bool
    parent_url: str | None
    parent_instance: bool
    instance_url: str
    defaults_url: str | None
    own_key: str | None
    parent_key: str | None
    flag_url: str | None
    flag_token: bool
    variable_url: str | None
    variable_token: bool
    vendor_url: str | None
    vendor_tokens: tuple[bool, bool]
    exported: bool
    named: bool
    stored_for: str | None
    own_secret: str | None = None
    parent_secret: str | None = None

    @property
    def declared_url(self) -> str | None:
        """The base URL that the files declare: nearest table first, own base_url before instance."""
        if self.own_url:
            return self.own_url
        if self.own_instance:
            return self.instance_url
        if self.parent_url:
            return self.parent_url
        if self.parent_instance:
            return self.instance_url
        return self.defaults_url

    @property
    def vendor_applies(self) -> bool:
        return not self.named and not self.exported

    @property
    def key(self) -> str:
        return self.own_key or self.parent_key or "keyring"

    @property
    def key_url(self) -> str | None:
        """The base URL that the key is for: that of the table which declares it, else the one that the files declare."""
        return self._url_of(own=bool(self.own_key))

    @property
    def secret_url(self) -> str | None:
        """The base URL that the secret of `env` is for, as the key's."""
        return self._url_of(own=bool(self.own_secret))

    def _url_of(self, *, own: bool) -> str | None:
        url, instance = (self.own_url, self.own_instance) if own else (self.parent_url, self.parent_instance)
        return url or (self.instance_url if instance else None) or self.declared_url


worlds = st.builds(
    World,
    own_url=maybe_url,
    own_instance=st.booleans(),
    parent_url=maybe_url,
    parent_instance=st.booleans(),
    instance_url=url,
    defaults_url=maybe_url,
    own_key=st.sampled_from([None, "keyring", "env"]),
    parent_key=st.sampled_from([None, "keyring", "env"]),
    flag_url=maybe_url,
    flag_token=st.booleans(),
    variable_url=maybe_url,
    variable_token=st.booleans(),
    vendor_url=maybe_url,
    vendor_tokens=st.tuples(st.booleans(), st.booleans()),
    exported=st.booleans(),
    named=st.booleans(),
    stored_for=maybe_url,
    own_secret=st.sampled_from([None, "keyring", "env"]),
    parent_secret=st.sampled_from([None, "keyring", "env"]),
)


def _config(world: World) -> Config:
    sources = {"keyring": KeySource("keyring"), "env": KeySource("env", variable="OWN_KEY")}
    secrets = {"keyring": KeySource("keyring"), "env": KeySource("env", variable="OWN_SECRET")}

    def table(
        name: str, base_url: str | None, instance: bool, key: str | None, secret: str | None, extends: str | None
    ) -> Declaration:
        return Declaration(
            Layer.PROFILE,
            name,
            f"{name}.toml",
            1,
            {"base_url": 2, "instance": 2, "key": 3, "extends": 4},
            base_url=Origin.parse(base_url) if base_url else None,
            instance="i" if instance and not base_url else None,
            key=sources[key] if key else None,
            extends=extends,
            env={"SECRET": EnvValue(secret=secrets[secret])} if secret else {},
        )

    defaults: tuple[Declaration, ...] = ()
    if world.defaults_url:
        defaults = (
            Declaration(
                Layer.DEFAULTS, "defaults", "d.toml", 1, {"base_url": 2}, base_url=Origin.parse(world.defaults_url)
            ),
        )
    return Config(
        files=("p.toml",),
        settings=Settings(),
        defaults=defaults,
        instances={
            "i": Declaration(
                Layer.INSTANCE, "i", "i.toml", 1, {"base_url": 2}, base_url=Origin.parse(world.instance_url)
            )
        },
        profiles={
            "p": table("p", world.own_url, world.own_instance, world.own_key, world.own_secret, "q"),
            "q": table("q", world.parent_url, world.parent_instance, world.parent_key, world.parent_secret, None),
        },
    )


def _environ(world: World) -> dict[str, str]:
    environ = {"OWN_KEY": "key-own", "OWN_SECRET": "secret-own"}
    if world.variable_url:
        environ["OMNI_PROFILE_P_BASE_URL"] = world.variable_url
    if world.variable_token:
        environ["OMNI_PROFILE_P_TOKEN"] = "key-variable"
    vendor: dict[str, str] = {}
    for name, on in zip(("OMNI_API_TOKEN", "OMNI_API_KEY"), world.vendor_tokens, strict=True):
        if on:
            vendor[name] = "key-vendor"
    if world.vendor_url:
        vendor["OMNI_BASE_URL"] = world.vendor_url
    if world.exported:
        vendor["OMNIPROFILE_EXPORTED"] = mark_of("other", vendor, vendor.get("OMNI_BASE_URL", ""))
    return environ | vendor


def _resolve(world: World, *, explain: bool = False) -> Resolution | Error:
    layer = Provenance(Layer.FLAG, "NAME") if world.named else Provenance(Layer.STATE, "active", "active", 1)
    flags = Flags(base_url=world.flag_url, token=Secret("key-flag") if world.flag_token else None)
    stored_for = Origin.parse(world.stored_for) if world.stored_for else None

    def status_of(
        profile: str, origin: Origin | None, auth: str, key: KeySource, variable: str | None
    ) -> CredentialStatus:
        if key.kind == "keyring":
            if stored_for is None or stored_for == origin:
                return CredentialStatus("present" if stored_for else "missing")
            return CredentialStatus("unknown", elsewhere=(stored_for,))
        return CredentialStatus("present")

    try:
        return resolve(
            _config(world),
            Selection("p", layer),
            environ=_environ(world),
            flags=flags,
            status_of=status_of if explain else None,
        )
    except Error as error:
        return error


def _obtain(world: World, resolution: Resolution) -> Credential | Error:
    def stored(account: Account) -> StoredSecret | None:
        if world.stored_for is None or account.origin != Origin.parse(world.stored_for):
            return None
        text = "secret-stored" if account.variable else "key-stored"
        return StoredSecret(Origin.parse(world.stored_for), Secret(text), datetime(2026, 1, 1, tzinfo=UTC))

    try:
        return obtain(
            resolution,
            environ=_environ(world),
            stored=stored,
            elsewhere=lambda _, variable: [Origin.parse(world.stored_for)] if world.stored_for else [],
            fresh=lambda _, session: session,
            interactive=False,
            tell=lambda _: None,
        )
    except Error as error:
        return error


def _variables(credential: Credential) -> dict[str, str] | Error:
    try:
        return credential.variables()
    except Error as error:
        return error


def belongs(world: World, token: str, host: str) -> bool:
    """Whether `token` may go to `host`."""
    vendor_url = world.vendor_url if world.vendor_applies else None
    # A profile without any address has only the one that this call or the vendor's variable gives it.
    profiles_own = world.variable_url or world.declared_url or world.flag_url or vendor_url
    match token:
        case "key-flag":
            return host == (world.flag_url or profiles_own)
        case "key-variable":
            return host == profiles_own
        case "key-vendor":
            return world.vendor_applies and (vendor_url is None or host == vendor_url)
        case "key-own":
            # Without an address in the files, the key is for the one that a flag or variable gives.
            return world.key_url is None or host == world.key_url
        case "key-stored" | "secret-stored":
            return host == world.stored_for
        case "secret-own":
            return world.secret_url is None or host == world.secret_url
    return False


@given(worlds)
@settings(max_examples=600)
def test_every_subset_of_layers_resolves_totally_and_never_mixes_hosts(world: World) -> None:
    resolution = _resolve(world)
    if isinstance(resolution, Error):
        raise AssertionError(f"no layer is malformed, yet: {resolution}")
    credential = _obtain(world, resolution)
    if isinstance(credential, Credential):
        assert belongs(world, credential.token, credential.base_url), world
    else:
        assert credential.message
        assert credential.hint, f"no hint: {credential.message}"


@given(worlds)
@settings(max_examples=600)
def test_a_secret_of_a_variable_never_goes_with_a_host_that_it_is_not_for(world: World) -> None:
    resolution = _resolve(world)
    assert isinstance(resolution, Resolution)
    credential = _obtain(world, resolution)
    if not isinstance(credential, Credential):
        return
    declared = world.own_secret or world.parent_secret
    variables = _variables(credential)
    if isinstance(variables, Error):
        assert declared
        assert variables.hint
        fits = world.stored_for if declared == "keyring" else world.secret_url
        assert fits != credential.base_url, f"refused without cause: {variables}"
        return
    secret = variables.get("SECRET")
    assert secret is None or belongs(world, secret, variables["OMNI_BASE_URL"]), world
    bound = world.declared_url if declared == "keyring" else world.secret_url
    assert (secret is None) == (declared is None or bound not in (None, credential.base_url))


@given(worlds)
@settings(max_examples=300)
def test_the_strongest_token_wins_or_nothing_does(world: World) -> None:
    resolution = _resolve(world)
    assert isinstance(resolution, Resolution)
    credential = _obtain(world, resolution)
    if not isinstance(credential, Credential):
        return
    vendor = any(world.vendor_tokens) and world.vendor_applies
    own = "key-own" if world.key == "env" else "key-stored"
    strongest = (
        "key-flag" if world.flag_token else "key-variable" if world.variable_token else "key-vendor" if vendor else own
    )
    assert credential.token == strongest


@given(worlds)
@settings(max_examples=300)
def test_a_refusal_is_never_without_cause(world: World) -> None:
    """With the files alone and a key for the same host, resolution must succeed."""
    plain = World(
        **{
            **{name: getattr(world, name) for name in world.__dataclass_fields__},
            "flag_url": None,
            "flag_token": False,
            "variable_url": None,
            "variable_token": False,
            "vendor_url": None,
            "vendor_tokens": (False, False),
            "stored_for": world.declared_url,
        }
    )
    resolution = _resolve(plain)
    assert isinstance(resolution, Resolution)
    credential = _obtain(plain, resolution)
    fits = plain.key == "keyring" or plain.key_url == plain.declared_url
    assert isinstance(credential, Credential) == (plain.declared_url is not None and fits)


@given(worlds)
@settings(max_examples=300)
def test_resolution_is_deterministic(world: World) -> None:
    first, second = _resolve(world), _resolve(world)
    assert isinstance(first, Resolution)
    assert isinstance(second, Resolution)
    assert (first.origin, first.explain(), str(first.refusal)) == (second.origin, second.explain(), str(second.refusal))


@given(worlds)
@settings(max_examples=400)
def test_explain_agrees_with_resolve(world: World) -> None:
    decided, explained = _resolve(world), _resolve(world, explain=True)
    assert isinstance(decided, Resolution)
    assert isinstance(explained, Resolution)
    credential = _obtain(world, decided)
    assert explained.origin == decided.origin
    assert explained.explain()["base_url"] == decided.explain()["base_url"]
    if isinstance(credential, Credential):
        assert explained.refusal is None
        assert explained.explain()["base_url"].value == credential.base_url
        by_layer = {
            "key-flag": Layer.FLAG,
            "key-variable": Layer.ENVIRONMENT,
            "key-vendor": Layer.ENVIRONMENT,
            "key-stored": Layer.STORE,
        }
        expected = by_layer.get(credential.token)
        if expected:
            assert explained.explain()["token"].provenance.layer is expected
    elif explained.refusal is not None:
        assert str(explained.refusal) == str(credential)


@given(worlds)
@settings(max_examples=400)
def test_every_value_that_is_set_is_either_the_winner_or_a_loser_with_a_reason(world: World) -> None:
    explained = _resolve(world, explain=True)
    assert isinstance(explained, Resolution)
    field = explained.explain()["base_url"]
    shown = [field.value, *(other.value for other in field.overridden)]
    declared = [
        world.own_url or (world.instance_url if world.own_instance else None),
        world.parent_url or (world.instance_url if world.parent_instance else None),
        world.defaults_url,
    ]
    given_urls = [world.flag_url, world.variable_url, world.vendor_url, *declared]
    for value in given_urls:
        assert value is None or value in shown
    assert all(other.reason for other in field.overridden)
    tokens = explained.explain()["token"]
    names = {tokens.provenance.name, *(other.provenance.name for other in tokens.overridden)}
    for name, on in (
        ("--token-file", world.flag_token),
        ("OMNI_PROFILE_P_TOKEN", world.variable_token),
        ("OMNI_API_TOKEN", world.vendor_tokens[0]),
        ("OMNI_API_KEY", world.vendor_tokens[1]),
    ):
        assert (name in names) == on
    assert all(other.reason for other in tokens.overridden)
    assert "key-" not in repr(explained.explain())


def test_the_oracle_can_say_no() -> None:
    """The properties above rely on `belongs`, which must refuse what the contract refuses."""
    base = World(
        HOSTS[0], False, None, False, HOSTS[2], None, "env", None, HOSTS[3], False, None, False, None, (False, False),
        False, False, None,
    )  # fmt: skip
    assert not belongs(base, "key-own", HOSTS[3])
    assert belongs(base, "key-own", HOSTS[0])
    resolution = _resolve(base)
    assert isinstance(resolution, Resolution)
    assert isinstance(_obtain(base, resolution), Error)
