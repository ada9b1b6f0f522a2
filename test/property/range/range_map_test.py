#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The maps that range_map prints are JSON, and say what a visit of the same spaces saw."""
import json
import subprocess
import sys

NAMES = {"range", "full", "many", "largest", "a \"b\" \\ \n\t\x01 \x7f \xff \xc3\xa9"}


def verify(shown, expected):
    runs = shown["runs"]
    assert len(runs) == len(expected), "number of runs"
    for run, (offset, size, identity, user) in zip(runs, expected):
        live = identity != "0"
        assert run["offset"] == offset and run["size"] == size, run
        assert set(run) == ({"offset", "size", "id", "user"} if live else {"offset", "size"}), run
        assert not live or (run["id"] == identity and run["user"] == user), run
    live = [run["size"] for run in runs if "id" in run]
    free = [run["size"] for run in runs if "id" not in run]
    assert shown["live_blocks"] == len(live) and shown["live_units"] == sum(live)
    assert shown["free_runs"] == len(free) and shown["free_units"] == sum(free)
    assert shown["units"] == sum(live) + sum(free)
    assert shown["largest_free"] == max(free, default=0) and shown["largest_live"] == max(live, default=0)
    assert shown["smallest_live"] == min(live, default=0)
    rest = shown["free_units"] - shown["largest_free"]
    assert abs(shown["fragmentation"] - 1000 * rest / max(1, shown["free_units"])) <= 1
    assert shown["name"] in NAMES, shown["name"]


def main():
    text = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE).stdout.decode("ascii")
    decoder, at, values = json.JSONDecoder(strict=True), 0, []
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at)
        values.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    assert len(values) == 2 * 13, len(values)
    for shown, expected in zip(values[::2], values[1::2]):
        verify(shown, expected)
    print(f"{len(values) // 2} maps, as the visits have them")


main()
