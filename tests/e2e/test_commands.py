# SPDX-License-Identifier: Apache-2.0
"""The command line: what is said, and which exit status, when there is nothing to run."""
import pathlib
import subprocess
import tempfile
import unittest

from harness import BINARY


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60, check=False)


class UnknownCommands(unittest.TestCase):
    def test_the_word_and_the_known_commands_are_named(self):
        typed = run("serv", "--listen", ":0")
        self.assertEqual(typed.returncode, 2)
        self.assertEqual(typed.stderr, "inferscope: unknown command 'serv': there is serve, exporter, simulate, check, tsdb, query\n")
        self.assertEqual(run("check", "rules", "x.yml").stderr, "check: unknown command 'rules': there is config, mapping\n")

    def test_other_mistakes_are_explained_as_before(self):
        for arguments, part in (((), "subcommand is required"), (("--nonsense",), "subcommand is required"),
                                (("serve", "--nonsense"), "--nonsense"), (("serve", "now"), "now")):
            wrong = run(*arguments)
            self.assertEqual(wrong.returncode, 2, arguments)
            self.assertIn(part, wrong.stderr)
        self.assertEqual(run("--help").returncode, 0)


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, kind, text):
        file = self.folder / "file.yml"
        file.write_text(text)
        return run("check", kind, str(file))

    def test_files_that_a_configuration_names_are_looked_at(self):
        config = "mapping: {file: mine.yaml}\n" \
                 "scrape_configs: [{job_name: a, file_sd_configs: [{files: ['targets/*.json']}]}]\n"
        checked = self.check("config", config)
        self.assertEqual(checked.returncode, 1)
        self.assertRegex(checked.stdout, rf"file\.yml:1:17: mapping: file: {self.folder}/mine\.yaml: can't be opened: No such file")
        self.assertRegex(checked.stdout, r"warning: .*file\.yml:2:59: file_sd_configs entry: files: '.*/targets/\*\.json' matches no file")
        (self.folder / "mine.yaml").touch()
        checked = self.check("config", config)
        self.assertEqual((checked.returncode, checked.stdout.count("warning")), (0, 1))

    def test_an_empty_mapping_is_refused_with_what_to_do(self):
        for text in ("", "---\n", "gpustack_metrics: {}\n"):
            checked = self.check("mapping", text)
            self.assertEqual(checked.returncode, 1, text)
            self.assertRegex(checked.stdout, r"file\.yml.*GET /metrics/default-config")

    def test_a_folder_that_cannot_be_written_is_said_at_the_start(self):
        (self.folder / "file").touch()
        started = run("serve", "--listen", "127.0.0.1:0", "--sources", "none", "--storage.path", str(self.folder / "file"))
        self.assertEqual(started.returncode, 1)
        self.assertRegex(started.stderr, rf"--storage\.path {self.folder}/file: can't be written: Not a directory; name a folder")


if __name__ == "__main__":
    unittest.main()
