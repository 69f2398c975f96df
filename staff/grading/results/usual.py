"""What code on arrays takes of NumPy, of Python and of its library; all else is worth a look.

What is left out loads or saves, runs text or another's function for each number, shows the inside
of Python, is a module itself, or makes numbers of another kind.
"""

from __future__ import annotations

import builtins

_NUMPY = """
abs absolute acos acosh add all allclose alltrue amax amin any append apply_along_axis
apply_over_axes arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
argpartition argsort argwhere around array array2string array_equal array_equiv array_repr
array_split array_str asanyarray asarray asarray_chkfinite ascontiguousarray asfarray asfortranarray
asin asinh asmatrix astype atan atan2 atanh atleast_1d atleast_2d atleast_3d average bincount
bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or
bitwise_right_shift bitwise_xor block bool bool_ broadcast broadcast_arrays broadcast_shapes
broadcast_to byte c_ can_cast cbrt ceil choose clip column_stack common_type compress concat
concatenate conj conjugate convolve copy copysign copyto corrcoef correlate cos cosh count_nonzero
cov cross cumprod cumproduct cumsum cumulative_prod cumulative_sum deg2rad degrees delete diag
diag_indices diag_indices_from diagflat diagonal diff digitize divide divmod dot double dsplit
dstack dtype e ediff1d einsum einsum_path empty empty_like equal errstate euler_gamma exp exp2
expand_dims expm1 extract eye fabs fill_diagonal finfo fix flatiter flatnonzero flip fliplr flipud
float float16 float32 float64 float_ float_power floating floor floor_divide fmax fmin fmod
format_float_positional format_float_scientific fromfunction fromiter full full_like gcd generic
geomspace gradient greater greater_equal half heaviside histogram histogram2d histogram_bin_edges
histogramdd hsplit hstack hypot identity iinfo in1d index_exp indices inexact inf infty inner insert
int int16 int32 int64 int8 int_ intc integer interp intersect1d intp invert isclose iscomplex
iscomplexobj isdtype isfinite isfortran isin isinf isnan isneginf isposinf isreal isrealobj isscalar
issubdtype iterable ix_ kron lcm left_shift less less_equal lexsort linspace log log10 log1p log2
logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logspace mat mask_indices matmul
matrix matrix_transpose matvec max maximum may_share_memory mean median meshgrid mgrid min
min_scalar_type minimum mod modf moveaxis msort multiply nan nan_to_num nanargmax nanargmin
nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum
nanvar ndarray ndenumerate ndim ndindex nditer negative newaxis nextafter nonzero not_equal number
object ogrid ones ones_like outer packbits pad partition percentile permute_dims pi piecewise place
positive pow power printoptions prod product promote_types ptp put put_along_axis putmask quantile
r_ rad2deg radians ravel ravel_multi_index real real_if_close reciprocal remainder repeat require
reshape resize result_type right_shift rint roll rollaxis rot90 round round_ row_stack s_
searchsorted select set_printoptions setdiff1d seterr setxor1d shape shares_memory short sign
signbit signedinteger sin sinc single sinh size sometrue sort spacing split sqrt square squeeze
stack std str_ subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose
trapezoid trapz tri tril tril_indices tril_indices_from trim_zeros triu triu_indices
triu_indices_from true_divide trunc ubyte ufunc uint uint16 uint32 uint64 uint8 uintc uintp union1d
unique unique_all unique_counts unique_inverse unique_values unpackbits unravel_index
unsignedinteger unstack ushort vander var vdot vecdot vecmat vectorize vsplit vstack where zeros
zeros_like False_ Inf Infinity NAN NINF NaN PINF True_ __version__
"""
_LINALG = """
LinAlgError cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul matrix_norm
matrix_power matrix_rank matrix_transpose multi_dot norm outer pinv qr slogdet solve svd svdvals
tensordot tensorinv tensorsolve trace vecdot vector_norm
"""
_RANDOM = """
Generator MT19937 PCG64 PCG64DXSM Philox RandomState SFC64 SeedSequence beta binomial chisquare
choice default_rng dirichlet exponential f gamma geometric get_state gumbel hypergeometric laplace
logistic lognormal logseries multinomial multivariate_normal negative_binomial noncentral_chisquare
noncentral_f normal pareto permutation poisson power rand randint randn random random_integers
random_sample ranf rayleigh sample seed set_state shuffle standard_cauchy standard_exponential
standard_gamma standard_normal standard_t triangular uniform vonmises wald weibull zipf
"""
_FFT = """
fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft rfft2
rfftfreq rfftn
"""
_MATH = """
acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp
exp2 expm1 fabs factorial floor fmod fsum gamma gcd hypot inf isclose isfinite isinf isnan lcm
lgamma log log10 log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt
sumprod tan tanh tau trunc ulp
"""
_BUILTINS = """
abs all any ascii bin bool callable classmethod dict dir divmod enumerate exit filter float format
frozenset hasattr hash hex id input int isinstance issubclass iter len list map max min next object
oct pow print property quit range repr reversed round set slice sorted staticmethod str sum super
tuple type zip Ellipsis NotImplemented __debug__ __doc__ __name__
"""
_ITERTOOLS = """
accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile
filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest
"""
_TYPING = """
Annotated Any Callable ClassVar Collection DefaultDict Dict Final Generic Hashable Iterable Iterator
List Literal Mapping MutableMapping NamedTuple NoReturn Optional OrderedDict Protocol Self Sequence
Set Sized TYPE_CHECKING Tuple Type TypeAlias TypeVar TypedDict Union cast overload
"""
_ABC = """
Callable Collection Container Generator Hashable Iterable Iterator Mapping MutableMapping
MutableSequence MutableSet Sequence Set Sized
"""

USUAL: dict[str, frozenset[str]] = {  # by module; those of older editions are the last four
    module: frozenset(names.split())
    for module, names in {
        "__future__": "absolute_import annotations division print_function unicode_literals",
        "numpy": _NUMPY,
        "numpy.linalg": _LINALG,
        "numpy.random": _RANDOM,
        "numpy.fft": _FFT,
        "numpy.char": "add array join lower mod multiply replace strip upper zfill",
        "numpy.typing": "ArrayLike DTypeLike NDArray",
        "numpy.lib": "",
        "numpy.lib.stride_tricks": "as_strided sliding_window_view",
        "math": _MATH,
        "itertools": _ITERTOOLS,
        "functools": "cache cached_property lru_cache partial reduce update_wrapper wraps",
        "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
        "collections.abc": _ABC,
        "typing": _TYPING,
        "enum": "Enum IntEnum StrEnum auto",
        "dataclasses": "asdict astuple dataclass field fields replace",
        "copy": "copy deepcopy",
        "time": "monotonic perf_counter process_time sleep strftime time",
        "random": "Random choice choices gauss normalvariate random randint randrange sample seed "
        "shuffle uniform",
        "warnings": "filterwarnings simplefilter warn",
        "builtins": _BUILTINS,
        "past.builtins": "xrange",
        "six.moves": "filter map range reduce xrange zip",
        "past": "",
        "six": "",
    }.items()
}
USUAL["builtins"] |= {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception)
}
