"""`__complete`: the words that TAB asks the program for."""

from pathlib import Path

from tests.conftest import CANARY, Cli


def test_every_profile_is_a_line_of_name_and_description(cli: Cli, two: Path) -> None:
    ran = cli("__complete", "profiles")
    assert (ran.status, ran.out, ran.err) == (0, "prod\tProduction\nstaging\t\n", "")


def test_a_description_cannot_break_its_line_or_reach_the_terminal(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\ndescription = "one\\ttwo\\nthree\\u001b[31m"\n')
    assert cli("__complete", "profiles").out == "a\tone\\ttwo\\nthree\\x1b[31m\n"


def test_the_configuration_may_be_named(cli: Cli, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[profiles.elsewhere]\nbase_url = "https://a.omniapp.co"\n')
    assert cli("--config", str(other), "__complete", "profiles").out == "elsewhere\t\n"


def test_nothing_is_resolved_or_unlocked(cli: Cli, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    cli.profiles(
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ command = ["touch", "{witness}"] }}\n'
        '[profiles.b]\nbase_url = "https://b.omniapp.co"\nauth = "oauth"\n'
    )
    # The keyring of the tests raises when it is asked.
    ran = cli("__complete", "profiles", env={"OMNI_API_TOKEN": CANARY})
    assert (ran.status, ran.out, ran.err) == (0, "a\t\nb\t\n", "")
    assert not witness.exists()


def test_invalid_files_are_an_error_and_give_no_words(cli: Cli) -> None:
    cli.profiles("[profiles.a\n")
    ran = cli("__complete", "profiles")
    assert (ran.status, ran.out) == (3, "")


def test_it_is_on_no_help_screen(cli: Cli) -> None:
    ran = cli("--help")
    assert "__complete" not in ran.out + ran.err


def test_instances_and_variables_are_listed_with_what_they_are(cli: Cli) -> None:
    cli.profiles(
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.a]\ninstance = "acme"\nenv = { X = "1" }\n'
        '[profiles.b]\nextends = "a"\nenv = { Y = { keyring = true } }\n'
    )
    assert cli("__complete", "instances").out == "acme\thttps://acme.omniapp.co\n"
    assert cli("__complete", "keys").out == "env.X\tof a, b\nenv.Y\tof b\n"
    assert cli("__complete", "secrets").out == "Y\tof b\n"
