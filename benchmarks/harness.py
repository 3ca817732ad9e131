"""Run each case of a benchmark in a fresh process and print one table.

The parent imports nothing heavy: a child's peak memory starts at its parent's.
"""

import argparse
import gc
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Run = Callable[[], Sequence[float]]
Load = Callable[[Path], Run]
LIMIT_SECONDS = 900.0
ENOUGH_SECONDS = 120.0  # no further runs of a slow case after this, but five


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    load: Load
    check: bool
    size: int | None = None
    family: str = ""
    named: bool = False


class Bench:
    """A set of cases; the first of each group is the one others are set against.

    A case is a function of the folder with the inputs. It loads what the work
    needs and returns the work: a function that returns a few numbers, which
    must agree within a group.
    """

    def __init__(
        self, title: str, make_inputs: Callable[[Path], None], packages: Sequence[str]
    ) -> None:
        self.title, self.make_inputs = title, make_inputs
        self.packages = tuple(packages)
        self.cases: list[Case] = []

    def case(
        self,
        group: str,
        name: str,
        *,
        check: bool = True,
        size: int | None = None,
        family: str = "",
        named: bool = False,
    ) -> Callable[[Load], Load]:
        """Add a case; cases of one family and several sizes tell how time grows.

        One that is `named` runs only when ``--only`` picks it.
        """

        def add(load: Load) -> Load:
            self.cases.append(Case(group, name, load, check, size, family, named))
            return load

        return add

    def main(self) -> None:
        options = _options(self.title)
        if options.child == "inputs":
            self.make_inputs(Path(options.folder))
        elif options.child:
            case = self.cases[int(options.child)]
            _measure(case, Path(options.folder), options.runs)
        else:
            self._parent(options)

    def _parent(self, options: argparse.Namespace) -> None:
        chosen = [
            (i, c)
            for i, c in enumerate(self.cases)
            if options.only in f"{c.group} {c.name}" and (options.only or not c.named)
        ]
        os.environ["BENCH_ONLY"] = options.only  # inputs of other cases are not made
        print(f"{self.title}\n{_machine()}\n{_versions(self.packages)}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            _child("inputs", folder, options.runs)
            rows = []
            for number, case in chosen:
                print(f"  {case.group}: {case.name} ...", file=sys.stderr, flush=True)
                found = _child(str(number), folder, options.runs)
                told = {"group": case.group, "case": case.name}
                if case.size:
                    told |= {"size": case.size, "family": case.family}
                rows.append({**told, **found})
        _compare(rows, {(c.group, c.name): c.check for _, c in chosen})
        print(_table(rows))
        grown = growth(rows)
        print(*grown, sep="\n")
        peers = sorted({str(row["version"]) for row in rows if "version" in row})
        print(
            "Seconds: median and least of the runs after a first one. MB: peak beyond "
            "the loaded inputs and imports, first run included. Absolute times move "
            "with the machine: the ratios, from this one session, are what counts.",
            "Difference: the greatest from the first case's numbers.",
            *peers,
            sep="\n",
        )
        if options.out:
            facts = {"title": self.title, "machine": _machine(), "rows": rows}
            facts |= {"versions": _versions(self.packages), "growth": grown}
            Path(options.out).write_text(json.dumps(facts, indent=1) + "\n")


def _options(title: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--runs", type=int, default=5, help="timed runs of a case")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--out", help="write the table as JSON, too")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(which: str, folder: str, runs: int) -> dict[str, object]:
    command = [sys.executable, "-W", "ignore", sys.argv[0], "--child", which]
    command += ["--folder", folder, "--runs", str(runs)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"over {LIMIT_SECONDS:.0f} s"}
    if done.returncode:
        if which == "inputs":
            sys.exit(done.stderr)
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(done.stdout.splitlines()[-1]) if which != "inputs" else {}


def _measure(case: Case, folder: Path, runs: int) -> None:
    run = case.load(folder)
    if hasattr(run, "seconds"):  # timed elsewhere, as R is inside R
        print(json.dumps(run.seconds(runs)))
        return
    before = restart_peak()
    numbers = run()
    seconds: list[float] = []
    while len(seconds) < runs and (len(seconds) < 5 or sum(seconds) < ENOUGH_SECONDS):
        start = time.perf_counter()
        numbers = run()
        seconds.append(time.perf_counter() - start)
    found = {
        "seconds": seconds,
        "peak_mb": (peak_bytes() - before) / 2**20,
        "numbers": [float(v) for v in numbers],
        "note": getattr(run, "note", ""),
    }
    print(json.dumps(found))


def restart_peak() -> int:
    """Return what the process holds now, from where its peak is counted."""
    gc.collect()
    if not Path("/proc/self/clear_refs").exists():
        return peak_bytes()
    # Linux: else the peak of loading the inputs would hide that of the work.
    Path("/proc/self/clear_refs").write_text("5")
    return _linux_bytes("VmRSS")


def peak_bytes() -> int:
    if Path("/proc/self/status").exists():
        return _linux_bytes("VmHWM")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _linux_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(x.split()[1]) for x in lines if x.startswith(name))


def _compare(rows: list[dict], check: dict[tuple[str, str], bool]) -> None:
    first: dict[str, dict] = {}
    for row in rows:
        if "seconds" not in row:
            continue
        row["median"], row["least"] = median(row["seconds"]), min(row["seconds"])
        reference = first.setdefault(row["group"], row)
        row["ratio"] = row["median"] / reference["median"]
        numbers = row.pop("numbers", None)
        if row is reference:
            row["_numbers"] = numbers
        elif check[row["group"], row["case"]] and numbers and reference["_numbers"]:
            pairs = zip(numbers, reference["_numbers"], strict=True)
            row["difference"] = max(abs(a - b) for a, b in pairs)
    for row in rows:
        row.pop("_numbers", None)


def growth(rows: list[dict]) -> list[str]:
    """Say for each family of sizes to what power of the size the time grows."""
    families: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if "size" in row and "median" in row:
            families.setdefault(row["family"], []).append((row["size"], row["median"]))
    told = []
    for family, points in families.items():
        (low, fast), (high, slow) = min(points), max(points)
        if high > low:
            power = math.log(slow / fast) / math.log(high / low)
            told.append(f"{family}: N^{power:.2f} from {low:,} to {high:,}")
    return told


def _table(rows: list[dict]) -> str:
    head = ("case", "runs", "median s", "least s", "x first", "MB", "difference")
    lines, group = [], None
    width = max((len(row["case"]) for row in rows), default=10)
    form = f"{{:<{width}}} {{:>5}} {{:>9}} {{:>9}} {{:>8}} {{:>8}} {{:>11}}"
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            lines += ["", group, form.format(*head)]
        if "failed" in row:
            lines.append(f"{row['case']:<{width}} {row['failed']}")
            continue
        line = f"{form.format(row['case'], *_cells(row))}  {row.get('note', '')}"
        lines.append(line.rstrip())
    return "\n".join([*lines, ""])


def _cells(row: dict) -> tuple[str, ...]:
    peak, difference = row.get("peak_mb"), row.get("difference")
    return (
        str(len(row["seconds"])),
        f"{row['median']:.4f}",
        f"{row['least']:.4f}",
        f"{row['ratio']:.2f}",
        "" if peak is None else f"{peak:.0f}",
        "" if difference is None else f"{difference:.1e}",
    )


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def _versions(packages: Sequence[str]) -> str:
    found = [f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


class InR:
    """A case whose runs Rscript times itself, reading not included.

    The script, beside this file, takes the table, what to do and how many runs, and
    prints JSON.
    """

    def __init__(self, script: str, table: Path, what: str) -> None:
        self.script = Path(__file__).with_name(script)
        self.table, self.what = table, what

    def seconds(self, runs: int) -> dict[str, object]:
        done = subprocess.run(
            ["Rscript", "--vanilla", self.script, self.table, self.what, str(runs)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        return json.loads(done.stdout)
