"""After an interrupt anywhere in the first compiled fit the next one works."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys, threading, time, warnings
import numpy as np, pandas as pd
import predclv as pc

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
T = rng.uniform(20, 100, 3000)
x, t_x = pc.BGNBD(0.6, 8.0, 0.9, 3.0).simulate(T, rng)
rfm = pc.RFM.from_frame(pd.DataFrame({"frequency": x, "recency": t_x, "T": T}), unit="week")
pc.BGNBD.compile_from = 0  # the compiler is loaded whatever the size
delay, interrupted = float(sys.argv[1]), False
sent = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
sent.start()
try:
    for _ in range(200):
        pc.fit(pc.BGNBD, rfm)
        time.sleep(0.005)
except KeyboardInterrupt:
    interrupted = True
assert interrupted
print(pc.fit(pc.BGNBD, rfm).log_likelihood)
"""


@pytest.mark.parametrize("delay", [0.02, 0.1, 0.2, 0.35, 0.5, 0.8])
def test_a_fit_works_after_an_interrupted_one(delay):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(delay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0


HELD = """
import os, signal
from predclv.interrupts import uninterrupted

done = False
try:
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        done = True
except KeyboardInterrupt:
    assert done
    print("came after")
"""


def test_an_interrupt_waits_until_the_import_is_done():
    out = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "came after"
