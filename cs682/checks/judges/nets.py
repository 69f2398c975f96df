"""Checks of the two networks and of the sandwiches they are made of."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, NUMERIC, CheckError, compare
from cs682.checks.exercises import EXERCISES
from cs682.checks.judges.convolution import when_new
from cs682.checks.judges.net_caches import check_caches, is_way_back_right, keeps, say_form
from cs682.checks.judges.net_init import parameter_shapes
from cs682.checks.mistakes import nets as net_mistakes
from cs682.checks.names import place_of
from cs682.checks.report import KEPT, Report, require_names, unpack
from cs682.checks.subject import Subject

# A numeric gradient of a loss around 3 is good to about 1e-10; normalization layers amplify that.
FLOOR = 1e-7
# After so many passes running statistics are those of the batch: 0.5^40 is 1e-12.
MOMENTUM, PASSES = np.float64(0.5), 40


def make_batch(N: int, dims: tuple[int, ...], C: int) -> tuple[Any, Any]:
    """Return inputs of mixed sign and labels that name every kind of class."""
    rng = np.random.default_rng(682)
    return rng.standard_normal((N, *dims)), np.arange(N) * 2 % C


def generic(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of the same shapes and of no special value: no zero bias, no unit gamma."""
    rng = np.random.default_rng(231)
    return {name: 0.5 * rng.standard_normal(value.shape) + 0.1 for name, value in params.items()}


def _two_layer(s: Subject, reg: float = 0.0) -> tuple[Any, dict[str, Any]]:
    """Return a two-layer net with generic parameters, and these."""
    net = s.net("TwoLayerNet", input_dim=6, hidden_dim=8, num_classes=5, reg=reg)
    params = generic({k: np.zeros(v) for k, v in parameter_shapes([6, 8, 5], None).items()})
    s.set_params(net, params)
    return net, params


def check_two_layer_scores(s: Subject, r: Report) -> None:
    """Hold the scores of `TwoLayerNet` against the definition, with hidden units on and off."""
    net, params = _two_layer(s)
    for N, dims in ((4, (6,)), (1, (2, 3))):
        check_scores(s, net, params, make_batch(N, dims, 5)[0])
    _check_caches(s, net, params)
    r.ok("scores with hidden units on both sides of zero, for flat and for image-shaped input")


def _check_caches(s: Subject, net: Any, params: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Check the caches of a plain network; return the batch, and its slopes."""
    X, y = make_batch(5, (6,), 5)
    inputs, slopes = net_mistakes.layer_inputs(params, X), slow.net_slopes(params, X, y)
    check_caches(s, net, X, y, slopes, {f"layer {i}": keeps(v) for i, v in enumerate(inputs, 1)})
    return X, y, slopes


def check_scores(
    s: Subject,
    net: Any,
    params: dict[str, Any],
    X: Any,
    where: str = "",
    mistakes: Any = net_mistakes,
    **options: Any,
) -> None:
    """Compare scores with the definition, again for another X, and for other parameters.

    `mistakes` is the module whose ``scores`` gives what likely mistakes give; `options` go there,
    and to the definition.
    """
    where = f"{where}for X of shape {X.shape}"
    earlier: Any = ()
    for batch in (X, 0.5 - X):
        want = slow.net_scores(params, batch, **options)
        causes = {**mistakes.scores(params, batch, **options), KEPT: earlier}
        compare("scores", s.loss(net, batch), want, rtol=EXACT, where=where, causes=causes)
        earlier = want
    changed = {name: value[::-1] + 0.3 for name, value in params.items()}
    s.set_params(net, changed)
    causes = {
        "these are the scores of its earlier parameters; read self.params in each call": earlier
    }
    where += " after a change of the parameters"
    want = slow.net_scores(changed, batch, **options)
    compare("scores", s.loss(net, batch), want, rtol=EXACT, where=where, causes=causes)
    s.set_params(net, params)


def check_loss(
    s: Subject,
    net: Any,
    params: dict[str, Any],
    X: Any,
    y: Any,
    reg: float,
    *,
    around: str = "",
    hint: str = "",
    way_back: str = "the loss is right, its way back is not",
    more_causes: dict[str, float] | None = None,
    **options: Any,
) -> None:
    """Compare a network's loss and all gradients with the definition and its slopes.

    `around` is said before the circumstances; `hint` goes with the loss, `way_back` with the
    gradients. The same is asked twice, then with other labels; with a reg, then with another batch
    and with another reg.
    """
    want = slow.net_loss(params, X, y, reg, **options)
    slopes = slow.net_slopes(params, X, y, reg, **options)
    causes = {**net_mistakes.loss(params, X, y, reg, **options), **(more_causes or {})}
    mistaken = {}
    if len(params) == 4 and not options:
        skipped = net_mistakes.without_relu_back(params, X, y, reg)
        mistaken["the way back skips the ReLU; dout must stop where a unit was off"] = skipped
    for call in ("", ", in a second call"):
        loss, grads = unpack("loss", s.loss(net, X, y), ("loss", "grads"))
        where = f"{around}for reg = {reg}{call}"
        said = hint or _penalty_hint(s, net, X, y, loss, want, params, reg)
        compare("loss", loss, want, rtol=EXACT, where=where, hint=said, causes=causes)
        _check_gradients(grads, slopes, params, reg, where, way_back, mistaken)
        now = s.get_params(net)
        require_names("params", now, params)
        for name, value in now.items():
            if not np.array_equal(value, params[name]):
                raise CheckError(
                    f"params[{name!r}] changed while the loss was computed; loss only computes, "
                    "it is the solver that takes the steps"
                )
    others = (y + 1) % 5
    loss, _ = unpack("loss", s.loss(net, X, others), ("loss", "grads"))
    where = f"{around}for reg = {reg} and other labels"
    again = slow.net_loss(params, X, others, reg, **options)
    compare("loss", loss, again, rtol=EXACT, where=where, causes={KEPT: want})
    if not reg:  # whether there is a penalty at all is seen with reg alone
        return
    if not options.get("masks"):  # which are those of this batch
        with when_new(_ANOTHER, _EARLIER):
            _check_another_batch(s, net, params, 0.5 - X[1:], others[1:], reg, around, **options)
    s.set_reg(net, reg + 1)
    loss, grads = unpack("loss", s.loss(net, X, y), ("loss", "grads"))
    where = f"{around}after reg was changed from {reg} to {reg + 1}"
    causes = {"this goes with the earlier reg; read self.reg in each call": want}
    compare("loss", loss, want + slow.penalty(params, 1), rtol=EXACT, where=where, causes=causes)
    higher = slow.with_penalty(slopes, params, 1)
    _check_gradients(grads, higher, params, reg + 1, where, "self.reg is read in each call")
    s.set_reg(net, reg)


_ANOTHER = "a batch of another size, which the same network gets"
_EARLIER = "nothing may come from an earlier call, neither its caches nor the size of its batch"


def _check_another_batch(
    s: Subject, net: Any, params: Any, X: Any, y: Any, reg: float, around: str, **options: Any
) -> None:
    """Compare loss and gradients for a batch that comes after others."""
    loss, grads = unpack("loss", s.loss(net, X, y), ("loss", "grads"))
    where = f"{around}for another X, of shape {X.shape}"
    want = slow.net_loss(params, X, y, reg, **options)
    compare("loss", loss, want, rtol=EXACT, where=where)
    slopes = slow.net_slopes(params, X, y, reg, **options)
    _check_gradients(grads, slopes, params, reg, where, "the calls before were right")


def _penalty_hint(
    s: Subject, net: Any, X: Any, y: Any, loss: Any, want: float, params: Any, reg: float
) -> str:
    """Say how far the penalty is off, if the loss is right without it; asks the network that."""
    penalty = slow.penalty(params, reg)
    if not penalty:
        return "reg is 0 here, so the loss is what softmax_loss gives for the scores, and no more"
    if not isinstance(loss, (float, np.floating)):
        return ""
    if abs(float(loss) - want) <= 1e-9 * abs(want):
        return ""
    try:
        s.set_reg(net, 0.0)
        plain = float(s.loss(net, X, y)[0])
    except Exception:  # the student's own: nothing is known then
        return ""
    finally:
        s.set_reg(net, reg)
    if not abs(plain - (want - penalty)) <= 1e-8 * abs(want):
        return "with reg = 0 this loss is wrong too: the penalty is not all that is off"
    return (
        f"with reg = 0 the loss is right; 0.5 * reg * sum(W**2) over all weights is {penalty:.6g} "
        f"here, and this loss holds {penalty + float(loss) - want:.6g} of it"
    )


def _check_gradients(
    grads: Any,
    slopes: dict[str, Any],
    params: dict[str, Any],
    reg: float,
    where: str,
    hint: str,
    mistaken: dict[str, dict[str, Any]] | None = None,
) -> None:
    """Compare all gradients with the slopes of the definition; `mistaken` is by cause and name."""
    require_names("grads", grads, slopes)
    right = [name for name, slope in slopes.items() if _is_close(grads[name], slope)]
    if 0 < len(right) < len(slopes):
        hint = f"{hint}; the gradients of {', '.join(sorted(right))} are right"
    for name, slope in slopes.items():
        causes = net_mistakes.gradient(name, slope, params[name], reg)
        causes |= {cause: values[name] for cause, values in (mistaken or {}).items()}
        causes |= {f"this is the gradient of {k}": v for k, v in slopes.items() if k != name}
        compare(
            f"grads[{name!r}]",
            grads[name],
            slope,
            rtol=NUMERIC,
            atol=FLOOR,
            where=where,
            hint=hint,
            causes=causes,
        )


def _is_close(got: Any, slope: Any) -> bool:
    """Tell whether a gradient is right."""
    is_array = type(got) is np.ndarray and got.shape == slope.shape and got.dtype.kind == "f"
    return is_array and bool(np.allclose(got, slope, rtol=1e-5, atol=FLOOR))


def check_two_layer_loss(s: Subject, r: Report) -> None:
    """Hold loss and gradients of `TwoLayerNet` against the definition and its slopes."""
    for reg, dims in ((0.0, (6,)), (0.7, (2, 3))):
        X, y = make_batch(4, dims, 5)
        net, params = _two_layer(s, reg)
        check_loss(s, net, params, X, y, reg)
    r.ok("loss and all gradients, without and with the penalty, twice in a row")
    r.ok("biases stay out of the penalty; another reg, other labels; parameters stay as they are")


def make_net(
    s: Subject,
    hidden: list[int],
    normalization: str | None,
    reg: float = 0.0,
    input_dim: int = 6,
    **options: Any,
) -> tuple[Any, dict[str, Any]]:
    """Return a float64 network with 5 classes and its generic parameters."""
    net = s.net(
        "FullyConnectedNet",
        hidden,
        input_dim=input_dim,
        num_classes=5,
        normalization=normalization,
        reg=reg,
        dtype=np.float64,
        **options,
    )
    shapes = parameter_shapes([input_dim, *hidden, 5], normalization)
    params = generic({name: np.zeros(shape) for name, shape in shapes.items()})
    s.set_params(net, params)
    return net, params


_DEPTHS = ([6], [5, 7], [5, 6, 4, 3])  # hidden widths of nets with 2, 3 and 5 layers


def _deep_net(s: Subject, reg: float = 0.0) -> tuple[Any, dict[str, Any]]:
    """Return a net of 12 layers of equal widths, and parameters that keep its units awake."""
    net, params = make_net(s, [5] * 11, None, reg, input_dim=5)
    params = {k: v if k[0] == "W" else np.abs(v) + 0.2 for k, v in params.items()}
    s.set_params(net, params)
    return net, params


def check_net_forward(s: Subject, r: Report) -> None:
    """Hold the scores of plain networks of several depths against the definition."""
    for hidden in _DEPTHS:
        net, params = make_net(s, hidden, None)
        for N, dims in ((4, (6,)), (1, (2, 3))):
            where = f"with {len(hidden) + 1} layers "
            check_scores(s, net, params, make_batch(N, dims, 5)[0], where)
        X, y, slopes = _check_caches(s, net, params)
        _require_own_options(s, net, X, len(hidden))
    said = say_form(s, net, net_mistakes.layer_inputs(params, X), X)
    if said and not is_way_back_right(s, net, X, y, slopes):
        r.advise(f"{said}, and the way back has to read what you return")
    _advise_of_options(s, r)
    r.ok("scores with 2, 3 and 5 layers, for flat and for image-shaped input")
    net, params = _deep_net(s)
    X, _ = make_batch(3, (5,), 5)
    want, causes = slow.net_scores(params, X), {_BY_TEXT: net_mistakes.by_text(params, X)}
    where = "with 12 layers"
    compare("scores", s.loss(net, X), want, rtol=EXACT, where=where, hint=_DEEP, causes=causes)
    r.ok("scores with 12 layers: W10 comes after W9")


def _require_own_options(s: Subject, net: Any, X: Any, hidden_layers: int) -> None:
    """Refuse a network whose hidden layers share options: without normalization all are alike."""
    asked = sorted({*s.layers_asked_for(net, X)})
    if asked and asked != [*range(1, hidden_layers + 1)]:
        raise CheckError(
            f"of {hidden_layers} hidden layers, self._hidden_options(i) is asked for those of i = "
            f"{', '.join(map(str, asked))} alone: each layer has options of its own. Here they are "
            "alike; with a normalization they hold its gamma, beta and running statistics"
        )


def _advise_of_options(s: Subject, r: Report) -> None:
    """Advise if a hidden layer does not hear that there is a normalization, open or not."""
    X, _ = make_batch(4, (6,), 5)
    try:
        net, params = make_net(s, [5, 7], "layernorm")
        plain = slow.net_scores({k: v for k, v in params.items() if len(k) == 2}, X)
        scores = s.loss(net, X)
    except ValueError as refused:
        if not str(refused).startswith("normalization"):  # by its name: one that is none
            return
        said = f"stops ({refused})"
    except Exception:  # a stub, or the layer's own: they are exercises that come later
        return
    else:
        if np.shape(scores) != plain.shape or not np.allclose(scores, plain):
            return
        said = "gives the scores of one without"
    r.advise(
        f"a network with normalization='layernorm' {said}: a hidden layer hears of it through "
        "**self._hidden_options(i), as keyword arguments"
    )


_DEEP = "with fewer layers it is right; do all of the layers from 10 on take part?"
_BY_TEXT = "the layers are taken in the order of their names as text, W10 before W2"


def _tell_form(error: Exception, said: str) -> None:
    """Have what a way back raised tell what is odd about the caches that it was given."""
    if said and not isinstance(error, (CheckError, NotImplementedError)):
        said = f"{said}: look at {place_of(EXERCISES['fc-3.2'])}"
        error.likely = said  # type: ignore[attr-defined]  # read where it is told


def check_net_loss(s: Subject, r: Report) -> None:
    """Hold loss and gradients of plain networks against the definition and its slopes."""
    for hidden, (reg, dims) in product(_DEPTHS, ((0.0, (6,)), (0.7, (2, 3)))):
        X, y = make_batch(3, dims, 5)
        net, params = make_net(s, hidden, None, reg)
        inputs = net_mistakes.layer_inputs(params, X)
        try:
            check_loss(s, net, params, X, y, reg)
        except Exception as error:
            _tell_form(error, say_form(s, net, inputs, X))
            raise
    r.ok("loss and all gradients with 2, 3 and 5 layers, without and with the penalty, twice")
    r.ok("biases stay out of the penalty; another reg, other labels; parameters stay as they are")
    X, y = make_batch(2, (5,), 5)
    net, params = _deep_net(s, 0.7)
    check_loss(s, net, params, X, y, 0.7, around="with 12 layers ", hint=_DEEP, way_back=_DEEP)
    r.ok("loss and all gradients with 12 layers: W10 comes after W9")
    net = s.net("FullyConnectedNet", [5, 7], input_dim=6, num_classes=5, reg=0.5)
    _, grads = unpack("loss", s.loss(net, *make_batch(3, (6,), 5)), ("loss", "grads"))
    r.keeps_float32("the way back of a float32 network", grads)
