#!/bin/sh
cd "$(dirname "$0")/.." && PATH="$PWD/.venv/bin:$PATH" && exec python3 -m cs682 data "$@"
