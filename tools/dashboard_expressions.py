#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the PromQL expressions of Grafana dashboards (JSON) and of Prometheus's rules (YAML; PrometheusRule and
ConfigMaps with dashboards in them, too), each once, one a line, with Grafana's variables replaced:
`dashboard_expressions.py FILE... | evaluate_expressions`. What is replaced by what: docs/promql.md."""
import json
import pathlib
import re
import sys

import yaml

BUILT_IN = {
    "__interval": "1m", "__interval_ms": "60000", "__rate_interval": "5m", "__range": "1h", "__range_s": "3600",
    "__range_ms": "3600000", "interval": "5m", "resolution": "5m",
}
VARIABLE = re.compile(r"\$\{(\w+)(?::[^}]*)?\}|\[\[(\w+)\]\]|\$(\w+)")
COMMENT = re.compile(r"(^|\s)#[^\"'`]*$")
# What stands before a variable, and what then stands for it.
PLACES = [
    (re.compile(r"[=!]~\s*[\"'`][^\"'`]*$"), ".+"),
    (re.compile(r"\[[^\]]*$|offset\s+-?$"), "5m"),
    (re.compile(r"(topk|bottomk|quantile)\s*\(\s*$"), "5"),
]
QUERY_OF_VARIABLE = re.compile(r"\s*(?:query_result\((?P<all>.*)\)|label_values\((?P<series>.*),\s*\w+\s*\))\s*$", re.DOTALL)


def query_of(variable):
    """The expression that fills a variable's list, if it is one."""
    query = variable.get("query")
    if isinstance(query, dict):
        query = query.get("query")
    match = QUERY_OF_VARIABLE.match(query) if isinstance(query, str) else None
    return match and (match["all"] or match["series"])


def default_of(variable):
    """What a variable that doesn't depend on data stands for at first."""
    if variable.get("type") == "interval":
        return "5m"
    if variable.get("type") not in ("custom", "constant", "textbox"):
        return None
    value = variable.get("current", {}).get("value")
    value = value[0] if isinstance(value, list) and value else value
    return str(value) if value and value != "$__all" else None


def collect(node, expressions, variables):
    """Both are filled; a dashboard as text inside of a ConfigMap is one of its own."""
    if isinstance(node, list):
        for item in node:
            collect(item, expressions, variables)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "expr" and isinstance(value, str):
            expressions.append((value, variables))
        elif key == "templating" and isinstance(value, dict):
            for variable in value.get("list", []):
                variables[variable.get("name")] = default_of(variable)
                if query := query_of(variable):
                    expressions.append((query, variables))
        elif str(key).endswith(".json") and isinstance(value, str):
            collect(json.loads(value), expressions, {})
        else:
            collect(value, expressions, variables)


def replace_variables(expression, variables):
    def replace(match):
        name = next(group for group in match.groups() if group)
        if name.isdigit():  # of label_replace
            return match.group()
        value = BUILT_IN.get(name) or variables.get(name)
        if value:
            return value
        before = expression[:match.start()]
        return next((text for place, text in PLACES if place.search(before)), "x")

    return VARIABLE.sub(replace, expression)


def in_one_line(expression):
    return " ".join(" ".join(COMMENT.sub("", line) for line in expression.splitlines()).split())


def expressions_in(path):
    text = path.read_text(encoding="utf-8")
    documents = [json.loads(text)] if path.suffix == ".json" else list(yaml.safe_load_all(text))
    found = []
    for document in documents:
        collect(document, found, {})
    return [in_one_line(replace_variables(expression, variables)) for expression, variables in found]


def main():
    seen = dict.fromkeys(expression for name in sys.argv[1:] for expression in expressions_in(pathlib.Path(name)))
    seen.pop("", None)
    print("\n".join(seen))


if __name__ == "__main__":
    main()
