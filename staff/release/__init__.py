"""Cut the student release from the reference, and prove that it holds no answer and works.

``python -m staff release`` cuts and ``python -m staff prove`` proves. `files` says what students
get, `regions` and `books` turn the reference into stubs and back, `variant` applies what a course
changes, `leaks` searches the finished tree for solutions, `self_study` adds them for people who
learn alone, and `build` makes the zip.
"""
