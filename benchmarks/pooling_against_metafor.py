"""How long pooling takes here and in R's metafor, in the same minute on the same machine.

Both fit REML with Hartung-Knapp intervals to the same simulated sets of effects (k = 25). R's start-up is not
counted. Needs Rscript with metafor. Prints a ratio; times of one machine mean little elsewhere.

    python benchmarks/pooling_against_metafor.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview.pooling.random_effects import fit

SETS, K = 300, 25

R_CODE = """
suppressMessages(library(metafor))
tight <- list(threshold = 1e-10, maxiter = 1000)  # as tightly converged as here
d <- read.csv(commandArgs(TRUE)[1])
sets <- split(d, d$set)
for (s in sets[1:5]) rma(yi, vi, data = s, test = "knha", control = tight)
t <- system.time(est <- sapply(sets, function(s) coef(rma(yi, vi, data = s, test = "knha", control = tight))))
cat(t[["elapsed"]], est, sep = "\\n")
"""


def main():
    """Time both, check that they agree, print the ratio."""
    rng = np.random.default_rng(20260101)
    vi = rng.uniform(0.01, 0.1, (SETS, K))
    yi = rng.normal(-0.3, np.sqrt(0.03 + vi))
    for row in range(5):
        fit(yi[row], vi[row])
    start = time.perf_counter()
    ours = [fit(y, v).estimate for y, v in zip(yi, vi, strict=True)]
    ours_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        data, code = Path(folder) / "sets.csv", Path(folder) / "time.R"
        lines = [
            f"{n},{y!r},{v!r}"
            for n in range(SETS)
            for y, v in zip(yi[n].tolist(), vi[n].tolist(), strict=True)
        ]
        data.write_text("\n".join(["set,yi,vi", *lines]))
        code.write_text(R_CODE)
        said = subprocess.run(
            ["Rscript", code, data], capture_output=True, text=True, check=True
        ).stdout.split()
    metafor_s, *theirs = map(float, said)
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    print(
        f"{SETS} pools of {K} effects: here {ours_s:.2f} s, metafor {metafor_s:.2f} s, "
        f"ratio {metafor_s / ours_s:.1f}"
    )
    print(f"largest difference of an estimate: {apart:.1e}")


if __name__ == "__main__":
    main()
