"""What a shell needs to complete the command line.

Belongs here: the scripts, made from the parser. Not here: the commands and options (`arguments`).
"""

import argparse

from orchestration.parsers import commands_of

_BASH = """\
_comeback() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" words="{commands} {options}" each
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$each" in
{cases}
        *) continue ;;
        esac
        break
    done
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -o bashdefault -F _comeback comeback"""
_ZSH = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell: `bash`, `zsh` or `fish`."""
    return _fish(parser) if shell == "fish" else (_ZSH if shell == "zsh" else "") + _bash(parser)


def _bash(parser: argparse.ArgumentParser) -> str:
    cases = [
        f'        {name}) words="{" ".join([*commands_of(each), *_options(each)])}" ;;'
        for name, each in commands_of(parser).items()
    ]
    return _BASH.format(
        commands=" ".join(commands_of(parser)),
        options=" ".join(_options(parser)),
        cases="\n".join(cases),
    )


def _fish(parser: argparse.ArgumentParser) -> str:
    commands = commands_of(parser)
    summaries = {each.dest: each.help or "" for each in _choices(parser)}
    lines = []
    for name, each in commands.items():
        summary = summaries[name].replace("'", "\\'")
        lines.append(f"complete -c comeback -n __fish_use_subcommand -a {name} -d '{summary}'")
        within = f"complete -c comeback -n '__fish_seen_subcommand_from {name}'"
        lines += [f"{within} -a {further}" for further in commands_of(each)]
        lines += [f"{within} -l {option.removeprefix('--')}" for option in _options(each)]
    return "\n".join(lines)


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [each for each in parser._option_string_actions if each.startswith("--")]


def _choices(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._subparsers._group_actions[0]._choices_actions
