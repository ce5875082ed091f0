"""The small language of rewards, endings, predicates and tasks: checked once, evaluated in several ways."""

from worldtwin.script.checking.declarations import Memory
from worldtwin.script.expression import Expression, check_expression, ends, predicate, reward
from worldtwin.script.parameter import (
    FloatParameter,
    IntParameter,
    NameParameter,
    Parameter,
    param,
    parameter_of,
    remember,
)
from worldtwin.script.program import FUEL, Program, Step, Steps, check_function_of, check_program
from worldtwin.script.trap import Trap, Trapped

__all__ = [
    "FUEL", "Expression", "FloatParameter", "IntParameter", "Memory", "NameParameter", "Parameter", "Program", "Step",
    "Steps", "Trap", "Trapped", "check_expression", "check_function_of", "check_program", "ends", "param",
    "parameter_of", "predicate", "remember", "reward",
]  # fmt: skip
