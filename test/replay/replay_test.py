#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tarn replay from outside: traces recorded from churn.c, every contender of this machine, every exit status."""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

GOOD, INCOMPLETE, CONTENDER, FAILED = 0, 1, 2, 125
OURS = "glibc,tarn:pools,tarn:inlined,tarn:arena"  # what has to be right; another malloc's faults are not ours
BROKEN = ["test:overlap", "test:forget", "test:refuse", "test:crash"]


def run(*words, expect=GOOD):
    done = subprocess.run([args.tarn, *map(str, words)], capture_output=True, text=True, timeout=100)
    assert done.returncode == expect, f"{words}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}"
    return done


def record(mode):
    trace = folder / f"{mode}.tarn"
    subprocess.run([args.tarn, "record", "-o", trace, "--", args.churn, mode], check=True, capture_output=True)
    return trace


def replay(trace, *options, expect=GOOD):
    return json.loads(run("replay", "--json", *options, trace, expect=expect).stdout)


def row(report, name):
    return next(r for r in report["contenders"] if r["name"] == name)


def case_verify():
    report = replay(record("single"), "--verify", "-a", OURS)
    rows = [r for r in report["contenders"] if r["name"] != "no-op"]
    assert {"glibc", "tarn:pools", "tarn:inlined", "tarn:arena"} <= {r["name"] for r in rows}, rows
    assert all(r["outcome"] == "ok" for r in rows), rows
    assert len({(r["checked_blocks"], r["checked_bytes"]) for r in rows}) == 1, rows
    # every block is checked when it is freed, at the end, or twice at a realloc
    trace = report["trace"]
    assert rows[0]["checked_blocks"] == trace["allocations"] + 2 * trace["reallocations"], trace


def case_threads():
    trace = record("threads")
    report = replay(trace, "--verify", "-a", OURS)
    assert report["replay"]["threads"] == 13 and report["replay"]["hand_overs"] > 1000, report["replay"]
    # Four at most beside the main one, if none was done before the last began; the eight that follow come one by one.
    assert 2 <= row(report, "glibc")["threads_at_once"] <= 5, row(report, "glibc")
    for r in report["contenders"]:
        wanted = "skipped" if r["name"] == "tarn:inlined" else "ok"
        assert r["outcome"] == wanted, r
    assert "one thread" in row(report, "tarn:inlined")["message"]
    report = replay(trace, "-r", 1)
    assert all(r["outcome"] in ("ok", "skipped") and r["message"].startswith("pools") == (r["outcome"] == "skipped")
               for r in report["contenders"]), report
    report = replay(trace, "--verify", "--threads", "one", "-a", OURS)
    assert report["replay"]["threads"] == 1 and report["replay"]["hand_overs"] == 0
    assert all(r["outcome"] == "ok" for r in report["contenders"]), report


def case_memory():
    trace = record("hold")
    live = replay(trace, "-r", 1, "-a", "glibc")["trace"]["peak_live_bytes"]
    assert live >= 20000 * 200 + 64 * 262144
    for name in ("glibc", "tarn:pools", "tarn:arena"):
        full = row(replay(trace, "-r", 1, "-a", name, "--touch", "all"), name)["peak_resident_bytes"]
        assert live * 0.98 < full < live * 1.25, (name, live, full)
    untouched = row(replay(trace, "-r", 1, "-a", "glibc", "--touch", "none"), "glibc")["peak_resident_bytes"]
    assert untouched < live / 2, (live, untouched)
    nothing = row(replay(trace, "-r", 1, "-a", "glibc"), "no-op")["peak_resident_bytes"]
    assert nothing < 1 << 20, nothing


def keys(value, prefix=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield prefix + name
            yield from keys(inner, prefix + name + ".")
    elif isinstance(value, list) and value:
        yield from keys(value[0], prefix)


def case_json():
    report = replay(record("single"), "-r", 3)
    page = (pathlib.Path(args.root) / "docs/replay-json.md").read_text()
    documented = set(re.findall(r"^\| `([a-z0-9_.]+)` \|", page, re.M))
    assert documented == set(keys(report)), documented ^ set(keys(report))
    assert report["schema"] == "tarn-replay-1" and report["judgment"]
    assert report["trace"]["state"] == "complete" and report["trace"]["cpu_ns"] > 0
    assert 0 < report["allocation_share_of_cpu"] < 1
    glibc = row(report, "glibc")
    assert glibc["ratio"] == 1 and glibc["ns_per_op"] > 0 and len(glibc["cpu_ns"]) == 3
    assert row(report, "no-op")["ns_per_op"] == report["replay"]["loop_ns_per_op"] > 0
    text = run("replay", "-r", 1, folder / "single.tarn").stdout
    assert "Judgment:" in text and "glibc" in text and "ns/op" in text, text


def case_truncated():
    whole = record("single").read_bytes()
    cut = folder / "cut.tarn"
    full = replay(folder / "single.tarn", "-r", 1, "-a", "glibc")["trace"]["operations"]
    for share in (0.6, 0.9):
        cut.write_bytes(whole[: int(len(whole) * share)])
        done = run("replay", "--json", "-r", 1, "-a", "glibc,tarn:inlined", cut, expect=INCOMPLETE)
        report = json.loads(done.stdout)
        assert report["trace"]["state"] == "truncated" and report["trace"]["message"], report["trace"]
        assert 0 < report["trace"]["operations"] < full
        assert "truncated" in done.stderr, done.stderr
    killed = folder / "killed.tarn"
    subprocess.run([args.tarn, "record", "-o", killed, "--", args.churn, "killed"], capture_output=True)
    done = run("replay", "--json", "--verify", "-a", OURS, killed, expect=INCOMPLETE)
    report = json.loads(done.stdout)
    assert report["trace"]["state"] == "cut" and report["trace"]["cpu_ns"] is None, report["trace"]
    assert report["trace"]["operations"] == full and all(r["outcome"] == "ok" for r in report["contenders"])
    cut.write_bytes(whole[:100])
    run("replay", cut, expect=FAILED)


def case_errors():
    trace = record("single")
    done = run("replay", "-a", "glibc,nosuch", trace, expect=FAILED)
    assert "nosuch" in done.stderr and "tarn:inlined" in done.stderr and "jemalloc" in done.stderr, done.stderr
    assert "test:" not in done.stderr
    for words in (["/nowhere/x.tarn"], ["-r", "0", trace], ["-r", "x", trace], ["--touch", "some", trace], [],
                  ["--threads", "two", trace], [trace, trace], ["--nosuch", trace], ["-a", "glibc,,", trace],
                  [args.churn], ["/"]):
        done = run("replay", *words, expect=FAILED)
        assert done.stderr.startswith("tarn: replay: ") and done.stdout == "", done
        assert done.stderr.count("\n") == 1, done.stderr
    listed = run("replay", "--list").stdout
    assert "glibc" in listed and "tarn:pools" in listed and "test:" not in listed
    assert "Exit status" in run("replay", "--help").stdout


def case_faults():
    report = replay(record("single"), "--verify", "-a", ",".join(["glibc", *BROKEN]), expect=CONTENDER)
    assert row(report, "glibc")["outcome"] == "ok"
    for name in ("test:overlap", "test:forget", "test:refuse"):
        r = row(report, name)
        assert r["outcome"] == "failed" and isinstance(r["failed_operation"], int), r
    assert "changed at byte" in row(report, "test:forget")["message"]
    assert row(report, "test:crash")["outcome"] == "died" and "signal 6" in row(report, "test:crash")["message"]


def case_bystander():
    trace = record("single")
    done = run("replay", "-r", 1, "-a", args.bystander, trace, expect=CONTENDER)
    assert "not engaged" in done.stdout and "not engaged" in done.stderr, done
    run("replay", "-r", 1, "-a", "/nowhere/libx.so", trace, expect=CONTENDER)


parser = argparse.ArgumentParser(description=__doc__)
for option in ("--tarn", "--churn", "--bystander", "--root"):
    parser.add_argument(option, required=True)
parser.add_argument("case")
args = parser.parse_args()
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    globals()["case_" + args.case]()
