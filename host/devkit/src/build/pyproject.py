"""Prints the name and the dependencies of a pyproject.toml in JSON."""

import json
import sys
import tomllib

try:
    with open(sys.argv[1], "rb") as file:
        project = tomllib.load(file).get("project", {})
except tomllib.TOMLDecodeError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
print(json.dumps({"name": project.get("name"), "dependencies": project.get("dependencies", [])}))
