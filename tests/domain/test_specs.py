"""Reading specs: every fault of a file at once, with its key, what was found, what is allowed, and a guess."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError

FEED = "{name: f, source: {kind: files, uri: x.csv}, key: [id], schema: {id: int64}}"
MODEL = """
    name: m
    task: binary
    feeds: [f]
    columns: {id: [id], label: y, numeric: [x]}
    training:
      split: {validation: 0.2, test: 0.2}
      candidates: [{name: a, estimator: sklearn.svm.SVC}]
    gate: {metric: roc_auc, business: {roc_auc: ">= 0.6"}}
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Give an include folder with one good feed and one good model."""
    for kind, name, file, text in (("feeds", "f", "feed.yaml", FEED), ("models", "m", "model.yaml", MODEL)):
        folder = tmp_path / kind / name
        folder.mkdir(parents=True)
        (folder / file).write_text(textwrap.dedent(text))
    return tmp_path


def change(include: Path, old: str, new: str) -> SpecError:
    """Change the model's file; return what is said about it."""
    path = include / "models" / "m" / "model.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(SpecError) as error:
        specs.model("m", include)
    return error.value


def test_good_specs_read(include: Path) -> None:
    """What is right is read, and its transform is the feed itself."""
    assert specs.feed("f", include).key == ("id",)
    assert specs.transform_sql(specs.model("m", include), include) == 'SELECT * FROM "f"'


@pytest.mark.parametrize("name", specs.names("feeds"))
def test_the_feeds_of_this_repository_read(name: str) -> None:
    """The examples that adopters copy have no faults."""
    assert specs.feed(name).name == name


@pytest.mark.parametrize("name", specs.names("models"))
def test_the_models_of_this_repository_read(name: str) -> None:
    """The examples that adopters copy have no faults, and their transform is there."""
    assert specs.transform_sql(specs.model(name)).lstrip("-").strip()


def test_all_faults_at_once(include: Path) -> None:
    """Five faults in five places are five lines, each with its dotted key, in one error."""
    text = (include / "models" / "m" / "model.yaml").read_text()
    for old, new in (
        ("task: binary", "task: binray"),
        ("label: y", "label: x"),
        ("sklearn.svm.SVC", "os.system"),
        ("metric: roc_auc", "metrics: roc_auc"),
        ("test: 0.2", "test: 2"),
    ):
        text = text.replace(old, new)
    (include / "models" / "m" / "model.yaml").write_text(text)
    with pytest.raises(SpecError) as error:
        specs.model("m", include)
    faults = "\n".join(error.value.faults)
    assert "task: found 'binray'; input should be 'binary', 'multiclass' or 'regression'" in faults
    assert "columns: x: a feature, and the label" in faults
    assert "training.candidates.0.estimator: found 'os.system'; allowed are" in faults
    assert "gate.metric: required, and not there" in faults
    assert "gate.metrics: unknown key; allowed are metric, business" in faults
    assert "did you mean 'metric'?" in faults
    assert "training.split.test: found 2; allowed is a fraction between 0 and 1" in faults


def test_a_value_that_is_neither_fraction_nor_duration_is_one_fault(include: Path) -> None:
    """A value that may have two types is reported once, by its own key."""
    error = change(include, "test: 0.2", "test: soon")
    assert error.faults == ("training.split.test: found 'soon'; allowed is a number and a unit of s, m, h, d, w, such as 6h or 28d",)


def test_a_key_inside_a_list_gets_a_guess(include: Path) -> None:
    """The guess knows which keys belong at that place."""
    error = change(include, "estimator:", "estimatr:")
    assert any("training.candidates.0.estimatr: unknown key" in f and "did you mean 'estimator'?" in f for f in error.faults)


def test_an_unknown_feed_gets_a_guess(include: Path) -> None:
    """A model names feeds that are there."""
    (include / "feeds" / "flights").mkdir()
    error = change(include, "feeds: [f]", "feeds: [fligths]")
    assert error.faults == ("feeds: found 'fligths'; allowed are f, flights; did you mean 'flights'?",)


def test_a_missing_transform(include: Path) -> None:
    """A transform that is named is there; two feeds need one."""
    (include / "feeds" / "g").mkdir()
    assert "transform: found 't.sql'; no such file beside model.yaml" in str(change(include, "feeds: [f]", "feeds: [f]\ntransform: t.sql"))
    assert "omitted, which is allowed with one feed only; found 2 feeds" in str(
        change(include, "feeds: [f]\ntransform: t.sql", "feeds: [f, g]")
    )


def test_the_name_is_the_folder(include: Path) -> None:
    """A copied folder whose name was not changed is refused."""
    assert "found 'n'; allowed is the folder's name, 'm'" in str(change(include, "name: m", "name: n"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [1", "not readable as YAML"),
        (b"- 1", "found list; allowed is a mapping"),
        (b"", "found NoneType"),
        (b"\xff\xfe\x00", "not readable as YAML"),
        (b"a: !!python/object/apply:os.system [ls]", "not readable as YAML"),
    ],
)
def test_unreadable_files(include: Path, content: bytes, said: str) -> None:
    """A broken file is a spec fault that names the file, and nothing in it is run."""
    path = include / "feeds" / "f" / "feed.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=r"feed\.yaml") as error:
        specs.feed("f", include)
    assert said in str(error.value)


def test_a_missing_file_says_how_to_make_one(include: Path) -> None:
    """The next step is in the message."""
    with pytest.raises(SpecError, match=r"no such file\n\./ratchet new"):
        specs.feed("nope", include)


def test_names_leave_out_what_is_no_spec(include: Path) -> None:
    """Hidden folders, caches and files are no feeds."""
    for name in (".git", "__pycache__"):
        (include / "feeds" / name).mkdir()
    (include / "feeds" / "README.md").write_text("")
    assert specs.names("feeds", include) == ["f"]
    assert specs.names("views", include) == []


def test_a_long_value_is_cut(include: Path) -> None:
    """A fault line stays a line."""
    error = change(include, "task: binary", f"task: {'x' * 10_000}")
    assert len(error.faults[0]) < 200


VIEW = "{name: v, feeds: [f], entity: [id], time: at, ttl: 6h, features: [n]}"


def add_view(include: Path, text: str = VIEW) -> None:
    """Write a view, and let the model name it."""
    folder = include / "views" / "v"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "view.yaml").write_text(text)
    (folder / "view.sql").write_text("SELECT 1;\n")
    path = include / "models" / "m" / "model.yaml"
    timed = MODEL.replace("label: y", "label: y, time: t").replace("0.2, test: 0.2", "1d, test: 1d").replace("[x]", "[x, v__n]")
    path.write_text(textwrap.dedent(timed.replace("feeds: [f]", "feeds: [f]\n    views: [v]")))


def test_a_view_reads_with_its_sql(include: Path) -> None:
    """A model that names it reads its feeds too."""
    add_view(include, VIEW.replace("[f]", "[f, g]"))
    (include / "feeds" / "g").mkdir()
    (include / "feeds" / "g" / "feed.yaml").write_text(FEED.replace("name: f", "name: g"))
    view = specs.view("v", include)
    assert specs.view_sql(view, include) == "SELECT 1"
    assert specs.all_feeds(specs.model("m", include), include) == ("f", "g")


@pytest.mark.parametrize("name", specs.names("views"))
def test_the_views_of_this_repository_read(name: str) -> None:
    """The examples that adopters copy have no faults."""
    assert specs.view(name).name == name


def test_what_a_view_names_must_be_there(include: Path) -> None:
    """A feed that is none, SQL that is not there, and both at once."""
    add_view(include, VIEW.replace("[f]", "[ff]").replace("ttl", "sql: other.sql, ttl"))
    with pytest.raises(SpecError) as error:
        specs.view("v", include)
    assert error.value.faults == (
        "feeds: found 'ff'; allowed are f; did you mean 'f'?",
        "sql: found 'other.sql'; no such file beside view.yaml",
    )


def test_a_model_names_views_and_features_that_are_there(include: Path) -> None:
    """A misspelt view, a misspelt feature of a view, and a view with faults of its own."""
    add_view(include)
    assert "columns.numeric: found 'v__m'; view v has v__n; did you mean 'v__n'?" in change(include, "v__n", "v__m").faults
    assert "views: found 'vv'; allowed are v; did you mean 'v'?" in change(include, "views: [v]", "views: [vv]").faults
    add_view(include, VIEW.replace("ttl: 6h", "ttl: 0s"))
    assert any("views: v has faults of its own: ttl: found 0" in fault for fault in change(include, "[x, v__n]", "[v__n]").faults)
