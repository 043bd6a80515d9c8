"""Progress: a line where somebody is watching, its words, and silence everywhere else."""

import contextlib
import os
import re
import subprocess
import sys
import textwrap

import nbclient
import nbformat
import pytest

from predclv.progress import _LINE, _Line, progress, stage

PROGRAM = """
    import sys, time
    import predclv.progress
    predclv.progress._PATIENCE = 0.0
    import predclv as pc
    from predclv.progress import progress, stage

    log = pc.datasets.load_cdnow()
    fitted = pc.CLVModel().fit(pc.rfm_summary(log))
    fitted.forecast("52 weeks", seed=1).to_parquet(sys.argv[1])
    with progress("Validating", 2) as step:
        for name in ("A", "B"):
            step(name)
            with stage("Fitting"):
                time.sleep(0.3)
    print("done")
"""
STAGES = (
    "Checking the log", "Adding up 6,919 rows by customer", "Counting cells", "Fitting BG/NBD",
    "Fitting Gamma-Gamma", "Forecasting 1,218 histories", "Writing 2,357 customers",
    "Validating: A: fitting", "Validating: B: fitting",
)  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_every_stage_is_named_on_a_terminal_and_nothing_of_it_stays(tmp_path):
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / "f.parquet")],
        stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 4096):
                written += chunk
        except OSError:  # Linux reports the end of a pseudo-terminal so
            pass
        assert process.stdout is not None
        printed = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0, written
    assert printed == b"done\n"
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    for text in STAGES:
        assert text in shown
    # What the last line leaves: the cursor went up and the line was cleared.
    assert written.decode().rstrip().endswith(("\x1b[2K", "\x1b[?25h"))


def test_nothing_is_written_where_nobody_watches(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / "f.parquet")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


class Recorder(nbclient.NotebookClient):
    """Keeps every text that a cell displays, those that are replaced too."""

    def __init__(self, notebook):
        super().__init__(notebook, timeout=120, kernel_name="python3")
        self.seen = []

    def process_message(self, message, cell, cell_index):
        data = message["content"].get("data") or {}
        self.seen.append(data.get("text/html", ""))
        return super().process_message(message, cell, cell_index)


def test_a_notebook_shows_the_stages_below_the_cell_and_keeps_none():
    code = """
        import warnings, time
        warnings.simplefilter("error")
        import predclv.progress
        predclv.progress._PATIENCE = 0.0
        from predclv.progress import progress, stage
        with stage("Fitting <all>"):
            time.sleep(0.3)
            with stage("Counting"):
                time.sleep(0.1)
        with progress("Validating", 2) as step:
            for name in ("A", "B"):
                step(name)
                time.sleep(0.3)
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(code))])
    client = Recorder(notebook)
    client.execute()
    seen = "\n".join(client.seen)
    for text in ("Fitting &lt;all&gt;", "Fitting &lt;all&gt;: counting", "Validating: B … 1 of 2"):
        assert text in seen
    outputs = notebook.cells[0].outputs
    assert [output.data["text/html"] for output in outputs] == ["", ""]


def test_what_fails_within_a_stage_takes_its_own_words_alone_with_it():
    line = _Line("Outer", None)
    texts = []
    with contextlib.suppress(ZeroDivisionError), line.saying("Inner"):
        texts.append(line.text)
        texts.append(1 / 0)
    assert [*texts, line.text] == ["Outer: inner", "Outer"]
    line.close()


def test_who_wants_no_line_gets_none_of_what_is_done_within():
    with progress("Validating", 1, shown=False) as step:
        step("A")
        with stage("Fitting"), progress("Trying", 2) as inner:
            assert _LINE.get() is not None
            assert not isinstance(_LINE.get(), _Line)
            inner("B")
    assert _LINE.get() is None
