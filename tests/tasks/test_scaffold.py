"""`./ratchet new`: the files it writes are read by the rest of Ratchet, and nothing is written when it fails."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, RatchetError, SpecError
from include.ratchet.steps.decode import decode
from include.ratchet.tasks.scaffold import ScaffoldReport, scaffold

ROWS = 24 * 60


def seoul() -> pd.DataFrame:
    """Make hourly rentals with day-first dates, unit signs in the header, and a row number."""
    hours = pd.date_range("2017-12-01", periods=ROWS, freq="h")
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "Row": np.arange(1, ROWS + 1),
            "Date": hours.strftime("%d/%m/%Y"),
            "Rented Bike Count": (200 + 150 * np.sin(hours.hour / 4) + draw.integers(0, 60, ROWS)).astype(int),
            "Hour": hours.hour,
            "Temperature(°C)": draw.uniform(-10, 20, ROWS).round(1),
            "Holiday": draw.choice(["No Holiday", "Holiday"], ROWS),
            "Functioning Day": draw.choice(["Yes", "No"], ROWS),
        }
    )


def churn() -> pd.DataFrame:
    """Make customers with a single-space cell now and then."""
    draw = np.random.default_rng(0)
    tenure = draw.integers(0, 72, 600)
    return pd.DataFrame(
        {
            "customerID": [f"{i:05d}-X" for i in range(600)],
            "tenure": tenure,
            "Total": [" " if i % 60 == 0 else f"{12.5 * (t + 1)}" for i, t in enumerate(tenure)],
            "Churn": np.where(draw.uniform(size=600) < 0.6 - tenure / 150, "Yes", "No"),
        }
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Put an awkward sample of each kind into a folder."""
    seoul().to_csv(tmp_path / "Seoul Bike.CSV", index=False, encoding="latin-1")
    churn().to_csv(tmp_path / "churn.csv.gz", index=False)
    return tmp_path


def new(home: Path, name: str = "churn", data: str = "churn.csv.gz", target: str = "Churn", time: tuple[str, ...] = ()) -> ScaffoldReport:
    """Scaffold inside the folder."""
    return scaffold(name, home / data, target, time, home / "include", home / "landing" / name)


def written(home: Path) -> set[str]:
    """List what is under include and landing."""
    return {str(p.relative_to(home)) for folder in ("include", "landing") for p in (home / folder).rglob("*") if p.is_file()}


def test_writes_two_specs_and_lands_the_sample(home: Path) -> None:
    """A feed, a model and the sample's copy: these files and no others."""
    report = new(home)
    assert written(home) == {"include/feeds/churn/feed.yaml", "include/models/churn/model.yaml", "landing/churn/churn.csv.gz"}
    assert [path.is_file() for path in report.files] == [True] * 3
    assert report.facts
    assert report.warnings
    assert "gate.business" in report.next_steps[0]


@pytest.mark.parametrize(
    ("name", "data", "target", "time"),
    [("churn", "churn.csv.gz", "Churn", ()), ("seoul", "Seoul Bike.CSV", "Rented Bike Count", ("Date,Hour",))],
)
def test_the_sample_passes_its_own_feed(home: Path, name: str, data: str, target: str, time: tuple[str, ...]) -> None:
    """The landed copy matches the feed's pattern and reads by it without one bad row, so that a run starts right away."""
    report = new(home, name, data, target, time)
    spec = specs.feed(name, home / "include")
    copy = report.files[2]
    assert copy.match(str(spec.source.uri).rpartition("/")[2])
    decoded = decode(io.BytesIO(copy.read_bytes()), spec, spec.source.format)
    assert not decoded.faults
    model = specs.model(name, home / "include")
    assert set(model.columns.needed) <= set(decoded.rows.column_names)


def test_day_first_dates_and_unit_signs(home: Path) -> None:
    """Latin-1, day-first dates in two columns and signs in the header arrive in both specs as they are."""
    new(home, "seoul", "Seoul Bike.CSV", "Rented Bike Count", ("Date", "Hour"))
    feed, model = specs.feed("seoul", home / "include"), specs.model("seoul", home / "include")
    assert feed.time is not None
    assert (feed.time.columns, feed.time.format, feed.source.encoding) == (("Date", "Hour"), "%d/%m/%Y %H", "latin-1")
    assert model.columns.time == "event_time"
    assert model.columns.numeric == ("Hour", "Temperature(°C)")
    assert model.gate.metric == "neg_mean_absolute_error"
    assert next(iter(model.gate.bounds.values())).value < 0


def test_null_strings_and_split_without_time(home: Path) -> None:
    """A single space is null in the feed; a model without time is split by fractions."""
    new(home)
    feed, model = specs.feed("churn", home / "include"), specs.model("churn", home / "include")
    assert " " in feed.source.nulls
    assert feed.columns["Total"] == "float64?"
    assert (model.training.split.validation, model.training.split.test) == (0.15, 0.2)
    assert model.task == "binary"


def test_the_files_explain_themselves(home: Path) -> None:
    """Each file says where it came from, and asks a person to review the bound."""
    report = new(home)
    feed, model = (path.read_text(encoding="utf-8") for path in report.files[:2])
    assert feed.startswith("# Written by ./ratchet new from churn.csv.gz (600 rows)")
    assert "# REVIEW: what must a model reach to be of use? A person decides that." in model
    assert max(len(line) for line in model.splitlines()) < 145


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"name": "MyChurn"}, SpecError, "did you mean 'my_churn'"),
        ({"name": "../etc"}, SpecError, "snake_case"),
        ({"data": "chrun.csv.gz"}, DataError, "did you mean 'churn.csv.gz'"),
        ({"data": "include"}, DataError, "a folder"),
        ({"data": "book.xlsx"}, DataError, r"allowed are \.csv"),
        ({"data": "bare"}, DataError, "ending in nothing"),
        ({"data": "broken.csv.gz"}, DataError, "breaks off"),
        ({"data": "empty.csv"}, DataError, "empty"),
        ({"target": "Chrun"}, SpecError, "did you mean 'Churn'"),
        ({"time": ("tenure",)}, SpecError, "not a time"),
    ],
)
def test_mistakes_write_nothing(home: Path, change: dict[str, str], kind: type[RatchetError], words: str) -> None:
    """A user's mistake is named, with what is allowed, and leaves no file behind."""
    (home / "include").mkdir()
    for name in ("book.xlsx", "bare"):
        (home / name).write_bytes(b"x")
    (home / "empty.csv").write_bytes(b"")
    (home / "broken.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 99)[:-9])
    with pytest.raises(kind, match=words):
        new(home, **change)  # type: ignore[arg-type]
    assert not written(home)


def test_a_taken_name_is_left_alone(home: Path) -> None:
    """A second scaffold of one name is refused and the first one's files stay as they are."""
    before = [path.read_bytes() for path in new(home).files]
    with pytest.raises(SpecError, match="taken"):
        new(home)
    files = ["include/feeds/churn/feed.yaml", "include/models/churn/model.yaml", "landing/churn/churn.csv.gz"]
    assert [(home / path).read_bytes() for path in files] == before


def test_another_file_in_the_landing_is_not_overwritten(home: Path) -> None:
    """A landed file of the same name and other bytes stays; the same bytes are used as they are."""
    landed = home / "landing" / "churn" / "churn.csv.gz"
    landed.parent.mkdir(parents=True)
    landed.write_bytes(b"precious")
    with pytest.raises(SpecError, match="another file"):
        new(home)
    assert landed.read_bytes() == b"precious"
    landed.write_bytes((home / "churn.csv.gz").read_bytes())
    assert new(home).files[2] == landed


def test_a_failure_half_way_is_undone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the model cannot be moved in place, the feed and the copy go too."""
    moved = Path.rename

    def rename(self: Path, to: Path) -> Path:
        if "models" in str(to):
            raise OSError(28, "No space left on device")
        return moved(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space"):
        new(home)
    assert not written(home)
    assert not list((home / "include").glob(".scaffold*"))


def test_a_draft_that_does_not_check_is_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both specs are read back before they are moved: a fault in one leaves nothing."""

    def refuse(name: str, include: Path) -> None:
        raise SpecError(f"{include}/{name}", ["made to fail"])

    monkeypatch.setattr(specs, "model", refuse)
    with pytest.raises(SpecError, match="made to fail"):
        new(home)
    assert not written(home)


def test_the_sample_lands_where_the_deployment_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a landing the copy goes to landing://NAME/ of ratchet.yaml; a remote store is refused in words."""
    monkeypatch.setenv("RATCHET__STORES__LANDING", str(home / "dock"))
    report = scaffold("churn", home / "churn.csv.gz", "Churn", include=home / "include")
    assert report.files[2] == home / "dock" / "churn" / "churn.csv.gz"
    monkeypatch.setenv("RATCHET__STORES__LANDING", "s3://bucket/landing")
    with pytest.raises(SpecError, match="not a local folder"):
        scaffold("churn_2", home / "churn.csv.gz", "Churn", include=home / "include")
