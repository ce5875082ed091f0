"""CSV files, made-up data, and the gaps to be filled."""

import subprocess
import sys
from pathlib import Path

import pytest

from worldtwin.errors import InvalidFile, InvalidValue, TracesError
from worldtwin.recording import add_synthetic, gaps, gaps_csv, import_file, open_traces, synthetic_file, synthetic_rules
from worldtwin.traces import Traces
from worldtwin.world import Category, Integer, Space, Spec, Synthetic

LOG = """heat,mode,doors,press,noise
20,idle,n|s,start,1
30.5,on,,start,2
40,on,n,stop,3
"""


def write(folder: Path, text: str, name: str = "log.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_rows_of_a_csv_are_steps(tmp_path: Path, press: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    assert import_file(write(tmp_path, LOG), traces) == 3
    found = traces.transitions().transitions
    assert found.states[0].tolist() == list(press.state.encode({"heat": 20.0, "mode": "idle", "doors": {"n", "s"}}))
    assert found.nexts[1].tolist() == list(press.state.encode({"heat": 40.0, "mode": "on", "doors": {"n"}}))
    assert found.actions[:, 0].tolist() == [0, 0]
    assert not found.synthetic.any()


def test_the_same_file_is_imported_once(tmp_path: Path, press: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    path = write(tmp_path, LOG)
    assert [import_file(path, traces) for _ in range(2)] == [3, 0]
    assert import_file(write(tmp_path, LOG.replace("30.5", "31.5")), traces) == 3
    assert len(traces.transitions().transitions) == 4


def test_a_csv_that_is_opened_as_traces_holds_what_it_has_now(tmp_path: Path, press: Spec) -> None:
    path = write(tmp_path, LOG)
    assert len(open_traces(path, press).transitions().transitions) == 2
    write(tmp_path, LOG + "50,on,n,stop,3\n")
    assert len(open_traces(path, press).transitions().transitions) == 3
    assert len(open_traces(path.with_suffix(".traces")).transitions(press).transitions) == 3


def test_episodes_and_steps_in_a_csv_are_respected(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces")
    traces.append({"state.x": [1, 2]})
    import_file(write(tmp_path, "episode,step,x,action\n8,0,1,0\n8,1,2,0\n8,3,3,1\n9,0,4,1\n"), traces)
    table = traces.rows()
    assert table.column("episode").to_pylist() == [0, 0, 1, 1, 1, 2]
    assert table.column("step").to_pylist() == [0, 1, 0, 1, 3, 0]


def test_columns_without_a_spec_are_guessed_by_name(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces")
    import_file(
        write(tmp_path, "Oil temp.,on,action,reward,outputs.noise\n1.5,True,go,2,0\n2.5,False,stop,NA,0\n"), traces
    )
    rows = traces.rows().to_pylist()
    wanted = {"state.Oil_temp": 1.5, "state.on": 1, "action.action": "go", "outputs.reward": 2, "outputs.noise": 0}
    assert {name: rows[0][name] for name in wanted} == wanted
    assert rows[1]["outputs.reward"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LOG.replace("30.5", "warm"), r"log\.csv:3: column `heat`: 'warm' is no number"),
        (LOG.replace("20,idle", "20,20,idle"), r"log\.csv:2: Expected 5 columns, got 6"),
        (LOG.replace("heat", "heet"), r"log\.csv:1: column 1: unknown field `heet`: did you mean `heat`"),
        (LOG.replace("press", "heat"), r"log\.csv:1: column 4: `heat` appears twice"),
        ("heat,mode,press\n1,on,stop\n", r"log\.csv: no column for state\.doors"),
        ("", r"log\.csv:1: the file is empty"),
        ("heat,mode,doors,press", r"log\.csv:1: nothing follows the names: is the file cut off"),
        ('"heat,mode\n1', r"log\.csv"),
    ],
)
def test_what_is_wrong_in_a_csv_has_a_line_and_a_column(tmp_path: Path, press: Spec, text: str, message: str) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    with pytest.raises(TracesError, match=message):
        import_file(write(tmp_path, text), traces)
    assert len(traces) == 0


def test_a_csv_without_an_action_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        TracesError, match=r"no column is the action: draft it with .* call one `action\.NAME` \(such as `action\.b`"
    ):
        import_file(write(tmp_path, "a,b\n1,2\n"), Traces(tmp_path / "a.traces"))


def test_a_csv_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TracesError, match=r"none\.csv: no such file"):
        import_file(tmp_path / "none.csv", Traces(tmp_path / "a.traces"))


def test_readings_out_of_range_are_kept_and_marked(tmp_path: Path, press: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    import_file(write(tmp_path, LOG.replace("30.5", "300") + "50,on,n,stop,3\n"), traces)
    assert traces.rows().column("state.heat").to_pylist() == [20.0, 300.0, 40.0, 50.0]
    assert traces.transitions().excluded == {
        "next.heat is outside of [0, 100]": 1,
        "state.heat is outside of [0, 100]": 1,
    }


def corner() -> list[tuple]:
    cooled = {"heat": 80, "mode": "idle", "doors": set()}
    return [({"heat": heat, "mode": "on", "doors": {"n"}}, "stop", cooled, 2.0) for heat in (90, 95)]


def test_rules_are_marked_as_made_up_and_added_once(tmp_path: Path, press: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    assert [synthetic_rules(corner, traces, name="corner") for _ in range(2)] == [2, 0]
    found = traces.transitions().transitions
    assert found.synthetic.all()
    assert len(found) == 2
    assert synthetic_rules(corner()[:1], traces, name="corner") == 1
    assert len(traces.transitions().transitions) == 1
    assert traces.measured_rows == 0


RULES = """
def transitions():
    for heat in range(10):
        yield {"heat": heat, "mode": "on", "doors": []}, "stop", {"heat": heat / 2, "mode": "on", "doors": []}, 1.0
"""


def test_rules_and_files_of_a_plan_have_at_most_their_share(tmp_path: Path, press: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    write(tmp_path, RULES, "corner.py")
    write(tmp_path, LOG, "extra.csv")
    import_file(write(tmp_path, LOG), traces)
    assert add_synthetic(Synthetic(kind="rules", path="corner.py", share=0.5), traces, folder=tmp_path) == 3
    assert add_synthetic(Synthetic(kind="file", path="extra.csv"), traces, folder=tmp_path) == 3
    assert traces.transitions().transitions.synthetic.tolist().count(True) == 5


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 2), r"rules: row 2: \(1, 2\) is not \(state, action, next, outputs\)"),
        (({"heat": 1}, "stop", {}, 1), "rules: row 2: state: missing field `mode`"),
        (({"heet": 1}, "stop", {}, 1), "rules: row 2: state: unknown field `heet`: did you mean `heat`"),
        ((3, "stop", 4, 1), "rules: row 2: state: 3 has no names: yield a mapping of heat, mode, doors"),
    ],
)
def test_rules_that_yield_something_else_are_named_by_row(
    tmp_path: Path, press: Spec, row: tuple, message: str
) -> None:
    with pytest.raises(InvalidValue, match=message):
        synthetic_rules([corner()[0], row], Traces(tmp_path / "a.traces", press))


@pytest.mark.parametrize(
    ("text", "message"), [("1 / 0", "ZeroDivisionError"), ("x = 1", r"defines no function `transitions\(\)`")]
)
def test_a_broken_file_of_rules_is_one_sentence(tmp_path: Path, press: Spec, text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=rf"corner\.py: .*{message}"):
        synthetic_rules(write(tmp_path, text, "corner.py"), Traces(tmp_path / "a.traces", press))


def test_gaps_are_the_pairs_that_were_seen_least_and_can_be_filled_in(tmp_path: Path, press: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    for _ in range(3):
        traces.append(
            {"state.heat": [20.0, 20.0], "state.mode": ["idle", "on"], "state.doors": [["n"]] * 2,
             "action.press": ["start", "start"], "outputs.noise": [1.0, 1.0]}
        )  # fmt: skip
    table = gaps(traces)
    assert table.column("known").to_pylist() == [0, 3]
    assert table.column("action.press").to_pylist() == ["stop", "start"]
    text = gaps_csv(traces, rows=1)
    assert text.splitlines() == [
        "state.heat,state.mode,state.doors,action.press,next.heat,next.mode,next.doors,outputs.noise",
        "20.0,idle,n,stop,,,,",
    ]
    filled = write(tmp_path, text.replace(",,,,", ",10,idle,n|s,4"), "filled.csv")
    assert synthetic_file(filled, traces) == 1
    assert traces.transitions().transitions.synthetic.tolist().count(True) == 1


def test_gaps_of_nothing_are_one_sentence(tmp_path: Path, press: Spec) -> None:
    with pytest.raises(TracesError, match="has no usable transitions yet: record some runs first"):
        gaps(Traces(tmp_path / "a.traces", press))


WALK = Spec(
    name="walk",
    state=Space(names=("x",), fields=(Integer(low=0, high=99),)),
    action=Space(names=("move",), fields=(Category(("on",)),)),
)


def test_a_gap_that_was_not_filled_in_leads_nowhere(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces", WALK)
    synthetic_file(write(tmp_path, "state.x,action.move,next.x\n1,on,2\n50,on,\n90,on,91\n", "gaps.csv"), traces)
    found = traces.transitions().transitions
    assert (found.nexts - found.states).tolist() == [[1], [1]]


def test_a_thinned_file_leads_from_each_row_to_the_one_that_followed_it(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces", WALK)
    traces.append({"state.x": [0] * 10, "action.move": ["on"] * 10})
    path = write(tmp_path, "state.x,action.move\n" + "".join(f"{x},on\n" for x in range(100)), "walk.csv")
    assert synthetic_file(path, traces, share=0.5) == 10
    found = traces.transitions().transitions
    assert (found.nexts - found.states)[found.synthetic].tolist() == [[1]] * 9


def test_made_up_data_without_rows_are_refused_and_replace_nothing(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces", WALK)
    synthetic_rules([(1, "on", 2)], traces, name="corner")
    with pytest.raises(TracesError, match="corner has no rows"):
        synthetic_rules([], traces, name="corner")
    assert len(traces.transitions().transitions) == 1


def test_two_processes_that_import_one_file_at_once_store_it_once(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("x,action\n" + "".join(f"{row},{row % 2}\n" for row in range(20_000)))
    script = (
        "import sys, time; from worldtwin.recording import import_file; from worldtwin.traces import Traces\n"
        "traces = Traces('log.traces'); print('ready', flush=True); sys.stdin.readline()\n"
        "import_file('log.csv', traces)"
    )
    command = [sys.executable, "-c", script]
    both = [subprocess.Popen(command, cwd=tmp_path, stdin=-1, stdout=-1, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in both:
        one.communicate()
    assert len(Traces(tmp_path / "log.traces")) == 20_000
