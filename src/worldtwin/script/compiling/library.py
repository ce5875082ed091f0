"""What the instructions of WebAssembly lack: pinned functions, Python's `//` and `%`, checked products.

Each text is one function; the branches are those of `exact.functions` (`sin_one` and so on), the formulas are traced.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Final

from worldtwin.exact.formulas import ATAN_STEPS, SMALL_TANH, TINY
from worldtwin.exact.functions import LARGEST_ANGLE
from worldtwin.script.compiling.inlining import with_inner
from worldtwin.script.compiling.layout import ATAN_AT, QUARTERS_AT
from worldtwin.script.compiling.tracing import formula_texts

_INNER: Final = ("ldexp", "exponent")
_SMALL: Final = 2.0**-400
_LARGE: Final = 2.0**400
"""Between these sizes no intermediate result of an angle is too small or too large: scaling would change no bit."""
_NEAR: Final = 0.75
"""An angle (but for zero, with its sign) of less than an eighth of a turn is its own rest: nothing is subtracted."""


def _turned(name: str, quarters: int) -> str:
    """The sine, or with a quarter of a turn more the cosine."""
    return f"""(func ${name} (param $x f64) (result f64)
        (local $count f64) (local $high f64) (local $low f64) (local $result f64) (local $turn i64)
        (if (i32.eqz (f64.le (f64.abs (local.get $x)) (f64.const {LARGEST_ANGLE.hex()}))) (then
            (return (f64.const nan))))
        (if (i32.and (f64.lt (f64.abs (local.get $x)) (f64.const {_NEAR.hex()})) (f64.ne (local.get $x) (f64.const 0)))
            (then (return (call ${name}_small (local.get $x)))))
        (local.set $count (f64.nearest (f64.mul (local.get $x) (f64.const {(2 / math.pi).hex()}))))
        (call $reduced (local.get $x) (local.get $count))
        (local.set $low)
        (local.set $high)
        (local.set $turn (i64.add (i64.const {quarters}) (i64.trunc_f64_s (local.get $count))))
        (if (i64.eqz (i64.and (local.get $turn) (i64.const 1)))
            (then (local.set $result (call $sin_near (local.get $high) (local.get $low))))
            (else (local.set $result (call $cos_near (local.get $high) (local.get $low)))))
        (if (i64.eqz (i64.and (local.get $turn) (i64.const 2))) (then (return (local.get $result))))
        (f64.neg (local.get $result)))"""


_TEXTS: Final[dict[str, str]] = {
    "ldexp": """(func $ldexp (param $y f64) (param $n i64) (result f64)
        (if (i64.gt_u (i64.add (local.get $n) (i64.const 1022)) (i64.const 2045)) (then
            (if (i64.gt_s (local.get $n) (i64.const 1023)) (then
                (local.set $y (f64.mul (local.get $y) (f64.const 0x1p1023)))
                (local.set $n (i64.sub (local.get $n) (i64.const 1023)))
                (if (i64.gt_s (local.get $n) (i64.const 1023)) (then
                    (local.set $y (f64.mul (local.get $y) (f64.const 0x1p1023)))
                    (local.set $n (i64.sub (local.get $n) (i64.const 1023)))
                    (if (i64.gt_s (local.get $n) (i64.const 1023)) (then (local.set $n (i64.const 1023))))))))
            (if (i64.lt_s (local.get $n) (i64.const -1022)) (then
                (local.set $y (f64.mul (local.get $y) (f64.const 0x1p-969)))
                (local.set $n (i64.add (local.get $n) (i64.const 969)))
                (if (i64.lt_s (local.get $n) (i64.const -1022)) (then
                    (local.set $y (f64.mul (local.get $y) (f64.const 0x1p-969)))
                    (local.set $n (i64.add (local.get $n) (i64.const 969)))
                    (if (i64.lt_s (local.get $n) (i64.const -1022)) (then (local.set $n (i64.const -1022))))))))))
        (f64.mul (local.get $y)
            (f64.reinterpret_i64 (i64.shl (i64.add (local.get $n) (i64.const 1023)) (i64.const 52)))))""",
    "exponent": """(func $exponent (param $x f64) (result i64) (local $bits i64)
        (local.set $bits
            (i64.and (i64.shr_u (i64.reinterpret_f64 (local.get $x)) (i64.const 52)) (i64.const 0x7ff)))
        (if (i32.eqz (i64.eqz (local.get $bits))) (then
            (return (i64.sub (local.get $bits) (i64.const 1022)))))
        (if (f64.eq (local.get $x) (f64.const 0)) (then (return (i64.const 0))))
        (i64.sub
            (i64.and (i64.const 0x7ff) (i64.shr_u
                (i64.reinterpret_f64 (f64.mul (local.get $x) (f64.const 0x1p64))) (i64.const 52)))
            (i64.const 1086)))""",
    "sin": _turned("sin", 0),
    "cos": _turned("cos", 1),
    "exp": f"""(func $exp (param $x f64) (result f64) (local $k f64)
        (if (f64.ne (local.get $x) (local.get $x)) (then (return (local.get $x))))
        (local.set $x (f64.min (f64.max (local.get $x) (f64.const -800)) (f64.const 800)))
        (local.set $k (f64.nearest (f64.mul (local.get $x) (f64.const {(1 / math.log(2)).hex()}))))
        (call $exp_parts (local.get $x) (local.get $k))
        (f64.add)
        (local.set $x)
        (call $ldexp (f64.add (f64.const 1) (local.get $x)) (i64.trunc_f64_s (local.get $k))))""",
    "log": f"""(func $log (param $x f64) (result f64) (local $e i64) (local $m f64)
        (if (f64.eq (local.get $x) (f64.const 0)) (then (return (f64.const -inf))))
        (if (i32.eqz (f64.gt (local.get $x) (f64.const 0))) (then (return (f64.const nan))))
        (if (f64.eq (local.get $x) (f64.const inf)) (then (return (local.get $x))))
        (local.set $e (call $exponent (local.get $x)))
        (local.set $m (call $ldexp (local.get $x) (i64.sub (i64.const 0) (local.get $e))))
        (if (f64.lt (local.get $m) (f64.const {math.sqrt(0.5).hex()})) (then
            (local.set $m (f64.mul (f64.const 2) (local.get $m)))
            (local.set $e (i64.sub (local.get $e) (i64.const 1)))))
        (call $log_parts (f64.sub (local.get $m) (f64.const 1)) (f64.convert_i64_s (local.get $e))))""",
    "tanh": f"""(func $tanh (param $x f64) (result f64) (local $d f64) (local $k f64) (local $high f64) (local $low f64)
        (if (f64.lt (f64.abs (local.get $x)) (f64.const {SMALL_TANH.hex()})) (then
            (return (call $tanh_small (local.get $x)))))
        (if (f64.ne (local.get $x) (local.get $x)) (then (return (local.get $x))))
        (local.set $d (f64.mul (f64.const 2) (f64.min (f64.abs (local.get $x)) (f64.const 22))))
        (local.set $k (f64.nearest (f64.mul (local.get $d) (f64.const {(1 / math.log(2)).hex()}))))
        (call $exp_parts (local.get $d) (local.get $k))
        (local.set $low)
        (local.set $high)
        (f64.copysign
            (call $tanh_large (local.get $high) (local.get $low)
                (call $ldexp (f64.const 1) (i64.trunc_f64_s (local.get $k))))
            (local.get $x)))""",
    "atan2": f"""(func $atan2 (param $y f64) (param $x f64) (result f64)
        (local $rise f64) (local $run f64) (local $steep i32) (local $left i32) (local $small f64) (local $large f64)
        (local $e i64) (local $a f64) (local $b f64) (local $high f64) (local $low f64)
        (local $at i32) (local $sign f64)
        (local.set $rise (f64.abs (local.get $y)))
        (local.set $run (f64.abs (local.get $x)))
        (if (i32.eqz (f64.lt (f64.add (local.get $rise) (local.get $run)) (f64.const inf))) (then
            (if (i32.or (f64.ne (local.get $rise) (local.get $rise)) (f64.ne (local.get $run) (local.get $run)))
                (then (return (f64.const nan))))
            (if (i32.or (f64.eq (local.get $rise) (f64.const inf)) (f64.eq (local.get $run) (f64.const inf))) (then
                (local.set $rise (f64.convert_i32_u (f64.eq (local.get $rise) (f64.const inf))))
                (local.set $run (f64.convert_i32_u (f64.eq (local.get $run) (f64.const inf))))))))
        (local.set $steep (f64.gt (local.get $rise) (local.get $run)))
        (local.set $left (i64.lt_s (i64.reinterpret_f64 (local.get $x)) (i64.const 0)))
        (local.set $small (f64.min (local.get $rise) (local.get $run)))
        (local.set $large (f64.max (local.get $rise) (local.get $run)))
        (local.set $a (local.get $small))
        (local.set $b (local.get $large))
        (if (i32.or (f64.lt (local.get $large) (f64.const {_SMALL.hex()}))
                (f64.gt (local.get $large) (f64.const {_LARGE.hex()}))) (then
            (if (f64.eq (local.get $large) (f64.const 0)) (then (local.set $large (f64.const 1))))
            (local.set $e (i64.sub (i64.const 0) (call $exponent (local.get $large))))
            (local.set $a (call $ldexp (local.get $small) (local.get $e)))
            (local.set $b (call $ldexp (local.get $large) (local.get $e)))))
        (local.set $high (f64.div (local.get $small) (local.get $large)))
        (if (f64.ge (local.get $a) (f64.mul (local.get $b) (f64.const {TINY.hex()}))) (then
            (local.set $at (i32.trunc_f64_s
                (f64.nearest (f64.mul (local.get $high) (f64.const {float(ATAN_STEPS).hex()})))))
            (call $atan_near (local.get $a) (local.get $b)
                (f64.mul (f64.convert_i32_s (local.get $at)) (f64.const {(1 / ATAN_STEPS).hex()}))
                (f64.load offset={ATAN_AT} (i32.shl (local.get $at) (i32.const 4)))
                (f64.load offset={ATAN_AT + 8} (i32.shl (local.get $at) (i32.const 4))))
            (local.set $low)
            (local.set $high)))
        (local.set $sign (f64.reinterpret_i64 (i64.or
            (i64.reinterpret_f64 (f64.const 1))
            (i64.shl (i64.extend_i32_u (i32.xor (local.get $steep) (local.get $left))) (i64.const 63)))))
        (local.set $at (i32.shl
            (select (i32.const 1) (i32.shl (local.get $left) (i32.const 1)) (local.get $steep)) (i32.const 4)))
        (f64.copysign
            (call $joined
                (f64.load offset={QUARTERS_AT} (local.get $at)) (f64.load offset={QUARTERS_AT + 8} (local.get $at))
                (f64.mul (local.get $sign) (local.get $high)) (f64.mul (local.get $sign) (local.get $low)))
            (local.get $y)))""",
    "fmod": """(func $fmod (param $x f64) (param $y f64) (result f64)
        (local $ex i64) (local $ey i64) (local $mx i64) (local $my i64) (local $d i64) (local $s i64)
        (if (i32.eqz (f64.lt (f64.abs (local.get $x)) (f64.const inf))) (then (return (f64.const nan))))
        (if (f64.ne (local.get $y) (local.get $y)) (then (return (f64.const nan))))
        (if (f64.lt (f64.abs (local.get $x)) (f64.abs (local.get $y))) (then (return (local.get $x))))
        (local.set $ex (call $exponent (local.get $x)))
        (local.set $ey (call $exponent (local.get $y)))
        (local.set $mx (i64.trunc_f64_s
            (call $ldexp (f64.abs (local.get $x)) (i64.sub (i64.const 53) (local.get $ex)))))
        (local.set $my (i64.trunc_f64_s
            (call $ldexp (f64.abs (local.get $y)) (i64.sub (i64.const 53) (local.get $ey)))))
        (local.set $d (i64.sub (local.get $ex) (local.get $ey)))
        (loop $more
            (local.set $mx (i64.rem_u (local.get $mx) (local.get $my)))
            (if (i64.gt_s (local.get $d) (i64.const 0)) (then
                (local.set $s
                    (select (local.get $d) (i64.const 11) (i64.lt_s (local.get $d) (i64.const 11))))
                (local.set $mx (i64.shl (local.get $mx) (local.get $s)))
                (local.set $d (i64.sub (local.get $d) (local.get $s)))
                (br $more))))
        (f64.copysign
            (call $ldexp (f64.convert_i64_s (local.get $mx)) (i64.sub (local.get $ey) (i64.const 53)))
            (local.get $x)))""",
    "remainder": """(func $remainder (param $x f64) (param $y f64) (result f64) (local $m f64)
        (local.set $m (call $fmod (local.get $x) (local.get $y)))
        (if (f64.eq (local.get $m) (f64.const 0)) (then
            (return (f64.copysign (f64.const 0) (local.get $y)))))
        (if (i32.ne (f64.lt (local.get $y) (f64.const 0)) (f64.lt (local.get $m) (f64.const 0))) (then
            (return (f64.add (local.get $m) (local.get $y)))))
        (local.get $m))""",
    "quotient": """(func $quotient (param $x f64) (param $y f64) (result f64) (local $m f64) (local $d f64)
        (local $floor f64)
        (local.set $m (call $fmod (local.get $x) (local.get $y)))
        (local.set $d (f64.div (f64.sub (local.get $x) (local.get $m)) (local.get $y)))
        (if (f64.ne (local.get $m) (f64.const 0)) (then
            (if (i32.ne (f64.lt (local.get $y) (f64.const 0)) (f64.lt (local.get $m) (f64.const 0))) (then
                (local.set $d (f64.sub (local.get $d) (f64.const 1)))))))
        (if (f64.eq (local.get $d) (f64.const 0)) (then
            (return (f64.copysign (f64.const 0) (f64.div (local.get $x) (local.get $y))))))
        (local.set $floor (f64.floor (local.get $d)))
        (if (f64.gt (f64.sub (local.get $d) (local.get $floor)) (f64.const 0.5)) (then
            (return (f64.add (local.get $floor) (f64.const 1)))))
        (local.get $floor))""",
    "divide": """(func $divide (param $a i64) (param $b i64) (result i64) (local $q i64) (local $r i64)
        (local.set $q (i64.div_s (local.get $a) (local.get $b)))
        (local.set $r (i64.sub (local.get $a) (i64.mul (local.get $q) (local.get $b))))
        (i64.sub (local.get $q) (i64.extend_i32_u (i32.and
            (i64.ne (local.get $r) (i64.const 0))
            (i64.lt_s (i64.xor (local.get $r) (local.get $b)) (i64.const 0))))))""",
    "modulo": """(func $modulo (param $a i64) (param $b i64) (result i64) (local $r i64)
        (local.set $r (i64.rem_s (local.get $a) (local.get $b)))
        (i64.add (local.get $r) (select (local.get $b) (i64.const 0) (i32.and
            (i64.ne (local.get $r) (i64.const 0))
            (i64.lt_s (i64.xor (local.get $r) (local.get $b)) (i64.const 0))))))""",
    "multiply": """(func $multiply (param $a i64) (param $b i64) (param $line i32) (result i64) (local $c i64)
        (local.set $c (i64.mul (local.get $a) (local.get $b)))
        (if (i64.eqz (i64.shr_u (i64.or
                (i64.xor (local.get $a) (i64.shr_s (local.get $a) (i64.const 63)))
                (i64.xor (local.get $b) (i64.shr_s (local.get $b) (i64.const 63)))) (i64.const 31)))
            (then (return (local.get $c))))
        (if (i64.eqz (local.get $a)) (then (return (local.get $c))))
        (if (i32.and (i64.eq (local.get $a) (i64.const -1))
                (i64.eq (local.get $b) (i64.const 0x8000000000000000)))
            (then (global.set $line (local.get $line)) (return (local.get $c))))
        (if (i64.eq (local.get $a) (i64.const -1)) (then (return (local.get $c))))
        (if (i64.ne (i64.div_s (local.get $c) (local.get $a)) (local.get $b))
            (then (global.set $line (local.get $line))))
        (local.get $c))""",
}


@cache
def texts() -> dict[str, str]:
    """Every function of the library, by name."""
    inner = {**formula_texts(), **{name: _TEXTS[name] for name in _INNER}}
    return {name: with_inner(text, inner) for name, text in _TEXTS.items() if name not in _INNER}


@cache
def leaves() -> frozenset[str]:
    """The functions of the library that call no other one."""
    return frozenset(name for name, text in texts().items() if "(call $" not in text)


def needed(names: set[str]) -> list[str]:
    """The texts of these functions and of those that they call, in the library's order."""
    known, found, left = texts(), set[str](), set(names)
    while left:
        name = left.pop()
        found.add(name)
        left |= set(re.findall(r"\(call \$(\w+)", known[name])) - found
    return [text for name, text in known.items() if name in found]
