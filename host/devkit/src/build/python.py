"""Makes a component of app.py. Run in the project's folder, with the file to write as its argument."""

import os
import re
import sys

# Componentize-py would add its own stack to every mistake in the program.
os.environ["RUST_BACKTRACE"] = "0"

try:
    import componentize_py
except ImportError:
    sys.exit("componentize-py is not installed: add componentize-py==0.25.1 to requirements.txt")

paths = [argument for folder in (".", "vendor") if os.path.isdir(folder) for argument in ("-p", folder)]
sys.argv = ["componentize-py", "-q", "-d", "wit", "componentize", *paths, "app", "-o", sys.argv[1]]
try:
    status = componentize_py.script()
except AssertionError as error:
    # What went wrong, and then once more what caused it.
    message = str(error).split("\n\nCaused by:")[0].strip()
    missing = re.search(r"module 'app' has no attribute '(\w+)'", message)
    if missing:
        hook = "on_session" if missing[1] == "Sessions" else f"on_{missing[1].lower()}"
        message += f": wit/world.wit exports it, so the plugin needs the method `{hook}`, or app.py a class of that name"
    sys.exit(message)
sys.exit(status)
