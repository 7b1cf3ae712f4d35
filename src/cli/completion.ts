/**
 * `sepconv completion`: what a shell needs to complete commands, options and names of models.
 * @module
 */
import process from "node:process";
import type { Command } from "commander";
import { subcommand } from "./options.ts";
import { PRESETS } from "./presets.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const NOTES = `\
bash: add the line  source <(sepconv completion bash)  to ~/.bashrc
zsh:  write it as _sepconv into a folder of $fpath
fish: sepconv completion fish > ~/.config/fish/completions/sepconv.fish`;

/** Adds the subcommand to `program`; the last of all, as it lists them. */
export function completionCommand(program: Command): void {
  const command = subcommand(program, "completion", "completion for a shell", ["sepconv completion bash"], NOTES);
  const shell = command.createArgument("<SHELL>", "whose script to print").choices(SHELLS);
  command.addArgument(shell).action((name: Shell) => {
    process.stdout.write(WRITERS[name](entriesOf(program)));
  });
}

interface Entry {
  readonly name: string;
  readonly description: string;
  readonly options: readonly {
    readonly flag: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
}

function entriesOf(program: Command): Entry[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: command.options.map(({ long, description, argChoices }) => {
      return { flag: long ?? "", description, choices: argChoices ?? [] };
    }),
  }));
}

/** Inside of single quotes. */
const quoted = (text: string) => text.replaceAll("'", "'\\''");
/** The same in a specification of zsh, where brackets and colons mean something. */
const specified = (text: string) => quoted(text.replace(/[[\]:]/g, "\\$&"));

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ name, options }) => `    ${name}) options='${options.map(({ flag }) => flag).join(" ")}' ;;`,
  );
  const choices = entries.flatMap(({ name, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map((option) => `    '${name} ${option.flag}') choices='${option.choices.join(" ")}' ;;`),
  );
  return `# sepconv: completion for bash
_sepconv() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} options= choices=
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${entries.map(({ name }) => name).join(" ")} --help --version' -- "$current"))
    return
  fi
  case $command in
${cases.join("\n")}
  esac
  case "$command $before" in
${choices.join("\n")}
  esac
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options --help" -- "$current"))
  elif ((COMP_CWORD == 2)); then
    COMPREPLY=($(compgen -W '${PRESETS.join(" ")}' -- "$current") $(compgen -f -- "$current"))
  fi
}
complete -o default -o filenames -F _sepconv sepconv
`;
}

function zsh(entries: readonly Entry[]): string {
  const commands = entries.map(({ name, description }) => `    '${name}:${specified(description)}'`);
  const cases = entries.map(({ name, options }) => {
    const specs = options.map(({ flag, description, choices }) => {
      const values = choices.length > 0 ? `:value:(${choices.join(" ")})` : "";
      return `'${flag}[${specified(description)}]${values}'`;
    });
    return `    ${name}) _arguments ${[...specs, "'*:file:_files'"].join(" ")} ;;`;
  });
  return `#compdef sepconv
_sepconv() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join("\n")}
  esac
}
compdef _sepconv sepconv
`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ name, description, options }) => [
    `complete -c sepconv -n __fish_use_subcommand -a ${name} -d '${quoted(description)}'`,
    ...options.map(({ flag, description, choices }) => {
      const values = choices.length > 0 ? ` -x -a '${choices.join(" ")}'` : "";
      return `complete -c sepconv -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -d '${quoted(description)}'${values}`;
    }),
  ]);
  return `# sepconv: completion for fish\n${lines.join("\n")}\n`;
}

const WRITERS: Readonly<Record<Shell, (entries: readonly Entry[]) => string>> = { bash, zsh, fish };
