"""The bank: answers that students write, wrong ones and right ones in unusual shape.

`README.md` says how to add one; ``python -m staff bank`` judges them.
"""
