"""The typed tree of a checked script: what every evaluator walks, and what a compiler reads.

There is one checker and there are several evaluators; all that a script can mean is in these values. A category's
value is its index and a set is a bit mask here, as in the lattice. Every node carries the line it came from.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias

from msgspec import Struct


class Kind(Enum):
    """What a value is: the three numbers of the language, a category's value, a set of names."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    NAME = "name"
    NAMES = "names"


class Type(Struct, frozen=True):
    """The static type of a value: its kind, the names it may take, and, for a fixed array, the length (else 0)."""

    kind: Kind
    values: tuple[str, ...] = ()
    length: int = 0

    def __str__(self) -> str:
        """The type in the words of an error message."""
        word = {Kind.NAME: "name", Kind.NAMES: "set of names"}.get(self.kind, self.kind.value)
        return f"an array of {self.length} {word}s" if self.length else f"{'an' if word == 'int' else 'a'} {word}"

    @property
    def element(self) -> Type:
        """The type of one element of an array."""
        return Type(self.kind, self.values)


BOOL: Final = Type(Kind.BOOL)
INT: Final = Type(Kind.INT)
FLOAT: Final = Type(Kind.FLOAT)

LEAST: Final = -(2**63)
MOST: Final = 2**63 - 1
EXACT: Final = 2**53
"""The largest size of an int that every float can hold: beyond it an int does not become a float."""

Arithmetic: TypeAlias = Literal["+", "-", "*", "/", "//", "%"]
Comparison: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]
FunctionName: TypeAlias = Literal[
    "abs", "min", "max", "floor", "ceil", "round", "sqrt", "sin", "cos", "atan2", "exp", "log", "tanh"
]


class Constant(Struct, frozen=True, kw_only=True):
    """A number, a truth value, or the index of a name."""

    type: Type
    line: int
    value: bool | int | float


class Read(Struct, frozen=True, kw_only=True):
    """A field of a record: of the state, the memory, the parameters (record `param`) or the bare names (record "")."""

    type: Type
    line: int
    record: str
    field: str


class Local(Struct, frozen=True, kw_only=True):
    """The variable in `slot` of the function."""

    type: Type
    line: int
    slot: int


class Array(Struct, frozen=True, kw_only=True):
    """A new array of these elements, all of them repeated so many `times`."""

    type: Type
    line: int
    elements: tuple[Node, ...]
    times: int = 1


class Element(Struct, frozen=True, kw_only=True):
    """One element of an array; an index below zero counts from the end, one outside traps."""

    type: Type
    line: int
    array: Node
    index: Node


class Negate(Struct, frozen=True, kw_only=True):
    """`-operand` of an int (which traps at -2^63) or a float."""

    type: Type
    line: int
    operand: Node


class Not(Struct, frozen=True, kw_only=True):
    """`not operand` of a truth value."""

    type: Type
    line: int
    operand: Node


class Binary(Struct, frozen=True, kw_only=True):
    """Arithmetic on two ints or two floats, with Python's `//` and `%`; `/` is of floats only."""

    type: Type
    line: int
    operator: Arithmetic
    left: Node
    right: Node


class Power(Struct, frozen=True, kw_only=True):
    """`base` multiplied by itself from the left, `exponent` factors in all (0 gives one)."""

    type: Type
    line: int
    base: Node
    exponent: int


class Compare(Struct, frozen=True, kw_only=True):
    """A chain of comparisons of operands of one type; it stops at the first that does not hold."""

    type: Type
    line: int
    operators: tuple[Comparison, ...]
    operands: tuple[Node, ...]


class Logic(Struct, frozen=True, kw_only=True):
    """`and` or `or` of truth values, from the left, stopping where the answer is known."""

    type: Type
    line: int
    operator: Literal["and", "or"]
    operands: tuple[Node, ...]


class Choose(Struct, frozen=True, kw_only=True):
    """`body if test else orelse`: only the chosen one is evaluated."""

    type: Type
    line: int
    test: Node
    body: Node
    orelse: Node


class Convert(Struct, frozen=True, kw_only=True):
    """The operand as another kind: int to float traps beyond 2^53, float to int (towards zero) outside of 64 bits."""

    type: Type
    line: int
    operand: Node


class Recode(Struct, frozen=True, kw_only=True):
    """A name's index under other values: `table[index]`, where -1 stands for a name the other does not have.

    A `strict` recoding traps there.
    """

    type: Type
    line: int
    operand: Node
    table: tuple[int, ...]
    strict: bool


class Member(Struct, frozen=True, kw_only=True):
    """Whether a set of names has the name with index `item`; an index of -1 is in no set."""

    type: Type
    line: int
    item: Node
    names: Node


class Among(Struct, frozen=True, kw_only=True):
    """Whether an int or a name's index is one of `choices`."""

    type: Type
    line: int
    operand: Node
    choices: tuple[int, ...]


class Call(Struct, frozen=True, kw_only=True):
    """A function of the language; `min` and `max` take two or more, `floor`, `ceil`, `round` make a float an int."""

    type: Type
    line: int
    function: FunctionName
    operands: tuple[Node, ...]


class Invoke(Struct, frozen=True, kw_only=True):
    """A call of function number `function` of the program."""

    type: Type
    line: int
    function: int
    operands: tuple[Node, ...]


Node: TypeAlias = (
    Constant
    | Read
    | Local
    | Array
    | Element
    | Negate
    | Not
    | Binary
    | Power
    | Compare
    | Logic
    | Choose
    | Convert
    | Recode
    | Member
    | Among
    | Call
    | Invoke
)


class Assign(Struct, frozen=True, kw_only=True):
    """Put a value into a local variable."""

    line: int
    slot: int
    value: Node


class Store(Struct, frozen=True, kw_only=True):
    """Put a value into an element of an array."""

    line: int
    array: Node
    index: Node
    value: Node


class Remember(Struct, frozen=True, kw_only=True):
    """Put a value into a field of the memory."""

    line: int
    field: str
    value: Node


class If(Struct, frozen=True, kw_only=True):
    """The body when the test holds, else the other one."""

    line: int
    test: Node
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...]


class While(Struct, frozen=True, kw_only=True):
    """The body again and again while the test holds."""

    line: int
    test: Node
    body: tuple[Statement, ...]


class For(Struct, frozen=True, kw_only=True):
    """The body for each value of `range(start, stop, step)`; assigning to the variable does not change the count."""

    line: int
    slot: int
    start: Node
    stop: Node
    step: int
    body: tuple[Statement, ...]


class Break(Struct, frozen=True, kw_only=True):
    """Leave the innermost loop."""

    line: int


class Continue(Struct, frozen=True, kw_only=True):
    """Go on with the innermost loop's next round."""

    line: int


class Return(Struct, frozen=True, kw_only=True):
    """Leave the function with these values: one, or as many as the action has fields."""

    line: int
    values: tuple[Node, ...]


Statement: TypeAlias = Assign | Store | Remember | If | While | For | Break | Continue | Return


class Function(Struct, frozen=True, kw_only=True):
    """A function: the first `arguments` of its `slots` are its arguments; `results` are the types it returns."""

    name: str
    line: int
    arguments: int
    slots: tuple[Type, ...]
    results: tuple[Type, ...]
    body: tuple[Statement, ...]


class Tree(Struct, frozen=True, kw_only=True):
    """A program: functions in an order in which each calls only earlier ones; the last one is where it starts."""

    functions: tuple[Function, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The nodes that `node` is made of, in order of evaluation."""
    match node:
        case Constant() | Read() | Local():
            return ()
        case Array():
            return node.elements
        case Element():
            return (node.array, node.index)
        case Negate() | Not() | Convert() | Recode() | Among():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Power():
            return (node.base,)
        case Compare() | Logic() | Call() | Invoke():
            return node.operands
        case Choose():
            return (node.test, node.body, node.orelse)
        case Member():
            return (node.item, node.names)
