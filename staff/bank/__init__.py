"""The bank of bugs: answers that students write, wrong ones and right ones in unusual shape."""
