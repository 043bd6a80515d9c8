"""One summary, fit and forecast asked by many threads, by asyncio and by other processes."""

import asyncio
import os
import re
import subprocess
import sys
import textwrap
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

import duckdb
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

import predclv as pc
from predclv.once import once
from predclv.progress import _LINE, _Line, progress, stage

THREADS = 8


@pytest.fixture(autouse=True)
def impatient_threads():
    """Threads take turns a hundred times as often as by default."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


def at_once(*questions):
    """The answers of functions that begin together, each in a thread of its own."""
    ready = threading.Barrier(len(questions))

    def asked(question):
        ready.wait(30)
        return question()

    with ThreadPoolExecutor(len(questions)) as threads:
        return list(threads.map(asked, questions))


def assert_same(answer, expected):
    if isinstance(expected, pd.DataFrame):
        assert_frame_equal(answer, expected, check_exact=True)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(answer, expected)
    else:
        assert answer == expected


QUESTIONS = {
    "head": lambda rfm: rfm.head(7),
    "sample": lambda rfm: rfm.sample(9),
    "frame": lambda rfm: rfm.frame,
    "cells": lambda rfm: rfm.cells().frame,
    "keyed cells": lambda rfm: rfm.keyed_cells(),
    "spend cells": lambda rfm: rfm.spend_cells().frame,
    "spend of cells": lambda rfm: rfm.spend_of_cells(),
    "html": lambda rfm: rfm._repr_html_(),
}


@pytest.mark.parametrize("kind", ["pandas", "parquet", "csv", "relation", "from_frame"])
def test_each_of_eight_threads_gets_its_own_answer_of_one_summary(cdnow_log, tmp_path, kind):
    log = cdnow_log
    if kind == "parquet":
        log = tmp_path / "log.parquet"
        cdnow_log.to_parquet(log)
    elif kind == "csv":
        log = tmp_path / "log.csv"
        cdnow_log.to_csv(log, index=False)
    elif kind == "relation":
        log = duckdb.connect().from_df(cdnow_log)

    def made():
        rfm = pc.rfm_summary(log)
        return pc.RFM.from_frame(rfm.frame, unit="week") if kind == "from_frame" else rfm

    alone = made()
    expected = [question(alone) for question in QUESTIONS.values()]
    for _ in range(3):  # nothing is fetched yet at each beginning
        rfm = made()
        answers = at_once(*(partial(question, rfm) for question in QUESTIONS.values()))
        for answer, known in zip(answers, expected, strict=True):
            assert_same(answer, known)


@pytest.mark.parametrize("kind", ["pandas", "relation"])
def test_a_log_answers_for_several_windows_of_time_at_once(cdnow_log, kind):
    ends = pd.to_datetime(["1997-06-30", "1997-09-30", "1997-12-31", "1998-03-31"]).date

    def made():
        source = duckdb.connect().from_df(cdnow_log) if kind == "relation" else cdnow_log
        return pc.rfm_summary(source).log

    def questions(log):
        return [
            question
            for end in ends
            for question in (
                partial(log.purchases, after=end),
                partial(log.purchase_days, end),
                partial(log.totals, end),
                partial(log.cohort_cells, end, "month"),
            )
        ]

    expected = [question() for question in questions(made())]
    together = questions(made())
    for answer, known in zip(at_once(*together), expected, strict=True):
        assert_same(answer, known)


def test_relations_of_one_connection_do_not_answer_for_each_other(cdnow_log):
    connection = duckdb.connect()
    connection.register("log", cdnow_log)
    parts = [
        connection.sql(f"SELECT * FROM log WHERE customer_id % {THREADS} = {part}")
        for part in range(THREADS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = at_once(*(partial(pc.rfm_summary, part) for part in parts))
    for part, rfm in enumerate(found):
        ids = cdnow_log.loc[cdnow_log["customer_id"] % THREADS == part, "customer_id"]
        assert rfm.frame["customer_id"].tolist() == sorted(ids.unique())


def test_splits_and_baselines_of_one_log_can_be_made_at_once(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log)
    horizons = [f"{weeks} weeks" for weeks in (4, 8, 12, 16, 20, 24, 28, 32)]

    def total(horizon):
        return pc.baselines.LastPeriod().fit(rfm).forecast(horizon).total()["purchases"]

    expected = [total(horizon) for horizon in horizons]
    assert at_once(*(partial(total, horizon) for horizon in horizons)) == expected
    ends = [f"1997-{month:02}-28" for month in range(4, 12)]

    def split(end):
        return pc.holdout_split(cdnow_log, calibration_end=end).frame

    for answer, end in zip(at_once(*(partial(split, end) for end in ends)), ends, strict=True):
        assert_same(answer, split(end))


def test_a_fit_and_its_forecast_are_the_same_from_any_number_of_threads(cdnow_log, tmp_path):
    def forecast():
        return pc.CLVModel().fit(pc.rfm_summary(cdnow_log)).forecast("26 weeks", seed=3)

    alone, shared = forecast(), forecast()
    frame, total = alone.frame, alone.total()
    answers = at_once(
        lambda: shared.frame, lambda: shared.total(), lambda: shared.frame, lambda: repr(shared),
        lambda: shared.counts().quantile(0.9), lambda: shared.to_parquet(tmp_path / "f.parquet"),
        lambda: shared.frame, lambda: shared.counts().mass(np.zeros(len(shared))),
    )  # fmt: skip
    for place in (0, 2, 6):
        assert_frame_equal(answers[place], frame, check_exact=True)
    assert_series_equal(answers[1], total, check_exact=True)
    assert answers[3] == repr(alone)
    assert_same(answers[4], alone.counts().quantile(0.9))
    # SQL and NumPy may differ in the last bits of exp.
    assert_frame_equal(pd.read_parquet(tmp_path / "f.parquet"), frame, rtol=1e-12)
    fits = at_once(*((lambda: forecast().frame) for _ in range(4)))
    for found in fits:
        assert_frame_equal(found, frame, check_exact=True)


def test_what_a_thread_does_to_its_frame_is_not_seen_by_others(cdnow):
    forecast = pc.CLVModel().fit(cdnow).forecast(level=None)
    for owner in (cdnow, forecast):
        mine = owner.frame
        mine["mine"] = 1
        mine.iloc[0, 1] = -5
        assert "mine" not in owner.frame
        assert owner.frame.iloc[0, 1] >= 0


class Slow:
    def __init__(self):
        self.times = 0

    @once
    def value(self):
        self.times += 1
        if self.times == 1:
            raise ValueError("not yet")
        threading.Event().wait(0.05)
        return object()


def test_what_is_computed_once_is_one_object_for_all_and_an_error_is_nobodys_answer():
    slow = Slow()
    with pytest.raises(ValueError, match="not yet"):
        _ = slow.value
    answers = at_once(*((lambda: slow.value) for _ in range(THREADS)))
    assert len(set(map(id, answers))) == 1
    assert slow.times == 2
    assert set(vars(slow)) == {"times", "value"}


def test_coroutines_may_ask_one_summary_in_threads_and_directly(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log)
    expected = [question(pc.rfm_summary(cdnow_log)) for question in QUESTIONS.values()]

    async def directly(question):
        await asyncio.sleep(0)
        return question(rfm)

    async def everything():
        return await asyncio.gather(
            *(asyncio.to_thread(question, rfm) for question in QUESTIONS.values()),
            *(directly(question) for question in QUESTIONS.values()),
        )

    for answer, known in zip(asyncio.run(everything()), expected * 2, strict=True):
        assert_same(answer, known)


def test_settings_are_those_of_the_thread_or_task_that_said_them(cdnow_log):
    def threads_of(rfm):
        return rfm.log.warehouse.rows("SELECT current_setting('threads')")[0][0]

    default = threads_of(pc.rfm_summary(cdnow_log))

    def limited(number):
        with pc.duckdb_settings(threads=number):
            return threads_of(pc.rfm_summary(cdnow_log))

    def unlimited():
        return threads_of(pc.rfm_summary(cdnow_log))

    assert at_once(lambda: limited(1), unlimited, lambda: limited(3), unlimited) == [
        1, default, 3, default,
    ]  # fmt: skip

    async def tasks():
        with pc.duckdb_settings(threads=3):
            return await asyncio.gather(asyncio.to_thread(unlimited), asyncio.to_thread(limited, 1))

    assert asyncio.run(tasks()) == [3, 1]


def test_threads_that_share_a_line_take_back_their_own_words_alone():
    line = _Line("Outer", 2)
    first, second = line.saying("First"), line.saying("Second")
    first.__enter__()
    say = second.__enter__()
    first.__exit__(None, None, None)
    assert line.text == "Outer: second"
    say("third")
    assert line.text == "Outer: third"
    second.__exit__(None, None, None)
    assert line.text == "Outer"
    line.close()


WATCHED = """
    import sys, threading, time
    import predclv.progress
    predclv.progress._PATIENCE = 0.0
    from predclv.progress import progress, stage

    def work(name):
        for _ in range(3):
            with stage(f"Adding {name}"):
                time.sleep(0.25)
        with progress(f"Bar {name}", 2) as step:
            for part in "xy":
                step(part)
                time.sleep(0.25)

    failed = []
    threading.excepthook = lambda said: failed.append(said.exc_value)
    threads = [threading.Thread(target=work, args=(name,)) for name in "ABCD"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failed, failed
    assert not predclv.progress._SCREEN.locked()
    print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_threads_take_turns_on_a_terminal():
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WATCHED)],
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
    assert process.returncode == 0, written.decode()
    assert printed == b"done\n"
    # A display hides the cursor when it begins and shows it when it is over: never two at once.
    signs = re.findall(r"\x1b\[\?25[lh]", written.decode())
    assert signs == ["\x1b[?25l", "\x1b[?25h"] * (len(signs) // 2)
    assert signs


def test_words_of_many_threads_leave_nothing_on_a_line():
    with progress("Outer", THREADS, shown=True) as step:

        def work():
            for _ in range(50):
                with stage("Inner"):
                    step("next")

        at_once(*(partial(copy_context().run, work) for _ in range(THREADS)))
        line = _LINE.get()
        assert line.text in ("Outer: next", "Outer")


PROCESSES = """
    import multiprocessing, sys, warnings
    import predclv as pc

    def worker(given):
        fitted, forecast, weeks = given
        rfm = fitted.rfm
        total = fitted.forecast(f"{weeks} weeks", seed=1).total()
        try:
            pc.baselines.LastPeriod().fit(rfm).forecast("4 weeks")
        except pc.errors.DataError as error:
            said = str(error)
        return total, rfm.head(3), forecast.frame, said

    if __name__ == "__main__":
        warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # it has threads
        log = pc.datasets.load_cdnow()
        fitted = pc.CLVModel().fit(pc.rfm_summary(log))
        forecast = fitted.forecast(seed=2)
        given = [(fitted, forecast, weeks) for weeks in (4, 26)]
        if sys.argv[1] == "joblib":
            from joblib import Parallel, delayed
            answers = Parallel(n_jobs=2)(delayed(worker)(each) for each in given)
        else:
            with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                answers = pool.map_async(worker, given).get(90)
        for (_, _, weeks), (total, head, frame, said) in zip(given, answers):
            assert total.equals(fitted.forecast(f"{weeks} weeks", seed=1).total())
            assert head.equals(fitted.rfm.head(3))
            assert frame.equals(forecast.frame)
            assert "did not come along" in said
        print("done")
"""


def ran(tmp_path, program, *arguments):
    """What a program of its own printed."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr[-3000:])
    return done.stdout


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork", "joblib"])
def test_other_processes_are_handed_fits_and_forecasts_and_answer_the_same(tmp_path, method):
    if method in ("fork", "forkserver") and not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    assert ran(tmp_path, PROCESSES, method) == "done\n"


FORKED = """
    import gc, os, sys, traceback, warnings
    from pathlib import Path
    import duckdb
    import predclv as pc

    warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # it has threads
    log = pc.datasets.load_cdnow()
    folder = Path(sys.argv[1])
    with pc.duckdb_settings(temp_directory=folder):
        rfm, fetched = pc.rfm_summary(log), pc.rfm_summary(log)
    relation = pc.rfm_summary(duckdb.connect().from_df(log))
    frame = fetched.frame
    fitted = pc.CLVModel().fit(rfm)
    spill = Path(rfm.log.warehouse.rows("SELECT current_setting('temp_directory')")[0][0])
    spill.mkdir(exist_ok=True)

    def refused(question):
        try:
            question()
        except pc.errors.DataError as error:
            assert "does not survive a fork" in str(error), error
            assert "spawn" in str(error)
        else:
            raise AssertionError(question)

    def child():
        global rfm, fetched, relation
        refused(lambda: rfm.head(2))
        refused(lambda: rfm.frame)
        refused(lambda: relation.log.purchases())
        refused(lambda: rfm.write_scored(rfm.keyed_cells(), {}, folder / "x.parquet"))
        assert fetched.frame.equals(frame)
        assert pc.rfm_summary(log).frame.equals(frame)
        assert fitted.purchases.draws(3, seed=1)
        del rfm, fetched, relation
        gc.collect()

    for end in (os._exit, sys.exit):  # at once, as multiprocessing ends, and as a program does
        pid = os.fork()
        if not pid:
            try:
                child()
            except BaseException:
                traceback.print_exc()
                os._exit(7)
            end(0)
        status = os.waitpid(pid, 0)[1]
        assert status == 0, (end, status)
        assert spill.is_dir(), "the child removed the parent's folder"
    assert rfm.frame.equals(frame)
    print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_says_what_to_do_and_ends_as_it_should(tmp_path):
    assert ran(tmp_path, FORKED, str(tmp_path)) == "done\n"


LOCKED = """
    import os, threading, time, warnings
    from predclv.once import once

    warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # it has threads

    class Slow:
        @once
        def value(self):
            begun.set()
            time.sleep(1.0 if os.getpid() == parent else 0.0)
            return 1

    parent, begun, slow = os.getpid(), threading.Event(), Slow()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    begun.wait()
    pid = os.fork()  # while another thread computes
    if not pid:
        os._exit(0 if slow.value == 1 else 1)
    deadline = time.monotonic() + 20
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    if not ended[0]:
        os.kill(pid, 9)
        raise SystemExit("the child waits for a thread that it does not have")
    assert ended[1] == 0
    thread.join()
    print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_while_a_thread_computes_does_not_leave_the_child_waiting(tmp_path):
    assert ran(tmp_path, LOCKED) == "done\n"
