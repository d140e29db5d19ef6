package main

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/internal/starter"
)

// tasks are the configurations that init writes: tasks/NAME.yaml. The first
// line of each is a comment that says in one sentence what it is for; the line
// "# try: " is the command that sends it an event.
//
//go:embed tasks/*.yaml
var tasks embed.FS

const defaultTask = "pr-summary"

// newInitCommand writes a first configuration.
func newInitCommand(a *app) *cobra.Command {
	var out, sender string
	cmd := &cobra.Command{
		Use:   "init [TASK]",
		Short: "Write a commented forebay.yaml for a task: " + strings.Join(taskNames(), ", "),
		Long: "Write a commented configuration for a task, or with --sender a first hook for any\nsender. Without either it is " + defaultTask + ".\nA file that exists is never overwritten.\n\n" + taskList() +
			"\n\nSenders are the types of sources: github, stripe, gitlab, jira and others; forebay\ntrigger --list shows them all.",
		Example: "  forebay init " + defaultTask + "\n  forebay init --sender jira --out jira.yaml",
		GroupID: groupStart,
		Args:    argCount(0, 1, "run forebay init "+defaultTask),
		RunE: func(_ *cobra.Command, names []string) error {
			switch {
			case sender != "" && len(names) > 0:
				return usage("a task and a sender are named", "give one of them")
			case sender != "":
				return a.initSender(sender, out)
			case len(names) > 0:
				return a.init(names[0], out)
			}
			return a.init(defaultTask, out)
		},
	}
	cmd.Flags().StringVar(&sender, "sender", "", "write a first hook for the sender of this `name`")
	cmd.Flags().StringVarP(&out, "out", "o", "forebay.yaml", "the `file` to write; - for standard output")
	return cmd
}

func (a *app) init(task, out string) error {
	text, err := tasks.ReadFile("tasks/" + task + ".yaml")
	if err != nil || strings.ContainsAny(task, "/.") {
		return usage("there is no task "+quote(task), "choose one of "+strings.Join(taskNames(), ", "))
	}
	return a.writeInit(out, "task", task, text)
}

// initSender writes a first hook for a sender.
func (a *app) initSender(name, out string) error {
	s, err := starter.For(name)
	if unknown, ok := errors.AsType[*starter.UnknownError](err); ok {
		return usage(unknown.Cause.Message, unknown.Cause.Remedy)
	}
	if err != nil {
		return failBecause(err, "no configuration can be made for "+name, "choose another sender, or a task: "+strings.Join(taskNames(), ", "))
	}
	return a.writeInit(out, "sender", name, []byte(s.Text()))
}

// writeInit writes text, and says what comes next.
func (a *app) writeInit(out, what, name string, text []byte) error {
	if out == "-" {
		a.printf("%s", text)
		return nil
	}
	if err := writeNew(out, text); err != nil {
		return err
	}
	if a.json {
		a.printJSON(map[string]any{"file": out, what: name, "variables": variablesIn(text)})
		return nil
	}
	a.printf("%s is written. Next:\n\n", out)
	for _, name := range variablesIn(text) {
		a.printf("  export %s=...\n", name)
	}
	flag := ""
	if out != "forebay.yaml" {
		flag = " --config " + out
	}
	a.printf("  forebay check%s\n  forebay serve%s\n\nand in a second terminal:\n\n  %s%s\n", flag, flag, tryLine(text), flag)
	return nil
}

// writeNew writes a file that must not exist yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fail(path+" exists and is left as it is", "write another file with --out, or remove this one first")
	}
	if err != nil {
		return failBecause(err, "the file cannot be written", "write another one with --out")
	}
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return failBecause(err, path+" is not written whole", "remove it, make room, and try again")
	}
	return nil
}

// taskNames lists the tasks, the default first.
func taskNames() []string {
	files, _ := fs.Glob(tasks, "tasks/*.yaml") // the pattern is well formed
	names := []string{defaultTask}
	for _, f := range files {
		if name := strings.TrimSuffix(strings.TrimPrefix(f, "tasks/"), ".yaml"); name != defaultTask {
			names = append(names, name)
		}
	}
	return names
}

func taskList() string {
	var b strings.Builder
	b.WriteString("Tasks:\n")
	for _, name := range taskNames() {
		text, _ := tasks.ReadFile("tasks/" + name + ".yaml") // it was listed
		first, _, _ := strings.Cut(string(text), "\n")
		b.WriteString("  " + name + strings.Repeat(" ", max(18-len(name), 1)) + strings.TrimPrefix(first, "# ") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// variablesIn lists the environment variables that a configuration takes,
// outside of comments, in the order of their first use.
func variablesIn(text []byte) []string {
	var names []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, part := range strings.Split(line, "${")[1:] {
			if name, _, ok := strings.Cut(part, "}"); ok && !seen[name] && !strings.Contains(name, ":") {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// tryLine is the command in the file's comments that sends it an event.
func tryLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if try, ok := strings.CutPrefix(strings.TrimSpace(line), "# try: "); ok {
			return try
		}
	}
	return "forebay trigger --list"
}
