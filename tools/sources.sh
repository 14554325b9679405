#!/bin/sh
# Prints every C++ file that is ours, for the formatter and the linter.
set -eu
cd "$(dirname "$0")/.."
git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' | sort
