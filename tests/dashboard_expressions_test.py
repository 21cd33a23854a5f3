#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/dashboard_expressions.py and evaluate_expressions together: a dashboard's or a rule file's way to an answer, or
to what is wrong. INFERSCOPE_EVALUATE names the latter."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools" / "dashboard_expressions.py"
DASHBOARD = {
    "templating": {"list": [
        {"name": "model", "type": "query", "query": {"query": "label_values(up{job=\"engines\"}, model_name)"}},
        {"name": "worst", "type": "query", "query": "query_result(topk(3, queue_length))"},
        {"name": "window", "type": "interval", "query": "1m,5m"},
        {"name": "quantile", "type": "custom", "current": {"value": ["0.95"]}, "query": "0.5,0.95"},
    ]},
    "panels": [{
        "targets": [
            {"expr": "sum by (le) (\n  rate(ttft_bucket{model_name=~\"$model\"}[$__rate_interval])  # of all\n)"},
            {"expr": "histogram_quantile($quantile, rate(ttft_bucket{model_name=\"${model:regex}\"}[$window]))"},
            {"expr": "label_replace(up offset $back, \"host\", \"$1\", \"instance\", \"(.*):.*\")"},
            {"expr": ""},
        ],
        "panels": [{"targets": [{"expr": "topk($n, increase(tokens_total[$__range]))"}]}],
    }],
}
EXPECTED = [
    'up{job="engines"}',
    "topk(3, queue_length)",
    'sum by (le) ( rate(ttft_bucket{model_name=~".+"}[5m]) )',
    'histogram_quantile(0.95, rate(ttft_bucket{model_name="x"}[5m]))',
    'label_replace(up offset 5m, "host", "$1", "instance", "(.*):.*")',
    "topk(5, increase(tokens_total[1h]))",
]
RULES = """
groups:
- name: engines
  rules:
  - {alert: Down, expr: up == 0, for: 1m}
  - record: tokens:rate5m
    expr: |
      sum by (model_name) (
        rate(tokens_total[5m])
      )
  - {alert: DownForLong, expr: up == 0, for: 1h}
"""


class DashboardExpressions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def expressions(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return subprocess.run([sys.executable, TOOL, path], check=True, capture_output=True, text=True).stdout

    @staticmethod
    def evaluate(expressions):
        return subprocess.run([os.environ["INFERSCOPE_EVALUATE"]], input=expressions, capture_output=True, text=True)

    def test_dashboard_with_variables(self):
        found = self.expressions("dashboard.json", json.dumps(DASHBOARD))
        self.assertEqual(found.splitlines(), EXPECTED)
        answer = self.evaluate(found)
        self.assertEqual(answer.returncode, 0, answer.stdout)
        self.assertIn("Prometheus 3: 6 expressions, 0 failed", answer.stdout)
        self.assertIn("compat 2: 6 expressions, 0 failed", answer.stdout)

    def test_dashboard_in_a_config_map(self):
        config_map = json.dumps({"kind": "ConfigMap", "data": {"engines.json": json.dumps(DASHBOARD)}})
        self.assertEqual(self.expressions("map.yaml", config_map).splitlines(), EXPECTED)

    def test_rules_each_expression_once(self):
        self.assertEqual(self.expressions("rules.yaml", RULES).splitlines(),
                         ["up == 0", "sum by (model_name) ( rate(tokens_total[5m]) )"])

    def test_what_fails_is_named(self):
        answer = self.evaluate("up\nsum(up\nfirst_over_time(up[5m])\n")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("Prometheus 3: 1:7: unclosed left parenthesis\n    sum(up\n", answer.stdout)
        self.assertIn("Prometheus 3: 3 expressions, 1 failed", answer.stdout)
        self.assertIn("compat 2: 3 expressions, 2 failed", answer.stdout)


if __name__ == "__main__":
    unittest.main()
