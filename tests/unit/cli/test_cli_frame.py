"""The frame of the command: what goes where, and which exit code says what."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from decimal import Decimal

import pytest

from tillway.cli import exit_codes, verbs
from tillway.cli.app import make_app, run_verb
from tillway.cli.confirm import agreed
from tillway.cli.output import emit, fail, json_text, money_text, progress
from tillway.cli.verbs import GROUPS, VERBS, Verb
from tillway.errors import (
    ConfigurationError,
    ContractViolation,
    JournalFault,
    NotConnected,
    TillwayError,
    Transient,
    Violation,
)

ENDS = [
    (lambda: 0, exit_codes.DONE),
    (lambda: 2, exit_codes.ATTENTION),
    (lambda: None, exit_codes.DONE),
    (NotConnected("TW-1107", "gone"), exit_codes.FAILED),
    (ConfigurationError("TW-1107", "no project"), exit_codes.FAILED),
    (JournalFault("TW-5001", "disk"), exit_codes.JOURNAL),
    (Transient("TW-1107", "later"), exit_codes.LATER),
    (ConfigurationError("TW-5002", "held"), exit_codes.LATER),
    (ValueError("card 4111111111111111"), exit_codes.BUG),
    (KeyboardInterrupt(), exit_codes.INTERRUPTED),
]


@pytest.fixture
def verb(monkeypatch, tmp_path):
    """A verb `probe` whose end the test decides."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(VERBS, "probe", Verb("probe_verb:probe", "Only a test.", GROUPS[0]))

    def ends(end):
        def probe(*, json: bool = False):
            """Do what the test says."""
            if isinstance(end, BaseException):
                raise end
            return end()

        module = type(sys)("probe_verb")
        module.probe = probe
        monkeypatch.setitem(sys.modules, "probe_verb", module)

    return ends


@pytest.mark.parametrize(("end", "code"), ENDS)
def test_every_end_has_its_exit_code(verb, end, code):
    """A returned number stands; an error of the tree is turned into its one code."""
    verb(end)
    assert run_verb(["probe"]) == code


@pytest.mark.parametrize("name", sorted(exit_codes.STARTING_VERBS))
def test_bad_configuration_of_a_starting_verb_is_refused_to_start(name):
    """78 for `run` and `dev`, 1 for verbs that only look."""
    error = ConfigurationError("TW-1107", "no project")
    assert exit_codes.exit_code_of(error, name) == exit_codes.NOT_STARTED
    assert exit_codes.exit_code_of(error, "validate") == exit_codes.FAILED


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["statsu"], '"status"'),
        (["explain", "TW-1101", "--jsn"], "--json"),
        (["explain"], "CODE"),
        (["init", "x", "--port", "many"], "many"),
    ],
)
def test_wrong_usage_leaves_with_64_and_offers_the_nearest_name(capsys, line, says):
    """A typo never reads as `there is something to look at` (2)."""
    assert run_verb(line) == exit_codes.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err


def test_a_bug_writes_a_report_without_values(verb, tmp_path, capsys):
    """The file holds versions and the stack; neither it nor the screen shows a card number."""
    (tmp_path / ".state").mkdir()
    verb(ValueError("card 4111111111111111"))
    assert run_verb(["probe"]) == exit_codes.BUG
    (report,) = (tmp_path / ".state").glob("tillway-bug-*.json")
    text = report.read_text("utf-8")
    assert json.loads(text)["error"] == "ValueError"
    screen = capsys.readouterr().err
    assert "4111111111111111" not in text + screen
    assert report.name in screen


def test_data_goes_to_stdout_and_errors_to_stderr(capsys):
    """A script that reads stdout never meets an error text, and never colour."""
    emit("probe", {"count": 1}, lambda console: console.print("[one] row"), json=False)
    fail(TillwayError("TW-1107", "no project", path="x"))
    printed = capsys.readouterr()
    assert printed.out == "[one] row\n"
    assert "TW-1107" in printed.err
    assert "\x1b" not in printed.out + printed.err


def test_json_is_one_document_on_one_line_with_its_schema(capsys):
    """Money is text, so that it stays exact."""
    emit("probe", {"money": Decimal("0.10")}, lambda _console: None, json=True)
    line = capsys.readouterr().out
    assert line.endswith("\n")
    assert json.loads(line) == {"schema": "tillway.probe/1", "money": "0.10"}
    assert line.count("\n") == 1


def test_an_error_is_told_in_four_lines(capsys):
    """Code and sentence, where, what to do, where to read more."""
    fail(
        ConfigurationError("TW-1102", "`nme` is no setting", at="tillway.toml:3", advice="Mend it")
    )
    assert capsys.readouterr().err.splitlines() == [
        "error TW-1102: `nme` is no setting",
        "  where  tillway.toml:3",
        "  do     Mend it",
        "  more   tillway explain TW-1102",
    ]


def test_an_error_without_advice_takes_it_from_its_record(capsys):
    """Every error says what to do."""
    fail(ConfigurationError("TW-1102", "x"))
    assert "  do     " in capsys.readouterr().err


def test_every_violation_is_listed(capsys):
    """Not only the first; above twenty the rest is counted."""
    breaches = [Violation(f"lines[{n}]", "enum", "LB") for n in range(25)]
    fail(ContractViolation("TW-2104", "25 fields are wrong", breaches))
    printed = capsys.readouterr().err
    assert "lines[19]" in printed
    assert "and 5 more" in printed


def test_an_error_in_json_keeps_stdout_clean(capsys):
    """With --json the error is a document too, on stderr."""
    assert run_verb(["explain", "TW-1000", "--json"]) == exit_codes.FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err)["errors"][0]["code"] == "TW-1006"


def test_progress_is_silent_without_a_terminal(capsys):
    """No bar in a log file."""
    with progress("work", 3) as advance:
        advance(1)
    assert capsys.readouterr().err == ""


def test_money_is_shown_per_currency_and_never_added_across():
    """Two currencies are two amounts."""
    shown = money_text({"USD": Decimal(5), "EUR": Decimal("1204.50")})
    assert shown == "1,204.50 EUR, 5 USD"
    assert money_text({}) == "-"


def test_a_plan_is_agreed_by_option_or_not_at_all(monkeypatch):
    """Without a terminal the options must answer; above 100 the count must be named."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert agreed(100, yes=True)
    assert agreed(101, yes=False, confirm_count=101)
    for count, yes, confirm, code in (
        (1, False, None, "TW-1002"),
        (101, True, None, "TW-1002"),
        (101, True, 100, "TW-1003"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            agreed(count, yes=yes, confirm_count=confirm)
        assert caught.value.code == code


def test_version_does_not_load_the_command_line_library():
    """`tillway --version` stays cheap: nothing heavy is imported for it."""
    script = (
        "import sys; from tillway.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit as left: assert left.code == 0\n"
        "heavy = {'cyclopts', 'rich', 'msgspec', 'lxml', 'aiohttp', 'apsw'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tillway ")


def test_help_lists_every_verb_without_importing_one(capsys):
    """The list comes from the table; no verb's module is needed for it."""
    before = set(sys.modules)
    assert run_verb(["--help"]) == exit_codes.DONE
    shown = capsys.readouterr().out
    assert all(name in shown for name in VERBS)
    loaded = {name for name in set(sys.modules) - before if name.startswith("tillway.cli.")}
    assert not loaded & {verb.target.partition(":")[0] for verb in VERBS.values()}


def _lines(app, line):
    """Return the words of every command below an app; an app without any is one itself."""
    below = [inner for inner in app if not inner.startswith("-")]
    return [found for inner in below for found in _lines(app[inner], [*line, inner])] or [line]


@pytest.mark.parametrize("name", list(verbs.VERBS))
def test_help_of_every_verb_holds_an_example(capsys, name):
    """`tillway VERB --help` shows one, so that nobody has to guess."""
    if importlib.util.find_spec(VERBS[name].target.partition(":")[0]) is None:
        pytest.skip("its module is not there yet")
    for line in _lines(make_app(name)[name], [name]):
        assert run_verb([*line, "--help"]) == exit_codes.DONE
        shown = capsys.readouterr().out
        assert "Example" in shown, line
        assert "--json" in shown.partition("Every verb takes")[0], line


def test_json_text_keeps_paths_and_refuses_what_it_cannot_write(tmp_path):
    """A path is text; an unknown kind of value is a bug and not a silent text."""
    assert json.loads(json_text({"at": tmp_path})) == {"at": str(tmp_path)}
    with pytest.raises(NotImplementedError):
        json_text({"x": object()})
