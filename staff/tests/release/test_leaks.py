"""The search of a finished tree: each kind of leak is found, and each line of each solution."""

from __future__ import annotations

import base64
import dataclasses
import json
import py_compile
import re
import zlib

import pytest

from staff.release.leaks import PUBLIC, find_leaks, plain, secrets

NOTEBOOK = "notebooks/Dropout.ipynb"
LEAK = "dx = (dout @ w.T).reshape(x.shape)"
SAID = f"a solution line of fc-1.2: {LEAK}"


@pytest.fixture(scope="module")
def lines(reference):
    return secrets(reference.all_regions(), reference.answers())


@pytest.fixture
def tree(release):
    return {path: data for path, data in release.files.items() if path != "MANIFEST.json"}


def edit_cell(data, change):
    """Give a notebook's bytes with its third code cell changed."""
    book = json.loads(data)
    cell = [cell for cell in book["cells"] if cell["cell_type"] == "code"][2]
    change(cell)
    return json.dumps(book, indent=1).encode(), cell["id"]


def test_find_leaks_finds_nothing_in_the_release(tree, lines):
    assert find_leaks(tree, lines) == []


def test_every_solution_line_would_be_found_in_a_document(tree, lines):
    for line, name in lines.items():
        said = name.partition(": ")[2]

        assert f"README.md:3: {name}" in find_leaks({"README.md": f"a\n\n{said}\n".encode()}, lines)
        assert plain(said) == line


def test_every_exercise_and_answer_has_lines_to_look_for(reference, lines):
    said = "\n".join(lines.values())

    for region in reference.all_regions():
        assert f"a solution line of {region.exercise}: " in said, region.exercise
    assert said.count("a line of a written answer") >= 60


@pytest.mark.parametrize(
    "text",
    [
        LEAK,
        f"# {LEAK}",
        f'print("{LEAK}")',
        f"if x:\n        {LEAK}  # (N, D)",
        "dx = (\n    dout @ w.T\n).reshape(x.shape)".replace("(\n", "("),
        "dx=(dout@w.T).reshape( x.shape )",
    ],
)
@pytest.mark.parametrize("path", ["README.md", "Makefile", "tests/nbval_sanitize.cfg"])
def test_find_leaks_finds_a_line_however_it_is_written(lines, path, text):
    faults = find_leaks({path: f"first\n{text}\n".encode()}, lines)

    assert [fault.split(": ", 1)[1] for fault in faults] == [SAID]
    assert faults[0].startswith((f"{path}:2: ", f"{path}:3: "))


def test_find_leaks_finds_a_line_in_any_encoding(lines):
    assert f"README.md:1: {SAID}" in find_leaks({"README.md": LEAK.encode("utf-16")}, lines)
    latin = f"na\xefve\n{LEAK}".encode("latin-1")
    assert f"README.md:2: {SAID}" in find_leaks({"README.md": latin}, lines)
    packed = base64.b64encode(f"some text {LEAK}".encode())
    assert f"README.md:1: {SAID}" in find_leaks({"README.md": b"x " + packed}, lines)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c["source"].append(f"\n{LEAK}"), SAID),
        (
            lambda c: c.update(
                outputs=[{"output_type": "stream", "name": "stdout", "text": [LEAK]}]
            ),
            SAID,
        ),
        (lambda c: c.update(execution_count=1), "has outputs or an execution count"),
        (lambda c: c["metadata"].update(tags=[LEAK]), SAID),
        (lambda c: c["metadata"].update(note=LEAK), SAID),
        (lambda c: c["metadata"].update(note="x"), "has metadata ['note']"),
        (lambda c: c["source"].append("\n# BEGIN SOLUTION\nx = 1\n# END SOLUTION"), "no exercise"),
        (lambda c: c["source"].append("\n)"), "does not parse"),
    ],
)
def test_find_leaks_finds_faults_of_a_cell(tree, lines, change, fault):
    data, cell = edit_cell(tree[NOTEBOOK], change)

    faults = find_leaks({NOTEBOOK: data}, lines)

    assert any(f.startswith(f"{NOTEBOOK}, cell {cell}:") and fault in f for f in faults), faults


def test_find_leaks_finds_an_attachment_and_what_is_in_it(tree, lines):
    book = json.loads(tree[NOTEBOOK])
    inside = base64.b64encode(LEAK.encode()).decode()
    book["cells"][0]["attachments"] = {"a.txt": {"text/plain": inside}}

    faults = find_leaks({NOTEBOOK: json.dumps(book).encode()}, lines)

    assert f"{NOTEBOOK}, cell title:1: {SAID}" in faults
    assert f"{NOTEBOOK}, cell title:1: has attachments ['a.txt']" in faults


def test_find_leaks_finds_an_answer_that_stayed(tree, lines, reference):
    book = json.loads(tree[NOTEBOOK])
    cell = next(c for c in book["cells"] if c["metadata"].get("tags") == ["answer"])
    cell["source"] = [reference.answers()[0]]

    faults = find_leaks({NOTEBOOK: json.dumps(book).encode()}, lines)

    assert f"{NOTEBOOK}, cell {cell['id']}:1: an answer is filled in" in faults
    assert any("a line of a written answer" in fault for fault in faults)


def test_find_leaks_refuses_a_region_that_stayed(source, lines):
    faults = find_leaks({"cs682/optim.py": source.files["cs682/optim.py"]}, lines)

    assert sum("a marked region was left" in fault for fault in faults) == 3
    assert any(
        re.match(r"cs682/optim\.py:\d+: a solution line of fc-4\.1: ", fault) for fault in faults
    )


def test_find_leaks_refuses_a_compiled_file(source, lines, tmp_path):
    (tmp_path / "layers.py").write_bytes(source.files["cs682/layers.py"])
    compiled = py_compile.compile(str(tmp_path / "layers.py"), cfile=str(tmp_path / "x.pyc"))
    data = (tmp_path / compiled).read_bytes()

    for path in ("cs682/__pycache__/layers.pyc", "cs682/fast.py", "docs/notation.md"):
        assert any("a compiled file?" in fault for fault in find_leaks({path: data}, lines))


@pytest.mark.parametrize(
    "path",
    [
        "staff/release/build.py",
        "benchmarks/run.py",
        "cs682/__pycache__/layers.cpython-311.pyc",
        "notebooks/best_model.npz",
        "notebooks/.ipynb_checkpoints/Dropout-checkpoint.ipynb",
        ".DS_Store",
        "CONTRIBUTING.md",
        "cs682/layers.py.orig",
    ],
)
def test_find_leaks_refuses_what_is_not_on_the_list(path):
    assert f"{path}:1: is not on the list of what students get" in find_leaks({path: b""}, {})


def chunk(kind, data):
    """Give one part of a PNG file."""
    body = kind + data
    return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


PICTURE = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"x")
END = chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (PICTURE + END, None),
        (PICTURE + END + b"more", "has bytes behind its end"),
        (PICTURE, "has bytes behind its end"),
        (PICTURE + chunk(b"tEXt", b"hello") + END, "has a part b'tEXt' that shows nothing"),
        (b"GIF89a", "is no PNG picture"),
    ],
)
def test_find_leaks_lets_a_picture_hold_pixels_only(data, fault):
    faults = [f for f in find_leaks({"docs/x.png": data}, {}) if "on the list" not in f]

    assert faults == ([f"docs/x.png:1: {fault}"] if fault else [])


# --- what is too small to be a leak


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("return dx, dw, db", False),
        ("x_hat, inv_std, gamma = cache", False),
        ("W1, W2 = self.params['W1'], self.params['W2']", False),
        ("params = {}", False),
        ("return out, (x, w, b)", False),
        ("mean = 0", False),
        ("batch_size=200,", False),
        ("f(rate=2e-3)", True),
        ("dw = rows.T @ dout", True),
        ("t = config['t'] + 1", True),
        ("db = dout.sum(axis=0)", True),
        ("rate = {'learning_rate': 2e-3}", True),
        ("if x > y: pass", True),
        ("loss += penalty", True),
        ("return -x", True),
        ("keep = 0.8", True),
    ],
)
def test_a_line_counts_if_it_computes(reference, line, counts):
    region = next(reference.all_regions())
    made = dataclasses.replace(region, original=f"# BEGIN\n{line}\nout = x\n# END\n")

    assert list(secrets([made], [])) == [plain(line)] * counts


def test_the_only_line_of_a_solution_counts_in_any_case(reference):
    region = next(reference.all_regions())
    made = dataclasses.replace(region, original="# BEGIN\nreturn x, (p, None)\n# END\n")

    assert list(secrets([made], [])) == [plain("return x, (p, None)")]


def test_public_lines_are_in_solutions_and_in_what_is_given(reference, release):
    solutions = plain("".join(region.solution for region in reference.all_regions()))
    texts = [
        data.decode() for path, data in release.files.items() if not path.endswith((".png", ".npz"))
    ]
    given = plain("\n".join(texts))

    for line in PUBLIC:
        assert plain(line) in solutions, line
        assert plain(line) in given, line
