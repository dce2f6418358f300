import pytest

from experiments import mlm
from labnn.configs.command_line import FLAGS, flatten, parse, read_config
from labnn.configs.types import CommandLineText, ConfigError
from tests.configs.tiny import Tiny, make


def read(arguments):
    """The flags, and the layers as one"""
    flags, layers = parse(arguments)
    return flags, {name: value for layer in layers for name, value in layer.items()}


@pytest.fixture
def file(tmp_path):
    """Writes a file of options"""

    def write(text, name="options.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def test_nothing_is_nothing():
    assert read([]) == ({}, {})


@pytest.mark.parametrize(
    "argument, name, value",
    [
        ("batch_size=32", "batch_size", "32"),
        ("--batch_size=32", "batch_size", "32"),
        ("transformer.ffn.d_ff=64", "transformer.ffn.d_ff", "64"),
        ("text.path=a=b.txt", "text.path", "a=b.txt"),
        ("text.path=my text.txt", "text.path", "my text.txt"),
        ("text.path=--help", "text.path", "--help"),
        ("text.path=Käse/本.txt", "text.path", "Käse/本.txt"),
        ("prompt=", "prompt", ""),
        ("prompt=[to be, or not]", "prompt", "[to be, or not]"),
        ("prompt= ", "prompt", " "),
        ("seed==3", "seed", "=3"),
        ("x=line\nline", "x", "line\nline"),
    ],
)
def test_an_argument_is_a_name_and_a_text(argument, name, value):
    flags, found = read([argument])
    assert flags == {} and found == {name: value}
    # What the text means is known when its option is.
    assert type(found[name]) is CommandLineText


@pytest.mark.parametrize("flag", FLAGS)
def test_flags_may_stand_anywhere(flag):
    for arguments in ([flag, "seed=1"], ["seed=1", flag], [flag, "seed=1", flag]):
        flags, found = read(arguments)
        assert [*flags] == ["--help" if flag == "-h" else flag] and found == {"seed": "1"}


def test_flags_add_up():
    assert read(["-h", "--dry-run", "--print-config"])[0].keys() == {*FLAGS} - {"-h"}


def test_a_run_goes_on_by_its_name_and_names_add_up():
    assert read(["--resume", "2026", "seed=1"]) == ({"--resume": ["2026"]}, {"seed": "1"})
    flags, _ = read(["--resume=auto", "--allow-change", "seed", "--allow-change=text"])
    assert flags == {"--resume": ["auto"], "--allow-change": ["seed", "text"]}


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--resume"], "--resume has no run; write --resume RUN"),
        (["--resume", "--dry-run"], "--resume has no run"),
        (["--resume="], "--resume has no run"),
        (["--resume", "a", "--resume", "b"], "--resume takes one run, not a, b"),
        (["--allow-change", "seed"], "--allow-change goes with --resume RUN"),
        (["--resume", "a", "--allow-change"], "--allow-change has no option"),
    ],
)
def test_a_flag_that_lacks_something_is_refused(arguments, says):
    with pytest.raises(ConfigError, match=says):
        parse(arguments)


@pytest.mark.parametrize(
    "argument", ["batch_size", "--batch_size", "--verbose", "=3", "", " ", "-", "--", "help", "-x"]
)
def test_what_is_no_argument_is_refused_with_what_would_be(argument):
    with pytest.raises(ConfigError) as caught:
        read(["seed=1", argument])
    message = str(caught.value)
    assert "is no argument; write options as name=value" in message and "--config FILE" in message
    assert message.startswith(argument) and "\n" not in message


def test_an_option_may_be_given_twice_if_both_say_the_same():
    assert read(["seed=1", "--seed=1"])[1] == {"seed": "1"}
    with pytest.raises(ConfigError, match="seed is given twice, as 1 and as 2"):
        read(["seed=1", "epochs=3", "seed=2"])


@pytest.mark.parametrize(
    "text",
    [
        "transformer:\n  n_layers: 4\n  ffn:\n    d_ff: 64\nseed: 3\n",
        "transformer.n_layers: 4\ntransformer.ffn.d_ff: 64\nseed: 3\n",
        "transformer: {n_layers: 4, ffn.d_ff: 64}\nseed: 3\n",
        '{"transformer": {"n_layers": 4, "ffn": {"d_ff": 64}}, "seed": 3}',
        "\ufefftransformer:\r\n  n_layers: 4 # four\r\n  ffn: {d_ff: 64}\r\nseed: 3\r\n",
    ],
)
def test_a_file_names_options_nested_or_with_dots(file, text):
    expected = {"transformer.n_layers": 4, "transformer.ffn.d_ff": 64, "seed": 3}
    assert read_config(file(text)) == expected
    path = file(text, "a file.yaml")
    assert read(["--config", path])[1] == read([f"--config={path}"])[1] == expected


def test_a_file_has_values_of_any_type(file):
    text = """
prompt:
- "To be, or not to be: that is the question"
- {a: 1}
learning_rate: 1e-3
n: 7
flag: true
switch: off
nothing: null
name: Käse
dots: a.b
reference: ${seed}
empty: {}
"""
    assert read_config(file(text)) == {
        "prompt": ["To be, or not to be: that is the question", {"a": 1}],
        "learning_rate": 0.001,
        "n": 7,
        "flag": True,
        "switch": False,
        "nothing": None,
        "name": "Käse",
        "dots": "a.b",
        "reference": "${seed}",
        "empty": {},
    }


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "{}"])
def test_an_empty_file_changes_nothing(file, text):
    assert read(["--config", file(text), "seed=1"]) == ({}, {"seed": "1"})


def test_each_file_is_a_layer_and_what_is_typed_is_the_last(file):
    first, second = file("seed: 1", "first.yaml"), file("optimizer: Adam", "second.yaml")
    _, layers = parse(["optimizer=SGD", "--config", first, "--config", second])
    assert layers == [{"seed": 1}, {"optimizer": "Adam"}, {"optimizer": "SGD"}]


def test_what_is_typed_comes_after_files_and_the_later_file_after_the_earlier(file):
    first = file("transformer: {n_layers: 1, n_heads: 1}\nseed: 1\nepochs: 1\n", "first.yaml")
    second = file("transformer.n_layers: 2\nseed: 2\n", "second.yaml")
    _, found = read(["seed=3", "--config", first, f"--config={second}"])
    assert found == {
        "transformer.n_layers": 2,
        "transformer.n_heads": 1,
        "seed": "3",
        "epochs": 1,
    }


@pytest.mark.parametrize(
    "text, wrong",
    [
        ("a: [1", "is no YAML: .*line 1"),
        ("a: b: c", "is no YAML"),
        ("\ta: 1", "is no YAML"),
        ("a: 1\na: 2", "is no YAML: .*duplicate key a"),
        (b"a: \xff\xfe", "is no YAML"),
        ("- 1\n- 2", "holds a list; write name: value"),
        ("3", "Invalid loaded object type: int"),
    ],
)
def test_a_file_that_holds_no_options_is_one_line(file, text, wrong):
    path = file(text)
    with pytest.raises(ConfigError, match=wrong) as caught:
        read(["--config", path])
    message = str(caught.value)
    assert message.startswith(f"--config {path}") and "\n" not in message


def test_a_name_without_a_value_in_a_file_is_no_value(file):
    _, found = read(["--config", file("seed")])
    with pytest.raises(ConfigError, match="seed is None, it takes a whole number"):
        make(Tiny, found)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="nowhere.yaml: No such file or directory"):
        read(["--config", str(tmp_path / "nowhere.yaml")])
    with pytest.raises(ConfigError, match=f"--config {tmp_path}: Is a directory"):
        read(["--config", str(tmp_path)])


@pytest.mark.parametrize("arguments", [["--config"], ["--config="], ["--config=", "seed=1"]])
def test_a_missing_name_of_a_file(arguments):
    with pytest.raises(ConfigError, match="--config has no file; write --config FILE"):
        read(arguments)


def test_flatten_by_hand():
    assert flatten({"a": {"b": {"c": 1}, "d": [2]}, "e": {}, "f.g": {"h": None}}) == {
        "a.b.c": 1,
        "a.d": [2],
        "e": {},
        "f.g.h": None,
    }


@pytest.mark.parametrize(
    "argument, value",
    [
        ("epochs=5", 5),
        ("optimizer.learning_rate=1e-3", 1e-3),
        ("dropout_prob=.5", 0.5),
        ("is_log_model_activations=yes", True),
        ("is_log_model_activations=off", False),
        ("precision=bf16", "bf16"),
        ("valid_loader=none", None),
        ("seed=007", 7),
    ],
)
def test_texts_become_what_their_options_take(argument, value):
    _, found = read([argument])
    conf = make(Tiny, found)
    *path, name = argument.partition("=")[0].split(".")
    for part in path:
        conf = conf._nested(part)
    assert getattr(conf, name) == value and type(getattr(conf, name)) is type(value)


@pytest.mark.parametrize(
    "argument, wrong",
    [
        ("epochs=", "epochs is '', it takes a whole number"),
        ("epochs=1.5", "epochs is '1.5'"),
        ("epochs =3", "did you mean epochs"),
        ("--dry_run=1", "dry_run is no option"),
        ("batch-size=3", "did you mean batch_size"),
        ("optimizer=adam", "did you mean Adam"),
        ("prompt=a text", "prompt is no option"),
    ],
)
def test_mistakes_are_found_when_the_options_are_known(argument, wrong):
    _, found = read([argument])
    with pytest.raises(ConfigError, match=wrong):
        make(Tiny, found)


@pytest.mark.parametrize(
    "argument, expected",
    [
        ("prompt=[to be, 'or not, to be']", ["to be", "or not, to be"]),
        ("prompt=[]", []),
        ("prompt=['']", [""]),
        ("prompt=[1, true, null]", ["1", "true", "null"]),
        ('prompt=["Käse: 本", "a=b"]', ["Käse: 本", "a=b"]),
    ],
)
def test_a_list_of_texts_can_be_typed(argument, expected):
    conf = make(mlm.Configs, read([argument])[1])
    assert conf.prompt == expected
