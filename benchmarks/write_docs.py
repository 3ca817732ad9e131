"""Run the benchmarks and write their tables into docs/benchmarks.md.

A table stands between the marks ``<!-- bench_NAME.py -->`` and ``<!-- end -->``; what
is written around it stays. A script without marks gets a section of its own at the end.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
HEAD = "| work | case | s | ratio | MB | difference |\n|---|---|---|---|---|---|"
END = "<!-- end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="such as weights; all when none")
    parser.add_argument("--runs", default="5")
    options = parser.parse_args()
    known = sorted(p.name for p in HERE.glob("bench_*.py"))
    chosen = [f"bench_{name}.py" for name in options.names] or known
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        sys.exit(f"There is no {', '.join(unknown)}; there are {', '.join(known)}.")
    for script in chosen:
        facts = measured(script, options.runs)
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_table(page, script, facts), encoding="utf-8")


def measured(script: str, runs: str) -> dict:
    """Run a script and return what it found."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        command = [
            sys.executable,
            str(HERE / script),
            "--runs",
            runs,
            "--out",
            str(out),
        ]
        subprocess.run(command, check=True)
        return json.loads(out.read_text(encoding="utf-8"))


def with_table(page: str, script: str, facts: dict) -> str:
    """Return the page with the table of a script put in.

    >>> print(with_table("a <!-- x.py --> old <!-- end --> b", "x.py", {"rows": []}))
    a <!-- x.py -->
    <BLANKLINE>
    | work | case | s | ratio | MB | difference |
    |---|---|---|---|---|---|
    <BLANKLINE>
    <!-- end --> b
    """
    mark = f"<!-- {script} -->"
    table = f"{mark}\n\n{markdown(facts)}\n\n"
    if mark not in page:
        return f"{page.rstrip()}\n\n## {facts['title']}\n\n{table}{END}\n"
    before, _, rest = page.partition(mark)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"'{END}' is missing after {mark} in {PAGE.name}.")
    return before + table + END + after


def markdown(facts: dict) -> str:
    lines, group = [HEAD], None
    for row in facts["rows"]:
        shown = row["group"] if row["group"] != group else ""
        group = row["group"]
        lines.append(f"| {' | '.join([shown, row['case'], *_cells(row)])} |")
    told = [f"Growth: {'; '.join(facts['growth'])}."] if facts.get("growth") else []
    if "versions" in facts:
        told.append(f"{facts['machine']}; {facts['versions']}.")
    return "\n\n".join(["\n".join(lines), *told])


def _cells(row: dict) -> list[str]:
    if "failed" in row:
        return [row["failed"].replace("|", "/")[:80], "", "", ""]
    peak, difference = row.get("peak_mb"), row.get("difference")
    return [
        f"{row['median']:.3g}",
        f"{row['ratio']:.2g}" if row["ratio"] < 10 else f"{row['ratio']:,.0f}",
        "" if peak is None else f"{peak:,.0f}",
        "" if difference is None else f"{difference:.0e}",
    ]


if __name__ == "__main__":
    main()
