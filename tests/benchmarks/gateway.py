"""Measures what the gateway adds to a request: one client, directly to an instance and through `exec --gateway`.

    python tests/benchmarks/gateway.py                    with the omniprofile of this Python's environment
    python tests/benchmarks/gateway.py --environment DIR  with another one's

Median and 99th percentile of one client's requests, requests a second of 16 clients, and the gateway's resident memory at 200
connections and after a body of 1 GB (`--body MB` for less). Instance, gateway and client are three processes: on two cores they
compete, and a busy machine blurs the results.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

KEY = "omni_osk_" + "b" * 32
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"' + b"x" * 1022 + b'"'
PIECE = b"x" * 65536
GOALS = "added ≤ 2 ms (median), ≥ 300 requests a second of 16 clients"


async def _serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
            if line.startswith(b"/body/"):
                size = int(line[6:]) * 1024 * 1024
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                for _ in range(size // len(PIECE)):
                    writer.write(PIECE)
                    await writer.drain()
            else:
                writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _instance() -> None:
    server = await asyncio.start_server(_serve_one, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class _Client:
    """One connection that repeats the same request."""

    def __init__(self, base_url: str, path: str = "/api/v1/models") -> None:
        self._host, self._port = base_url.removeprefix("http://").split(":")
        token = os.environ["OMNI_API_TOKEN"]
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {token}\r\n"
            "Accept: application/json\r\nUser-Agent: benchmark\r\n\r\n"
        ).encode()

    async def open(self) -> "_Client":
        self._reader, self._writer = await asyncio.open_connection(self._host, int(self._port))
        return self

    async def ask(self) -> float:
        start = time.perf_counter()
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(head.decode())
        left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while left:
            left -= len(await self._reader.read(min(left, 1 << 20)))
        return (time.perf_counter() - start) * 1000


async def _latency(base_url: str, rounds: int) -> list[float]:
    client = await _Client(base_url).open()
    for _ in range(50):
        await client.ask()
    return [await client.ask() for _ in range(rounds)]


async def _rate(base_url: str, clients: int, rounds: int) -> float:
    opened = [await _Client(base_url).open() for _ in range(clients)]

    async def many(client: _Client) -> None:
        for _ in range(rounds):
            await client.ask()

    start = time.perf_counter()
    await asyncio.gather(*map(many, opened))
    return clients * rounds / (time.perf_counter() - start)


def _resident(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def _measure(megabytes: int, rounds: int) -> None:
    straight, gateway = os.environ["STRAIGHT"], os.environ["OMNI_BASE_URL"]
    found: dict[str, object] = {}
    times: dict[str, list[float]] = {"straight": [], "gateway": []}
    for _ in range(5):  # alternating, so that load affects both alike
        times["straight"] += await _latency(straight, rounds)
        times["gateway"] += await _latency(gateway, rounds)
    for name, spent in times.items():
        found[f"{name}: median, p99 ms"] = [round(median(spent), 2), round(quantiles(spent, n=100)[98], 2)]
    found["added: median ms"] = round(median(times["gateway"]) - median(times["straight"]), 2)
    for name, url in (("straight", straight), ("gateway", gateway)):
        found[f"{name}: requests a second, 16 clients"] = round(await _rate(url, 16, rounds))
    parent = os.getppid()
    found["resident MB"] = round(_resident(parent), 1)
    many = [await _Client(gateway).open() for _ in range(200)]
    await asyncio.gather(*(client.ask() for client in many))
    found["resident MB, 200 connections"] = round(_resident(parent), 1)
    large = await _Client(gateway, f"/body/{megabytes}").open()
    seconds = await large.ask() / 1000
    found[f"resident MB, after {megabytes} MB"] = round(_resident(parent), 1)
    found[f"MB a second, {megabytes} MB"] = round(megabytes / seconds)
    print(json.dumps(found))


def measure(environment: Path, folder: Path, megabytes: int, rounds: int) -> dict[str, object]:
    """Run an instance, a gateway and a client, and return the client's measurements."""
    me = str(Path(__file__).resolve())
    instance = subprocess.Popen([sys.executable, me, "--instance"], stdout=subprocess.PIPE, text=True)
    try:
        if instance.stdout is None:
            raise AssertionError("it was started with a pipe")
        url = f"http://127.0.0.1:{instance.stdout.readline().strip()}"
        profiles = folder / "profiles.toml"
        profiles.write_text(f'[profiles.p]\nbase_url = "{url}"\nallow_insecure = true\nkey = {{ env = "KEY" }}\n')
        profiles.chmod(0o600)
        environ = {
            "HOME": str(folder), "PATH": os.environ["PATH"], "KEY": KEY, "STRAIGHT": url, "OMNIPROFILE_CONFIG": str(profiles),
        }  # fmt: skip
        command = [str(environment / "bin/omniprofile"), "exec", "--gateway", "--", sys.executable, me, "--client"]
        ran = subprocess.run(
            [*command, str(megabytes), "--rounds", str(rounds)],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            sys.exit(f"the benchmark of the gateway failed: {ran.stderr}")
        found: dict[str, object] = json.loads(ran.stdout)
        return found
    finally:
        instance.kill()
        instance.wait()


def main() -> None:
    """Measure and print, or run one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, default=Path(sys.prefix), metavar="DIR")
    parser.add_argument("--body", type=int, default=1024, metavar="MB")
    parser.add_argument("--rounds", type=int, default=200, metavar="N")
    parser.add_argument("--instance", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.instance:
        asyncio.run(_instance())
    elif args.client:
        asyncio.run(_measure(args.client, args.rounds))
    else:
        with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder:
            found = measure(args.environment, Path(folder), args.body, args.rounds)
        print(f"the gateway; goals: {GOALS}; load {os.getloadavg()[0]:.1f}")
        for name, value in found.items():
            print(f"  {name}: {value}")


if __name__ == "__main__":
    main()
