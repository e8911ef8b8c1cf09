"""A forked process behaves like a started one in everything that the tests using it rely on."""

import os
import signal
import subprocess

import pytest

from tests import warm
from tests.conftest import CANARY, Cli
from tests.programs import run_program

PROFILES = '[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = { env = "K" }\n'


@pytest.mark.parametrize(
    "argv",
    [
        ("list", "--json"),
        ("nonsense",),
        ("login", "a", "--no-test"),
        (
            "exec",
            "a",
            "--",
            "sh",
            "-c",
            'pwd; umask; echo "$OMNI_API_TOKEN $V"; cat; ls -l /proc/self/fd | wc -l; exit 3',
        ),
        # Not SigQ, which counts the signals pending for any process of this user.
        ("exec", "a", "--", "sh", "-c", "grep -E 'Sig(Pnd|Blk|Ign|Cgt)' /proc/self/status; kill -9 $$"),
    ],
)
def test_it_says_and_does_what_a_started_one_does(cli: Cli, argv: tuple[str, ...]) -> None:
    cli.profiles(PROFILES)
    environ = {**os.environ, "OMNIPROFILE_SECRET_STORE": "file", "K": CANARY, "V": "\udcff \u20ac"}
    forked = warm.run(*argv, stdin=CANARY, env=environ, cwd=cli.home, errors="surrogateescape")
    warm.install(cli.home / "program")
    for started in (warm.PROGRAM, (str(cli.home / "program"),)):
        ran = run_program([*started, *argv], input=CANARY, env=environ, cwd=cli.home, errors="surrogateescape")
        assert (forked.returncode, forked.stdout, forked.stderr) == (ran.returncode, ran.stdout, ran.stderr)


def test_it_is_a_separate_process(cli: Cli) -> None:
    cli.profiles(PROFILES)
    command = [*warm.PROGRAM, "exec", "a", "--", "sh", "-c", "echo $$; ps -o sid= -p $$ || echo $$; exec sleep 60"]
    with warm.Popen(
        command, env={**os.environ, "K": CANARY}, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        assert {int(process.stdout.readline()) for _ in range(2)} == {process.pid}
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == process.poll() == -signal.SIGTERM
