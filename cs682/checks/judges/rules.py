"""Checks of the update rules: whole trajectories, number by number."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.checks.compare import EXACT, CheckError, compare, kind_of, with_more
from cs682.checks.mistakes import rules as rule_mistakes
from cs682.checks.report import Report, unpack
from cs682.checks.stack import student_frames
from cs682.checks.subject import Subject
from cs682.checks.within import Line

if TYPE_CHECKING:
    from collections.abc import Callable

Config = dict[str, Any]

# A step is at least 1e-3 long here; where epsilon stands changes it by less than this.
_STEP_FLOOR = 1e-6
_BIG_EPSILON = 0.5


def _check_rule(
    s: Subject,
    r: Report,
    name: str,
    state: Config,
    settings: tuple[Config, Config],
    hint: Callable[[Any], str] = lambda w: "",
) -> None:
    """Hold a rule against its definition; say so if it goes on from an earlier call's state."""
    try:
        _follow_rule(s, r, name, state, settings, hint)
    except CheckError as error:
        if not _goes_on(getattr(s, name)):
            raise
        said = str(error).partition(" Likely cause: ")[0]
        cause = (
            "two calls with the same w and dw, and config=None, take different steps: something is "
            "kept from call to call, which all parameters share. Each has a config of its own: "
            f"keep {' and '.join(state)} there"
        )
        raise CheckError(with_more(said, f"Likely cause: {cause}")) from None


def _goes_on(rule: Any) -> bool:
    """Tell whether a first step is another one after a first step."""
    try:
        first, again = (rule(np.ones((3, 4)), np.full((3, 4), 0.5), None)[0] for _ in range(2))
        return not np.array_equal(first, again, equal_nan=True)
    except Exception:  # the student's own: the check has said what it found
        return False


def _follow_rule(
    s: Subject,
    r: Report,
    name: str,
    state: Config,
    settings: tuple[Config, Config],
    hint: Callable[[Any], str],
) -> None:
    """Follow a rule over four steps from an empty config, with default and other settings."""
    rule = getattr(s, name)
    rng = np.random.default_rng(682)
    w0 = rng.standard_normal((3, 4))
    dws = rng.uniform(0.5, 2, (4, 3, 4)) * rng.choice([-1, 1], (4, 3, 4))
    defaults, others = settings
    for given in ({}, others):
        start = {**state, **defaults, **given}
        want, wrong = rule_mistakes.follow(name, w0, dws, start)
        config: Any = dict(given) if given else None
        w, before = w0, {k: np.full(w0.shape, v) for k, v in state.items()}
        for n, dw in enumerate(dws):
            result = r.watch(name, rule, w, dw, config)
            w, config = unpack(name, result, ("next_w", "config"))
            where = f"after step {n + 1}" + (f" with {given}" if given else "")
            causes = {cause: history[n] for cause, history in wrong.items()}
            _check_settings(name, config, defaults, given, where)
            _check_state(config, state, want[n], causes, before, where, _is_right(w, want[n]))
            known = {
                cause: values["next_w"]
                for cause, values in causes.items()
                if all(np.allclose(values[key], want[n][key]) for key in state)
            }
            compare(
                "next_w",
                w,
                want[n]["next_w"],
                rtol=1e-7,
                atol=_STEP_FLOOR,
                where=where,
                hint=hint(w),
                causes=known,
            )
            before = want[n]
    r.ok("four steps from an empty config, with default and with other settings")
    _, first = rule(np.ones(3), np.full(3, 0.5), None)
    kept = {key: np.copy(first[key]) for key in state}
    rule(np.ones(3), np.full(3, -2.0), None)
    if any(not np.array_equal(first[key], kept[key]) for key in kept):
        raise CheckError(
            f"the config of one parameter changed when another took its step: {name} must return "
            "the config that it was given, or a new one"
        )
    single = np.float32(0.5) * np.ones(3, dtype=np.float32)
    out, _ = rule(single, single.copy(), {"learning_rate": np.float64(0.1)})
    r.keeps_float32(name, {"next_w": out})


def _is_right(w: Any, want: dict[str, Any]) -> bool:
    """Tell whether a step ends where it should, whatever it leaves in the config."""
    is_step = isinstance(w, np.ndarray) and w.shape == want["next_w"].shape
    return is_step and bool(np.allclose(w, want["next_w"], rtol=1e-7, atol=_STEP_FLOOR))


def _check_settings(name: str, config: Any, defaults: Config, given: Config, where: str) -> None:
    """Check that the rule left the hyper-parameters in its config alone."""
    if not isinstance(config, dict):
        raise CheckError(f"{name} returned {kind_of(config)} as config, expected a dict")
    for key, value in {**defaults, **given}.items():
        found = config.get(key, None if key in given else value)
        if found is None:
            raise CheckError(f"config[{key!r}] is missing {where}: the next step needs it again")
        if np.ndim(found) or found != value:
            origin = "it was given as" if key in given else "its default is"
            raise CheckError(
                f"config[{key!r}] is {_say(found)} {where}, {origin} {value!r}: {name} reads its "
                "settings and changes its state alone"
            )


def _say(value: Any) -> str:
    """Write a setting as it is, or say of what kind it is if it is no number or text."""
    return repr(value) if isinstance(value, (bool, int, float, str, np.number)) else kind_of(value)


def _check_state(
    config: Any,
    state: Config,
    want: dict[str, Any],
    causes: dict[str, dict[str, Any]],
    before: dict[str, Any],
    where: str,
    is_right: bool,
) -> None:
    """Check that the rule stored its new state in the config; `is_right` tells of its step."""
    apart = "next_w is right, but " if is_right else ""
    for key in state:
        entry = f"config[{key!r}]"
        if not isinstance(config, dict) or key not in config:
            raise CheckError(f"{entry} is missing {where}: the rule must store its state there")
        index = (0, 0) if key == "t" else ...  # t is one number for the whole parameter
        unchanged = f"{entry} did not change; the rule must store its new value"
        known = {cause: values[key][index] for cause, values in causes.items()}
        known = {apart + cause: v for cause, v in (known | {unchanged: before[key][index]}).items()}
        if key != "t":
            known["this is next_w: the step was written into the stored array"] = want["next_w"]
        hint = f"{apart}the next step needs another value than this one" if apart else ""
        hint = "t counts the steps: it grows by one each time" if key == "t" else hint
        compare(
            entry, config[key], want[key][index], rtol=EXACT, where=where, hint=hint, causes=known
        )
        # what would have shown in this part of the state is not the cause of what comes
        causes = {c: v for c, v in causes.items() if np.allclose(v[key], want[key], rtol=1e-9)}


def check_sgd_momentum(s: Subject, r: Report) -> None:
    """Hold `sgd_momentum` against the definition."""
    settings = {"learning_rate": 1e-2, "momentum": 0.9}, {"learning_rate": 0.3, "momentum": 0.5}
    _check_rule(s, r, "sgd_momentum", {"velocity": 0.0}, settings)


def check_rmsprop(s: Subject, r: Report) -> None:
    """Hold `rmsprop` against the definition."""
    settings = (
        {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
        {"learning_rate": 0.1, "decay_rate": 0.6},
    )
    state = {"cache": 0.0}
    _check_rule(s, r, "rmsprop", state, settings)
    _check_epsilon(s, r, "rmsprop", {**state, **settings[0]})


def check_adam(s: Subject, r: Report) -> None:
    """Hold `adam` against the definition."""
    settings = (
        {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        {"learning_rate": 0.1, "beta1": 0.6, "beta2": 0.8},
    )
    state = {"t": 0, "m": 0.0, "v": 0.0}
    first = {**settings[0], "t": 0, "m": 0.0, "v": 1.0, "learning_rate": 0.1}
    want = rule_mistakes.step("adam", 1.0, -0.5, first)
    _check_rule(s, r, "adam", state, settings, lambda w: _hint_at_adam(s.adam, w, want))
    _check_epsilon(s, r, "adam", {**state, **settings[0]})


def _hint_at_adam(adam: Any, w: Any, first: float) -> str:
    """Return what may be wrong where Adam's step is; `first` is where a first one leads from 1."""
    if _takes_old_count(adam, first):
        return "t must be increased before it is used"
    if _is_finite(w):
        return (
            "t, m and v in config are right: what is off is the step that is made of them, in "
            "which each moment is corrected with its own beta**t"
        )
    if root := _find_root(adam):
        return f"what stands under this root is negative: {root}"
    return "m and v in config are right; a root of something negative, or a division by 0"


def _find_root(adam: Any) -> str:
    """Return as it is written the first root of something negative in two steps of Adam."""
    w, config = np.ones(3), None
    try:
        with np.errstate(all="ignore", invalid="raise"):
            for dw in np.full((2, 3), -0.5):  # a root of m has something negative, too
                w, config = adam(w, dw, config)
    except FloatingPointError as error:
        rows = student_frames(error) if "in sqrt" in str(error) else []
        lines = [Line(row.frame, row.number) for _, row in rows]
        roots = [(line, node) for line in lines for node in line.find(ast.Call)]
        said = [line.quote(node) for line, node in roots if ast.unparse(node.func) == "np.sqrt"]
        return said[0] if len(said) == 1 else ""
    except Exception:  # the student's own: the check says what it found
        return ""
    return ""


def _is_finite(w: Any) -> bool:
    return not isinstance(w, np.ndarray) or w.dtype.kind != "f" or bool(np.isfinite(w).all())


def _takes_old_count(adam: Any, first: float) -> bool:
    """Tell whether a step from t = 1 is what one from t = 0 should be."""
    config = {"t": 1, "m": np.zeros(3), "v": np.ones(3), "learning_rate": 0.1}
    try:
        return bool(np.allclose(adam(np.ones(3), np.full(3, -0.5), config)[0], first, 0, 1e-7))
    except Exception:  # the student's own: the check says what it found
        return False


def _check_epsilon(s: Subject, r: Report, name: str, config: Config) -> None:
    """Check what a gradient of 0 does; advise if epsilon is not added to the root, as told."""
    still, _ = unpack(name, getattr(s, name)(np.ones(3), np.zeros(3), None), ("next_w", "config"))
    hint = "this is 0 / 0; epsilon below the fraction line is there to prevent it"
    compare("next_w", still, np.ones(3), rtol=EXACT, where="for a gradient of 0", hint=hint)
    r.ok("a gradient of 0, as of a unit that ReLU switched off, leaves w where it is")
    big = {"learning_rate": 0.1, "epsilon": _BIG_EPSILON}
    want = rule_mistakes.step(name, 1.0, 0.2, {**config, **big})
    out, _ = getattr(s, name)(np.ones(1), np.full(1, 0.2), dict(big))
    if abs(float(out[0]) - want) > 1e-9:
        r.advise(
            f"{name}: config['epsilon'] is added to the square root; here it is left out, "
            "hard-coded, or stands elsewhere"
        )
