import pytest
from click.testing import CliRunner

from darkcnn.cli import main
from darkcnn.cli.study import parse_values
from darkcnn.datasets import save_clusters


def test_the_command_runs_a_study_and_tells_how_far_it_has_come(clusters, tmp_path):
    save_clusters(tmp_path / "clusters.h5", clusters)
    folder = str(tmp_path / "study")
    arguments = [
        "study",
        "run",
        str(tmp_path / "clusters.h5"),
        folder,
        *["-o", "simple", "-n", "1", "--views", "1", "-q"],
    ]
    arguments += ["--folds", "2", "-p", "cnn__batch_size=8,16"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "4 of 4 fits finished"
    assert [line.rpartition(": ")[2] for line in lines[1:]] == [
        "cnn__batch_size=8",
        "cnn__batch_size=16",
    ]
    next((tmp_path / "study" / "fits").iterdir()).unlink()
    told = CliRunner().invoke(main, ["study", "status", folder]).stdout
    assert told.startswith("3 of 4 fits finished, ")
    refused = CliRunner().invoke(main, [*arguments, "--seed", "1"])
    assert refused.exit_code == 1
    assert "Error: folder " in refused.output
    assert "pipeline.steps[3][1].random_state: 0 before, 1 now" in refused.output
    wrong = CliRunner().invoke(main, [*arguments, "-p", "batch"])
    assert "must be NAME=VALUE,VALUE, got 'batch'" in wrong.output
    twice = CliRunner().invoke(main, [*arguments, "-p", "cnn__batch_size=4"])
    assert "cnn__batch_size is given twice" in twice.output


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.001,0.002", [0.001, 0.002]),
        ("simple, polar", ["simple", "polar"]),
        ('{"width": 0.5, "dropout": 0.1},{"width": 1}', [{"width": 0.5, "dropout": 0.1}, {"width": 1}]),
        ("[1,2],null,true", [[1, 2], None, True]),
        ('"a,b",c d', ["a,b", "c d"]),
        ("3x,1e-3,0.1.2", ["3x", 1e-3, "0.1.2"]),
    ],
)
def test_values_of_parameters_are_json_or_words(text, values):
    assert parse_values(text) == values


@pytest.mark.parametrize("text", ["", "1,,2", "1,", '{"a":1,"b"', "[1,2", '"a', '{"a":1}x'])
def test_values_that_are_neither_are_refused(text):
    with pytest.raises(ValueError, match="must be"):
        parse_values(text)
