"""What is improved: `Task` = (state, memory) → (action, memory), as a network, a table, an automaton or a script."""

from worldtwin.tasks.actor import Actor, Parameters
from worldtwin.tasks.local import LocalTask
from worldtwin.tasks.population import NO_ANSWER, Population, Scripts, stack
from worldtwin.tasks.programs.automaton import LOST, START, Automaton
from worldtwin.tasks.programs.inputs import AnyOf, Input, OneOf, Scaled, Turned
from worldtwin.tasks.programs.network import Layer, Network
from worldtwin.tasks.programs.policy import TablePolicy
from worldtwin.tasks.task import Known, Task, decode_task, encode_task

__all__ = [
    "LOST", "NO_ANSWER", "START", "Actor", "AnyOf", "Automaton", "Input", "Known", "Layer", "LocalTask", "Network",
    "OneOf", "Parameters", "Population", "Scaled", "Scripts", "TablePolicy", "Task", "Turned", "decode_task",
    "encode_task", "stack",
]  # fmt: skip
