"""The report: one page that needs nothing else, with the numbers, opened in a real browser."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import predclv as pc
from predclv.reports.validation import SECTIONS, report
from predclv.reports.validation_tables import crowned
from predclv.validation.glossary import GLOSSARY, best_of
from predclv.validation.scores import METRICS

AWKWARD = 'A & B <script>alert("x")</script> at $5'
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VOID = {"meta", "br", "img", "link", "input", "hr"}


@pytest.fixture(scope="module")
def validation(cdnow_split):
    model = pc.CLVModel().fit(cdnow_split.rfm)
    return pc.validate({"BG/NBD": model, AWKWARD: pc.baselines.PastRate()}, cdnow_split, seed=1)


@pytest.fixture(scope="module")
def page(validation):
    return report(validation)


class Reader(HTMLParser):
    """Tags that are open, attributes that fetch, ids, and the text that is read."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.ids, self.text, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.fetched.append(value)
            if name == "id":
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def reader(page):
    return read(page)


def test_every_tag_is_closed_and_no_id_is_given_twice(reader):
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids)) > 50


def test_nothing_is_fetched_from_anywhere(page, reader):
    # Links lead within the page; the addresses in the SVG are names of vocabularies, not fetched.
    assert [link for link in reader.fetched if not link.startswith("#")] == []
    for banned in ("<script", "<link", "<iframe", "@import", "url(http", "javascript:"):
        assert banned not in page.lower()
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_page_has_what_readers_and_their_machines_need(page, reader):
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert re.search(r"<title>[^<]+</title>", page)
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    pictures = [attrs for tag, attrs in reader.tags if tag == "svg"]
    assert len(pictures) == len(SECTIONS)
    assert all(each["role"] == "img" and len(each["aria-label"]) > 40 for each in pictures)
    headings = [tag for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


def test_names_are_text_whatever_they_hold(page, reader):
    assert "<script" not in page
    assert AWKWARD in " ".join(reader.text)
    assert "at $5" in page


def test_findings_and_metrics_are_on_the_page(validation, reader):
    text = " ".join(" ".join(reader.text).split())
    for finding in validation.findings:
        assert finding in text
    assert validation.headline() in text
    frame = validation.frame
    assert f"{frame.at['BG/NBD', 'mae']:.3f}" in text
    assert f"{frame.at['BG/NBD', 'bias']:+.1%}" in text
    assert f"{frame.at['BG/NBD', 'spend_rmse']:.1f}" in text
    assert "1,882" in text
    for metric in frame.dropna(axis="columns", how="all"):
        assert GLOSSARY[metric].meaning in text


def test_the_numbers_of_the_pictures_stand_below_them(page):
    # The holdout by frequency that BTYD prints: .237 came of .225 forecast for x = 0.
    section = page[page.index('<section id="holdout_by_frequency"') :]
    section = section[: section.index("</section>")]
    assert "0.237" in section
    assert "0.225" in section
    tracking = page[page.index('<section id="tracking"') :]
    assert "0.026" in tracking[: tracking.index("</section>")]


def test_the_best_of_each_column_is_marked(validation, page):
    frame = validation.frame
    marks = len(re.findall(r'<td class="best" data-label="[^"]+">\u2605', page))
    expected = sum(crowned(frame, metric, validation.level) is not None for metric in frame)
    assert marks == expected > 8


def test_every_metric_is_explained():
    assert set(GLOSSARY) == set(METRICS)
    assert all(entry.label and entry.meaning.endswith(".") for entry in GLOSSARY.values())


def test_the_best_is_the_one_in_the_direction_of_the_metric():
    nan = float("nan")
    frame = pd.DataFrame(
        {
            "mae": [1.0, 2.0, nan], "gini": [0.2, 0.3, 0.3], "bias": [-0.1, 0.3, 0.2],
            "coverage": [0.8, 0.95, nan], "width": [1.0, 2.0, 3.0], "auc": [0.9, nan, nan],
            "log_score": [np.inf, np.inf, nan],
        },
        index=["a", "b", "c"],
    )  # fmt: skip
    found = {metric: best_of(frame, metric, 0.9) for metric in frame}
    assert found == {
        "mae": ["a"], "gini": ["b", "c"], "bias": ["a"], "coverage": ["b"], "width": [],
        "auc": [], "log_score": [],
    }  # fmt: skip


def test_a_report_of_rules_alone_says_what_it_cannot_show(cdnow_log):
    log = cdnow_log[["customer_id", "date"]]
    split = pc.holdout_split(log, amount=None, calibration_end="1997-09-30")
    html = report(pc.validate({"past rate": pc.baselines.PastRate()}, split))
    reader = read(html)
    assert reader.open == []
    text = " ".join(reader.text)
    assert text.count("Not shown.") == 4  # both trackings, PIT and coverage
    assert "baselines name one number per customer" in text
    assert "of spend" not in text


def test_a_report_of_a_frame_made_elsewhere_has_no_tracking(cdnow_split):
    frame = cdnow_split.frame.rename(
        columns={"frequency": "frequency_cal", "recency": "recency_cal", "T": "T_cal"}
    )[["frequency_cal", "recency_cal", "T_cal", "frequency_holdout", "duration_holdout"]]
    split = pc.HoldoutSplit.from_frame(frame, unit="week")
    text = " ".join(read(report(pc.validate(pc.CLVModel(spend=None), split, seed=1))).text)
    assert text.count("Not shown. Tracking needs the day of every purchase") == 2


# In a real browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A function that opens a file: flags in, (output, messages) out."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    profile = tmp_path_factory.mktemp("profile")

    def opened(file, *flags):
        command = [
            path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr",
            f"--user-data-dir={profile}", *flags, file.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        return done.stdout.decode(), done.stderr.decode()

    return opened


@pytest.fixture(scope="module")
def file(validation, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    validation.to_html(path)
    return path


def test_the_same_validation_makes_the_same_page(file, page):
    assert file.read_text(encoding="utf-8") == page
    assert "dc:date" not in page


def test_a_browser_reads_the_page_without_a_complaint(browser, file, validation):
    dom, messages = browser(file, "--dump-dom")
    assert "CONSOLE" not in messages
    assert "ERR_" not in messages
    reader = read(re.sub(r"<!DOCTYPE[^>]*>", "", dom, flags=re.IGNORECASE))
    text = " ".join(" ".join(reader.text).split())
    assert f"{validation.frame.at['BG/NBD', 'rmse']:.3f}" in text
    assert AWKWARD in text
    assert sum(tag == "svg" for tag, _ in reader.tags) == len(SECTIONS)
    assert "Top decile" in text  # the words of a picture are words


@pytest.mark.parametrize(("width", "flags"), [(390, []), (1280, []), (1280, ["dark"])])
def test_a_screenshot_shows_a_page(browser, file, tmp_path, width, flags):
    from PIL import Image

    shot = tmp_path / "shot.png"
    dark = ["--blink-settings=preferredColorScheme=0"] if flags else []
    browser(
        file,
        f"--screenshot={shot}",
        f"--window-size={width},{6000 if width < 700 else 3000}",
        *dark,
    )
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert pixels.shape[1] == width
    paper = pixels[2, 2]
    assert (paper.mean() < 60) if flags else (paper.mean() > 240)
    ink = np.abs(pixels - paper).max(axis=2) > 40
    assert 0.02 < ink.mean() < 0.5
    # Something is written or drawn on most of the page's height, and the colours are there.
    assert ink.any(axis=1).mean() > 0.4
    colourful = pixels.max(axis=2) - pixels.min(axis=2) > 90
    assert colourful.sum() > 500
