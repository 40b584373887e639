"""From starting the server to its first answers (initialize, list of tools), against a bare mcp server.

uv run python benchmarks/server_start.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

from measure import CLI, ratio

BARE = """
from mcp.server import MCPServer
server = MCPServer("bare")

@server.tool()
def add(a: int, b: int) -> int:
    return a + b

server.run()
"""
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


@dataclass(frozen=True)
class Start:
    """What it took until the second answer."""

    wall_seconds: float
    cpu_seconds: float
    resident_bytes: int


def measure(command: list[str]) -> Start:
    """Start a server, shake hands, ask for its tools, stop it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    assert process.stdout is not None

    def send(**message: object) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()

    send(id=1, method="initialize", params=INITIALIZE)
    json.loads(process.stdout.readline())["result"]
    send(method="notifications/initialized")
    send(id=2, method="tools/list")
    json.loads(process.stdout.readline())["result"]["tools"]
    wall = time.perf_counter() - started
    seen = psutil.Process(process.pid)
    times = seen.cpu_times()
    start = Start(wall, times.user + times.system, seen.memory_info().rss)
    process.communicate(timeout=30)
    return start


def main() -> None:
    """Take turns, so that a busy moment hits both; print medians as ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(measure([sys.executable, "-c", BARE]))
        ours.append(measure([*CLI, "mcp"]))

    def median(starts: list[Start], name: str) -> float:
        return statistics.median(getattr(start, name) for start in starts)

    for name, unit, scale in (("wall_seconds", "s", 1), ("cpu_seconds", "s", 1), ("resident_bytes", "MB", 1e6)):
        label = f"server start to first answer, {name.split('_')[0]}"
        ratio(label, median(ours, name) / scale, median(bare, name) / scale, unit=unit, aim="<= 1.3")


if __name__ == "__main__":
    main()
