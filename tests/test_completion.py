"""The scripts by which shells complete the commands."""

import shutil
import subprocess

import pytest

from orchestration.arguments import parser
from orchestration.completion import script

ASK = """
eval "$SCRIPT"
COMP_WORDS=({words}); COMP_CWORD={at}; _comeback; echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("comeback st", "status"),
        ("comeback -v st", "status"),
        ("comeback run --a", "--as-of --accept-removals"),
        ("comeback --debug erase --u", "--user"),
        ("comeback source ne", "new"),
        ("comeback --vers", "--version"),
    ],
)
def test_bash_completes_commands_and_the_options_of_each(typed, completed):
    text = ASK.format(words=typed, at=len(typed.split()) - 1)
    said = subprocess.check_output(
        ["bash", "-c", text], text=True, env={"SCRIPT": script(parser(), "bash")}
    )
    assert said.strip() == completed


def test_fish_is_told_every_command_with_its_summary_and_options():
    lines = script(parser(), "fish").splitlines()
    assert "complete -c comeback -n '__fish_seen_subcommand_from run' -l as-of" in lines
    assert "complete -c comeback -n '__fish_seen_subcommand_from source' -a new" in lines
    summary = "learn challengers and promote those that are better"
    assert f"complete -c comeback -n __fish_use_subcommand -a train -d '{summary}'" in lines
    if shell := shutil.which("fish"):
        subprocess.run([shell, "--no-execute"], input="\n".join(lines), text=True, check=True)


def test_zsh_takes_the_script_of_bash():
    text = script(parser(), "zsh")
    assert "bashcompinit" in text.splitlines()[0]
    assert text.endswith(script(parser(), "bash"))
