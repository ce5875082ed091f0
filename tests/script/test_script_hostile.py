"""Whatever the text, it is checked or refused: nothing else, and nothing outside of the language is reached."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidScript
from worldtwin.script import Trapped, check_expression, check_function_of, check_program
from worldtwin.world import Space, real

ATTACKS = {
    "infinite loop": "while True:\n    pass",
    "loop in a builtin": "sum(range(10**12))",
    "list bomb": "x=[0]*(10**10)",
    "growing list": "x=[1]\nwhile True:\n    x=x+x",
    "text bomb": "'a'*(10**11)",
    "huge int": "x=9**(9**9)",
    "growing int": "x=3\nwhile True:\n    x=x*x",
    "shift": "1<<(10**12)",
    "recursion": "def f(n):\n    return f(n+1)\nf(0)",
    "open": "open('/etc/passwd').read()",
    "import": "import os\nos.system('id')",
    "dunder import": "__import__('os').system('id')",
    "attribute walk": "().__class__.__base__.__subclasses__()",
    "globals": "(lambda:0).__globals__",
    "format walk": "'{0.__class__.__base__}'.format(())",
    "eval": "eval('1+1')",
    "exec": "exec('import os')",
    "getattr walk": "getattr((),'__class__')",
    "time": "import time\ntime.time()",
    "random": "import random\nrandom.random()",
    "identity": "id(object())",
    "hash order": "list({'a','b','c','d','e'})",
    "regular expression": "import re\nre.match('(a+)+$','a'*40+'b')",
    "deep data": "x=[]\nfor i in range(200000):\n    x=[x]\nx==x\nrepr(x)",
    "deep brackets": "(" * 5000 + "1" + ")" * 5000,
    "many signs": "-" * 60000 + "1",
    "generator": "def g():\n    yield 1\ng().gi_frame",
    "socket": "import socket",
    "sorted": "sorted(range(10**8))",
    "modular power": "pow(3,10**7,10**(10**6)+7)",
    "text of an int": "str(10**200000)",
    "state walk": "state.__class__.__mro__",
    "memory walk": "memory.__dict__",
    "module walk": "math.__loader__",
    "huge range": "for i in range(9223372036854775807):\n    pass",
    "nested ranges": "for i in range(99999):\n    for k in range(99999):\n        x=i*k",
    "array in a loop": "while True:\n    x=[0.0]*4096",
    "overflow": "x=9223372036854775807\nx=x+1",
    "no element": "x=[1,2]\ny=3\ny=x[y]",
    "nan to int": "x=1e308*10.0\nx=x-x\ny=int(x)",
    "division": "x=0\ny=1//x",
    "print": "x=print('hello')",
    "input": "x=input()",
    "breakpoint": "breakpoint()",
    "star": "x=max(*[1,2])",
    "type": "x=type('X',(),{})",
    "walrus": "x=(y:=3)",
    "exit": "x=exit()",
    "environment": "x=os.environ",
    "string method": "x='a'.upper()",
    "bytes": "x=b'abc'",
    "complex": "x=1j",
    "matrix": "x=1@2",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_or_trapped_in_bounded_time(name: str) -> None:
    body = "".join(f"    {line}\n" for line in ATTACKS[name].split("\n"))
    start = time.process_time()
    with pytest.raises((InvalidScript, Trapped)):
        check_program(f"def act(state):\n{body}    return 1.0\n").act({})
    assert time.process_time() - start < 2


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_or_trapped_in_a_batch(name: str) -> None:
    body = "".join(f"    {line}\n" for line in ATTACKS[name].split("\n"))
    start = time.process_time()
    with pytest.raises((InvalidScript, Trapped)):
        run_batch(f"def act(state):\n{body}    return 1.0\n")
    assert time.process_time() - start < 2


def run_batch(source: str) -> None:
    """Run the program on three rows; where it traps, raise what one step raises."""
    program = check_program(source, STATE, Space(("f",), (real(-9, 9),)))
    steps = program.act_rows(np.zeros((3, 1), dtype=np.int64), np.zeros((3, 0)))
    if steps.lines.all():
        raise Trapped(int(steps.lines[0]), "in every row")


STATE = Space(("x",), (real(-9, 9),))
WORDS = """
state memory . x gear ( ) [ ] { } , : = == < > + - * / // % ** and or not in is if else for while def return lambda
import from class yield await async 1 0.5 1e400 'a' "b" # \\ @ := ~ & | ^ f'{x}' __class__ sin min range ...
True None param remember observes act pi 9223372036854775808 \u202e \uff41 \u00fc \ud800
"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\n\n", "\t", " "])


@given(source=st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map(" ".join)))
@settings(max_examples=200)
def test_any_expression_is_checked_or_refused(source: str) -> None:
    with suppress(InvalidScript):
        check_expression(source, {"state": {"x": float, "gear": int}})


@given(body=st.lists(st.lists(PIECES, max_size=8).map(" ".join), min_size=1, max_size=6))
@settings(max_examples=200)
def test_any_program_is_checked_or_refused(body: list[str]) -> None:
    source = "def act(state, memory):\n" + "".join(f"    {line}\n" for line in body) + "    return state.x\n"
    for check in (check_program, lambda text: check_function_of(text, "act")):
        with suppress(InvalidScript):
            check(source).step({"x": 1.0}, fuel=1000)
