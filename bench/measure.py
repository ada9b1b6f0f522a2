# SPDX-License-Identifier: MIT
"""Workers and turns: starts the worker processes, makes contenders take turns, and does the statistics.

A round runs every contender once; each round begins with another one. Figures are medians; what is compared is the
median of the ratios within a round, with its quartiles, so that a machine that slows down slows both sides.
"""
import os
import select
import statistics
import subprocess

SAMPLE_SECONDS = 120


class Broken(Exception):
    """A worker died or gave no answer."""


class Worker:
    """One process: one case, one contender."""

    def __init__(self, path, case, contender, preload=None):
        env = dict(os.environ, LC_ALL="C")
        if preload:
            env["LD_PRELOAD"] = preload
        self.what = f"{case}, {contender}"
        self.process = subprocess.Popen([path, case, contender], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env, text=True)

    def sample(self):
        try:
            self.process.stdin.write("next\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        ready, _, _ = select.select([self.process.stdout], [], [], SAMPLE_SECONDS)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            why = self.process.communicate()[1].strip().splitlines()
            raise Broken(f"{self.what}: {why[-1] if why else 'no answer'}")
        return {key: float(value) for key, value in (word.split("=") for word in line.split())}

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def turns(contenders, case_name, epochs, samples):
    """contenders: name -> (worker path, its name there, preload). Returns name -> metric -> samples, and name -> error."""
    names = list(contenders)
    got = {name: {} for name in names}
    broken = {}

    def take(name, worker):
        try:
            for metric, value in worker.sample().items():
                got[name].setdefault(metric, []).append(value)
        except Broken as error:
            broken[name] = str(error)

    def start(name):
        path, there, preload = contenders[name]
        return Worker(path, case_name, there, preload)

    for epoch in range(epochs):
        order = names[epoch % len(names):] + names[:epoch % len(names)]
        order = [name for name in order if name not in broken]
        if samples == 1:        # big ones: never two alive at a time
            for name in order:
                worker = start(name)
                take(name, worker)
                worker.close()
            continue
        workers = {name: start(name) for name in order}
        for sample in range(samples):
            for name in order[sample % len(order):] + order[:sample % len(order)]:
                if name not in broken:
                    take(name, workers[name])
        for worker in workers.values():
            worker.close()
    return {name: metrics for name, metrics in got.items() if name not in broken}, broken


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratio(subject, peer):
    """Quartiles of the ratios within each round."""
    pairs = [(a, b) for a, b in zip(subject, peer) if b > 0]
    return quartiles([a / b for a, b in pairs]) if pairs else None
